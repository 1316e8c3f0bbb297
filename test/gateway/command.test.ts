/** `poolhouse gateway check`, and the start of `poolhouse gateway`: what they find, and what they say. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { protectedBy } from "../../src/cli/gateway.ts";
import { databaseFinding } from "../../src/cli/gateway-check.ts";
import { nodeFinding } from "../../src/cli/node-version.ts";
import { readGatewayFile } from "../../src/config/gateway-file.ts";
import { examineApplications, examineProvider } from "../../src/gateway/examine.ts";
import { openSessionsDatabase } from "../../src/gateway/sessions/database.ts";
import type { GatewaySettings } from "../../src/lib/gateway-settings.ts";
import { runWith, start, stop } from "../cli/program.ts";
import { secret, startOpenIdProvider } from "../federation/openid-provider.ts";
import { forEachDatabase, silent, temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { forOneServer } from "../kit/server.ts";
import { gatewayPlace, newKey, newStore, route } from "./place.ts";

type Change = Partial<Omit<GatewaySettings, "provider">> & {
  readonly provider?: Partial<GatewaySettings["provider"]>;
};

const lines = async (settings: GatewaySettings) =>
  (await examineProvider(settings)).map(({ ok, text }) => `${ok} ${text}`);

forOneServer("sqlite", "gateway check", (start) => {
  test("the provider is asked for all that a sign-in needs", async () => {
    const { gateway, origin, pool } = await gatewayPlace(await start(), undefined);
    const { settings } = gateway;
    const { issuer, clientId } = settings.provider;
    const changed = ({ provider, ...change }: Change) =>
      lines({ ...settings, ...change, provider: { ...settings.provider, ...provider } });
    const answers = `true the provider ${issuer} answers, and its keys can be read`;
    const redirect = `true the provider accepts the redirect URI ${origin}/auth/signin/callback`;
    const client = `true the provider accepts the client ${clientId}, which has no secret`;
    const signOut = `true the provider accepts the sign-out URL ${origin}/`;
    assert.equal(pool.ClientSecret, undefined);
    assert.deepEqual(await changed({}), [answers, redirect, client, signOut]);
    assert.deepEqual(await changed({ provider: { signOut: false } }), [answers, redirect, client]);
    // Sign-outs lead back to each application's own host.
    const [every] = settings.applications;
    const applications = [every!, { ...every!, hosts: ["cms.example.com", new URL(origin).host] }];
    const [, , , ...signOuts] = await changed({ applications });
    assert.equal(signOuts.length, 2);
    assert.equal(signOuts[0], signOut);
    assert.match(
      signOuts[1]!,
      /^perhaps the provider may refuse sign-outs that lead to http:\/\/cms\.example\.com\/ \(.+\): is it/,
    );
    const elsewhere = { ...settings.paths, callback: "/elsewhere" };
    const [, mismatch] = await changed({ paths: elsewhere });
    assert.equal(
      mismatch,
      `false the provider refuses the sign-in (redirect_mismatch): is ${origin}/elsewhere a redirect URI of the client ${clientId}?`,
    );
    const [, scope] = await changed({ provider: { scopes: ["openid", "unheard-of"] } });
    assert.match(
      scope ?? "",
      /^false the provider refuses to sign anybody in for this client: invalid_scope/,
    );
    const [, , secret] = await changed({ provider: { clientSecret: "wrong" } });
    assert.equal(
      secret,
      `false the provider does not accept the client ${clientId} (invalid_client): provider.client-id or the secret is wrong`,
    );
    const [, , unknown] = await changed({ provider: { clientId: "nobody" } });
    assert.match(unknown ?? "", /^false the provider does not accept the client nobody \(invalid_client\)/);
    const [away, ...others] = await changed({ provider: { issuer: `http://127.0.0.1:${await freePort()}` } });
    assert.match(away ?? "", /^false the provider http:\S+ cannot be used: .*ECONNREFUSED/);
    assert.deepEqual(others, []);
    const [other] = await changed({ provider: { issuer: `${issuer}x` } });
    assert.match(other ?? "", /^false the provider \S+ cannot be used: .*: 404$/);
  });

  test("the command prints a line each, and exits with 1 if one fails", async () => {
    const { gateway, origin, upstream } = await gatewayPlace(await start(), undefined);
    const { issuer, clientId } = gateway.settings.provider;
    const file = join(temporaryFolder(), "gateway.yaml");
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const text = (callback: string) => `public-url: ${origin}
provider: { issuer: "${issuer}", client-id: ${clientId} }
paths: { callback: ${callback} }
sessions: { keys: ${newKey()} }
applications:
  - { upstream: "${upstream}", hosts: [${new URL(origin).host}], routes: [{ path: /**, groups: admins }] }
  - { upstream: "${nowhere}", routes: [{ path: /public/**, access: public, methods: GET }, { path: /** }] }
`;
    writeFileSync(file, text("/auth/signin/callback"), { mode: 0o644 });
    const fine = await runWith({}, "gateway", "check", "--config", file);
    assert.equal(fine.stderr, "");
    assert.deepEqual(fine.stdout.trimEnd().split("\n"), [
      "ok    the file is valid: 2 applications, 3 routes",
      `warn  every account of this machine can read ${file}, which has secrets: chmod o-r ${file}`,
      `ok    the provider ${issuer} answers, and its keys can be read`,
      `ok    the provider accepts the redirect URI ${origin}/auth/signin/callback`,
      `ok    the provider accepts the client ${clientId}, which has no secret`,
      `ok    the provider accepts the sign-out URL ${origin}/`,
      `ok    no database yet: the first start makes ${file.replace("gateway.yaml", "gateway-sessions.db")}`,
      `ok    the application at ${upstream} can be reached`,
      `warn  nobody answers at ${nowhere}: the application does not run, or not there`,
    ]);
    assert.equal(fine.code, 0);
    writeFileSync(file, text("/elsewhere"), { mode: 0o600 });
    const wrong = await runWith({}, "gateway", "check", "--config", file);
    assert.match(wrong.stdout, /^FAIL {2}the provider refuses the sign-in \(redirect_mismatch\)/m);
    assert.equal(wrong.code, 1);
  });
});

forEachDatabase((kind) => {
  test("the database is looked at, and not changed", async () => {
    const path = join(temporaryFolder(), "sessions.db");
    const database = kind === "sqlite" ? `sqlite:${path}` : ((await newStore("postgres")) ?? assert.fail());
    const finding = async (url = database) =>
      databaseFinding({ sessions: { database: url } } as unknown as GatewaySettings);
    if (kind === "sqlite") {
      assert.deepEqual(await finding(), { ok: true, text: `no database yet: the first start makes ${path}` });
      writeFileSync(path, "");
      const nowhere = await finding(`sqlite:${path}/below-a-file.db`);
      assert.match(nowhere.text, /^no database yet, and \S+ is no folder .*: change sessions\.store$/);
    } else {
      const { ok, text } = await finding(database.replace(/[^/]+$/, "no_such_database"));
      assert.equal(ok, false);
      assert.match(text, /no_such_database/);
    }
    for (const _ of ["first", "again"])
      assert.deepEqual(await finding(), { ok: true, text: `the ${kind} database of sessions answers` });
    const looked = await openSessionsDatabase(database, silent, { looksOnly: true });
    after(() => looked.close());
    await assert.rejects(looked.kysely.selectFrom("gateway_sessions").select("key").execute());
  });
});

test("another OpenID provider answers in its own ways, and is understood", async () => {
  const publicUrl = "https://auth.example.com";
  const provider = await startOpenIdProvider(
    { redirect_uris: [`${publicUrl}/auth/signin/callback`], post_logout_redirect_uris: [`${publicUrl}/`] },
    { clientAuthMethods: ["client_secret_post"] },
  );
  after(() => provider.close());
  const file = join(temporaryFolder(), "gateway.yaml");
  const found = async (more: string, clientSecret = secret) => {
    writeFileSync(
      file,
      `public-url: ${publicUrl}
provider: { issuer: "${provider.issuer}", client-id: poolhouse, client-secret: ${clientSecret} }
sessions: { keys: ${newKey()}, store: cookies }
applications: [{ routes: [{ path: /** }] }]
${more}`,
    );
    return lines(readGatewayFile(file, { env: {} }));
  };
  assert.deepEqual((await found("")).slice(1), [
    `true the provider accepts the redirect URI ${publicUrl}/auth/signin/callback`,
    "true the provider accepts the client poolhouse and its secret",
    `true the provider accepts the sign-out URL ${publicUrl}/`,
  ]);
  const [, redirect] = await found("paths: { callback: /elsewhere }");
  assert.equal(
    redirect,
    `false the provider refuses the sign-in (HTTP 400): is ${publicUrl}/elsewhere a redirect URI of the client poolhouse?`,
  );
  const [, , client] = await found("", "wrong");
  assert.equal(
    client,
    "false the provider does not accept the client poolhouse (invalid_client): provider.client-id or the secret is wrong",
  );
});

test("the command starts, says where it listens, and finds its database in use", async () => {
  const file = join(temporaryFolder(), "gateway.yaml");
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(
    file,
    `public-url: https://auth.example.com
port: 0
log-level: fatal
provider: { issuer: "${nowhere}", client-id: web }
sessions: { keys: ${newKey()}, store: sqlite:sessions.db }
applications: [{ routes: [{ path: /** }] }]
`,
    { mode: 0o600 },
  );
  const ready = /^The gateway of https:\/\/auth\.example\.com listens on (http:\S+)$/m;
  const running = await start(ready, "gateway", "--config", file);
  try {
    const [, url] = ready.exec(running.output) ?? [];
    assert.equal((await fetch(`${url}/auth/keys`)).status, 200);
    const checked = await runWith({}, "gateway", "check", "--config", file);
    assert.match(checked.stdout, /^FAIL {2}the provider http:\S+ cannot be used: /m);
    assert.match(checked.stdout, /^ok {4}the sqlite database of sessions answers$/m);
    const second = await runWith({}, "gateway", "--config", file);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^poolhouse gateway: .*sessions\.db/);
  } finally {
    assert.equal(await stop(running.process), 0);
  }
});

test("what is protected is said in a line for each application", () => {
  const applications: GatewaySettings["applications"] = [
    {
      hosts: ["cms.example.com"],
      upstream: "http://127.0.0.1:8080",
      routes: [
        route("/public/**", { access: "public", methods: ["GET", "HEAD"] }),
        route("/admin/**", { groups: ["admins", "editors"], claims: { department: ["sales"] } }),
        route("/api/**", { by: "bearer", scopes: ["api/read"] }),
        route("/**", { by: "either" }),
      ],
    },
    { hosts: [], upstream: undefined, routes: [route("/**")] },
  ];
  assert.deepEqual(protectedBy({ applications }), [
    "cms.example.com, at http://127.0.0.1:8080: GET HEAD /public/** for everybody; " +
      "/admin/** for groups admins editors, claims department; /api/** for scopes api/read by bearer token; " +
      "/** for all who are signed in by session or bearer token",
    "every host, by the check of another proxy: /** for all who are signed in",
  ]);
});

test("an application that does not answer is no failure: it may start later", async () => {
  const at = `http://127.0.0.1:${await freePort()}`;
  const applications = [{ hosts: [], upstream: at, routes: [route("/**")] }];
  const found = await examineApplications({ applications } as unknown as GatewaySettings);
  assert.deepEqual(found, [
    { ok: "perhaps", text: `nobody answers at ${at}: the application does not run, or not there` },
  ]);
});

test("a Node.js that leaves headers out is told of, one that is too old fails", () => {
  for (const [version, ok] of [
    ["22.20.0", false],
    ["24.5.0", "perhaps"],
    ["24.18.0", "perhaps"],
    ["24.18.1", true],
    ["24.21.0", true],
    ["26.0.0", true],
  ] as const)
    assert.equal(nodeFinding(version).ok, ok, version);
});
