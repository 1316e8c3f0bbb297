/** A gateway's file: what it means, and that one which cannot be meant refuses to start and says what to write instead. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readGatewayFile } from "../../src/config/gateway-file.ts";
import { gatewayKeys } from "../../src/config/gateway-keys.ts";
import { ConfigError } from "../../src/config/section.ts";
import { temporaryFolder } from "../kit/databases.ts";

const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const otherKey = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

const folder = temporaryFolder();
writeFileSync(join(folder, "empty"), "");
writeFileSync(join(folder, "wrong-keys"), "abc\n");
writeFileSync(join(folder, "keys"), `${otherKey}\n${key}\n`, { mode: 0o600 });

type Part = "public-url" | "provider" | "provider-line" | "sessions" | "applications" | "applications-line";

const indented = (text: string, by: number) => text.replace(/^/gm, " ".repeat(by));

/** A file with a part that is another. */
function fileWith(part: string, text: string): string {
  if (part === "whole") return text;
  const or = (one: Part, usual: string) => (part === one ? text : usual);
  const provider = or("provider", "issuer: https://id.example.com/pool\nclient-id: web");
  const domain = part === "domain" ? "\ncookie-domain: example.com" : "";
  const routes = `- routes:\n${indented(part === "routes" ? text : "- path: /**", 4)}`;
  const applications = part === "domain" ? text : or("applications", routes);
  return [
    or("public-url", "public-url: https://auth.example.com"),
    or("provider-line", `provider:\n${indented(provider, 2)}`),
    `sessions:\n${indented(or("sessions", `keys: ${key}${domain}`), 2)}`,
    or("applications-line", `applications:\n${indented(applications, 2)}`),
    ...(part === "more" ? [text] : []),
  ].join("\n");
}

function written(text: string): string {
  const path = join(folder, "gateway.yaml");
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

/** The settings of a file, and what is warned of. */
function readPath(path: string, env: Record<string, string> = {}) {
  const warnings: string[] = [];
  return { settings: readGatewayFile(path, { env, warn: (text) => warnings.push(text) }), warnings };
}

const read = (part: string, text: string, env: Record<string, string> = {}) =>
  readPath(written(fileWith(part, text)), env);

test("what cannot be meant refuses to start, and is named with its line", () => {
  const table = readFileSync(join(import.meta.dirname, "wrong-files.txt"), "utf8");
  const cases = table.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.ok(cases.length >= 130);
  for (const line of cases) {
    const [, part = "", text = "", message = ""] = /^([\w-]+) \| (.*) → (.*)$/.exec(line) ?? [];
    const lines = text.replaceAll("K1", key).replaceAll(" ⏎ ", "\n");
    assert.throws(
      () => read(part, lines),
      (error) => {
        assert.ok(error instanceof ConfigError, line);
        const path = join(folder, "gateway.yaml");
        const said = error.message.replace(`${path}, line`, "line").replaceAll(path, "…");
        assert.equal(said.replace("The file … of", "The file gateway.yaml of"), message, line);
        return true;
      },
    );
  }
});

test("what applications have in common is written once, as an alias", () => {
  const shared = [
    "- hosts: auth.example.com",
    "  routes: &routes",
    "    - path: /**",
    "      groups: &who [01]",
  ];
  const { settings } = read(
    "applications",
    [...shared, "- hosts: auth.example.com:8443", "  routes: *routes"].join("\n"),
  );
  const [first, second] = settings.applications;
  assert.deepEqual(first?.routes[0]?.groups, ["01"]);
  assert.deepEqual(second?.routes, first?.routes);
});

test("a file of the least that it needs has the defaults of the table", () => {
  const { settings, warnings } = read("", "");
  assert.deepEqual(warnings, []);
  const { sessions, identity, paths } = gatewayKeys;
  const { port } = gatewayKeys[""];
  assert.deepEqual(settings.listen, { host: "127.0.0.1", port: port.range.fallback, tls: undefined });
  assert.equal(settings.sessions.database, `sqlite:${join(folder, "gateway-sessions.db")}`);
  assert.equal(settings.sessions.idle, sessions.idle.range.fallback);
  assert.equal(settings.sessions.lifetime, sessions.lifetime.range.fallback);
  assert.equal(settings.sessions.cookieName, sessions["cookie-name"].fallback);
  assert.equal(settings.identity.prefix, identity["header-prefix"].fallback);
  assert.equal(settings.paths.callback, paths.callback.fallback);
  assert.deepEqual(settings.trustedProxies, ["127.0.0.0/8", "::1"]);
  assert.deepEqual(settings.provider.scopes, ["openid", "email", "profile"]);
  assert.equal(settings.logLevel, gatewayKeys[""]["log-level"].fallback);
});

test("rules that seem to contradict each other, and do not", () => {
  const fine: readonly [part: string, text: string][] = [
    [
      "routes",
      "- path: /admin/public/**\n  access: public\n- path: /admin/**\n  groups: admins\n- path: /**",
    ],
    ["routes", "- path: /Admin/**\n  access: public\n- path: /admin/**\n  groups: admins"],
    ["routes", "- path: /a\n- path: /a/**"],
    ["routes", "- path: /a/**\n- path: /ab"],
    ["routes", "- path: /a/**\n  methods: GET\n- path: /a/**"],
    ["routes", "- path: /a/**\n  methods: get\n- path: /a/b\n  methods: [GET, POST]"],
    ["routes", "- path: /"],
    ["domain", "- hosts: cms.example.com\n  routes: [{path: /**}]\n- routes: [{path: /**}]"],
    ["domain", "- hosts: example.com\n  upstream: http://127.0.0.1:4181\n  routes: [{path: /**}]"],
    ["public-url", "public-url: http://localhost:4180"],
    ["public-url", "allow-plaintext: true\npublic-url: http://auth.example.com"],
    ["more", "paths: {callback: /oauth2/callback, check: /verify}"],
    ["more", "return-hosts: ['*.example.com', 'localhost:3000']"],
    ["more", "trusted-proxies: []"],
    ["sessions", `keys: ${key}\nstore: 'sqlite::memory:'`],
    ["sessions", `keys: ${key}\nlifetime: 3600`],
  ];
  for (const [part, text] of fine) assert.doesNotThrow(() => read(part, text), text);
  assert.equal(read("sessions", `keys: ${key}\nlifetime: 3600`).settings.sessions.idle, 3600);
});

test("secrets of the environment go before the file, and one that nobody knows is refused", () => {
  const provider = "issuer: https://id.example.com\nclient-id: web\nclient-secret: of-the-file";
  const env = {
    POOLHOUSE_GATEWAY_CLIENT_SECRET: "of-the-environment",
    POOLHOUSE_GATEWAY_KEYS: `${otherKey},${key}`,
    POOLHOUSE_GATEWAY_STORE: "postgres://u:p@db/gateway",
    POOLHOUSE_PORT: "1",
  };
  const { settings } = read("provider", provider, env);
  assert.equal(settings.provider.clientSecret, "of-the-environment");
  assert.deepEqual(settings.sessions.keys, [otherKey, key]);
  assert.equal(settings.sessions.database, "postgres://u:p@db/gateway");
  assert.equal(read("provider", provider).settings.provider.clientSecret, "of-the-file");
  const refused: readonly [env: Record<string, string>, message: string][] = [
    [
      { POOLHOUSE_GATEWAY_KEY: key },
      "Unknown environment variable POOLHOUSE_GATEWAY_KEY. Did you mean POOLHOUSE_GATEWAY_KEYS?",
    ],
    [
      { POOLHOUSE_GATEWAY_KEYS: "x" },
      "The environment variable POOLHOUSE_GATEWAY_KEYS must be base64 of 32 bytes each: `poolhouse gateway new-key` prints one.",
    ],
    [
      { POOLHOUSE_GATEWAY_STORE: "redis://cache" },
      "The environment variable POOLHOUSE_GATEWAY_STORE must be postgres://…, sqlite:<path> or a path.",
    ],
  ];
  for (const [given, message] of refused)
    assert.throws(() => read("provider", provider, given), { name: "ConfigError", message });
});

test("secrets in files of their own, from the file's folder; warnings of what others can read", () => {
  const text = fileWith("sessions", "keys-file: keys\nstore: postgres://gateway@db/gateway");
  const path = written(text);
  assert.deepEqual(readPath(path).settings.sessions.keys, [otherKey, key]);
  chmodSync(path, 0o644);
  // There is no secret in it.
  assert.deepEqual(readPath(path).warnings, []);
  const keys = join(folder, "keys");
  chmodSync(keys, 0o644);
  const warning = (of: string) =>
    `every account of this machine can read ${of}, which has secrets: chmod o-r ${of}`;
  assert.deepEqual(readPath(path).warnings, [warning(keys)]);
  chmodSync(keys, 0o640);
  writeFileSync(path, text.replace("gateway@db", "gateway:secret@db"));
  assert.deepEqual(readPath(path).warnings, [warning(path)]);
  assert.deepEqual(read("more", "trusted-proxies: [0.0.0.0/0]").warnings, [
    "trusted-proxies has 0.0.0.0/0: whoever reaches the gateway is taken for a proxy",
  ]);
});
