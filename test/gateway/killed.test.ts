/** `poolhouse gateway` and `poolhouse serve` as processes: killed in the middle of a sign-in, and replaced one after the other. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, test } from "node:test";
import { newVisitor } from "../hosted-ui/visitor.ts";
import { type Child, clientOf, endChild, main, startChild } from "../kit/child.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { createPostgres, dropPostgres, skipWithoutPostgres } from "../kit/postgres.ts";
import { openRelay } from "../kit/relay.ts";
import type { TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { byWhole, whole } from "../kit/whole.ts";
import { Browser, newKey, paths } from "./place.ts";

const running = new Set<ChildProcess>();
after(() => {
  for (const one of running) one.kill("SIGKILL");
});

async function startGateway(file: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, "gateway", "--config", file], {
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, "line"), once(child, "exit")])) as [unknown];
  assert.match(String(line), /listens on/);
  return child;
}

const end = async (child: ChildProcess, signal: NodeJS.Signals) => {
  const exited = once(child, "exit");
  child.kill(signal);
  return (await exited)[0] as number | null;
};

/** A pool in a process of its own, behind a relay that can hold what is sent to it, and two gateways. */
async function openPlace() {
  const [port, gatewayPort, otherPort] = [await freePort(), await freePort(), await freePort()];
  let held: Promise<void> | undefined;
  let redeemed = 0;
  const relay = await openRelay({ host: "127.0.0.1", port }, async (piece) => {
    if (!piece.toString("latin1").includes("POST /") || !piece.includes("/oauth2/token")) return true;
    redeemed += 1;
    await held;
    return true;
  });
  after(() => relay.cut());
  const data = temporaryFolder();
  const url = `http://127.0.0.1:${relay.port}`;
  const startPool = () =>
    startChild({ flags: ["--port", String(port), "--data", data], env: { POOLHOUSE_PUBLIC_URL: url } });
  const pool: { child: Child } = { child: await startPool() };
  const server = { endpoint: url, client: clientOf(url) } as unknown as TestServer;
  const origin = `http://127.0.0.1:${gatewayPort}`;
  const made = await makePool(
    server,
    {},
    {
      CallbackURLs: [`${origin}${paths.callback}`],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
      SupportedIdentityProviders: ["COGNITO"],
    },
  );
  for (const name of ["ann", "bob"])
    await makeUser(server, made.UserPoolId, name, [{ Name: "email", Value: `${name}@example.test` }]);
  const { name, url: store } = await createPostgres();
  after(() => void dropPostgres(name));
  const fileFor = (listen: number) => {
    const file = join(data, `gateway-${listen}.yaml`);
    writeFileSync(file, yamlOf({ listen, origin, issuer: `${url}/${made.UserPoolId}`, ...made, store }));
    return file;
  };
  const files = { first: fileFor(gatewayPort), second: fileFor(otherPort) };
  return {
    pool,
    startPool,
    origin,
    other: `http://127.0.0.1:${otherPort}`,
    startFirst: () => startGateway(files.first),
    startSecond: () => startGateway(files.second),
    redeemed: () => redeemed,
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    /** Signs in at the pool's pages. Returns the callback's URL. */
    async signInThere(location: string, username: string): Promise<string> {
      const visitor = newVisitor(server, made);
      let shown = await visitor.get(location);
      for (;;) {
        if (shown.location.startsWith(origin)) return shown.location;
        shown =
          shown.location === ""
            ? await visitor.submit(shown, "/login", { username, password })
            : await visitor.get(new URL(shown.location, url).href);
      }
    },
  };
}

const key = newKey();

const yamlOf = (of: {
  readonly listen: number;
  readonly origin: string;
  readonly issuer: string;
  readonly ClientId: string;
  readonly ClientSecret: string | undefined;
  readonly store: string;
}) => `
port: ${of.listen}
public-url: ${of.origin}
log-level: fatal
provider:
  issuer: ${of.issuer}
  client-id: ${of.ClientId}
  ${of.ClientSecret === undefined ? "" : `client-secret: ${of.ClientSecret}`}
  scopes: [openid, email]
sessions:
  store: ${of.store}
  keys: [${key}]
applications:
  - routes: [{ path: /app/** }]
`;

type Place = Awaited<ReturnType<typeof openPlace>>;

let opened: Promise<Place> | undefined;
const open = () => {
  opened ??= openPlace();
  return opened;
};

const begin = async ({ origin }: Place, browser: Browser) =>
  (await browser.get(`${origin}${paths.signIn}?rd=/`)).headers.get("location")!;

async function whoAt(origin: string, browser: Browser): Promise<string | number> {
  const answer = await browser.get(`${origin}${paths.session}`);
  return answer.status === 200 ? JSON.parse(await answer.text()).username : answer.status;
}

describe("processes", skipWithoutPostgres(), () => {
  test("kill -9 in the middle of a sign-in ends with a page or a session, and never with another's", async () => {
    const place = await open();
    const { origin } = place;
    let gateway = await place.startFirst();
    const [ann, bob] = [new Browser(), new Browser()];

    // The gateway, while both are at the provider: their browsers have all that it needs.
    const there = [await begin(place, ann), await begin(place, bob)] as const;
    await end(gateway, "SIGKILL");
    const back = [
      await place.signInThere(there[0], "ann"),
      await place.signInThere(there[1], "bob"),
    ] as const;
    gateway = await place.startFirst();
    assert.equal((await bob.get(back[1])).status, 303);
    assert.equal((await ann.get(back[0])).status, 303);
    assert.deepEqual([await whoAt(origin, ann), await whoAt(origin, bob)], ["ann", "bob"]);

    // The gateway, while it redeems the code: the code is used up, and the page says what to do.
    const browser = new Browser();
    const again = await place.signInThere(await begin(place, browser), "ann");
    const release = place.hold();
    const before = place.redeemed();
    const dies = browser.get(again).catch(() => "cut off");
    await until("it redeems", () => place.redeemed() > before);
    await end(gateway, "SIGKILL");
    assert.equal(await dies, "cut off");
    release();
    gateway = await place.startFirst();
    const shown = await browser.get(again);
    assert.ok([303, 400].includes(shown.status), String(shown.status));
    if (shown.status === 400) assert.match(await shown.text(), /You are not signed in.*Sign in<\/a>/);
    const third = await place.signInThere(await begin(place, browser), "ann");
    assert.equal((await browser.get(third)).status, 303);
    assert.equal(await whoAt(origin, browser), "ann");

    // The provider, once it has sent the browser back.
    const code = await place.signInThere(await begin(place, bob), "bob");
    await endChild(place.pool.child.process, "SIGKILL");
    const away = await bob.get(code);
    assert.equal(away.status, 503);
    assert.match(await away.text(), /The identity provider does not answer.*Try again/);
    assert.deepEqual([await whoAt(origin, ann), await whoAt(origin, bob)], ["ann", "bob"], "sessions go on");
    place.pool.child = await place.startPool();
    const last = await place.signInThere(await begin(place, bob), "bob");
    assert.equal((await bob.get(last)).status, 303);
    assert.equal(await whoAt(origin, bob), "bob");
    assert.equal(await end(gateway, "SIGTERM"), 0);
  });

  const long = { skip: whole ? false : byWhole };
  test("gateways are replaced one after the other without a lost session", long, async () => {
    const place = await open();
    const { origin, other } = place;
    const gateways = [await place.startFirst(), await place.startSecond()];
    const ann = new Browser();
    await ann.get(await place.signInThere(await begin(place, ann), "ann"));
    const starts = [place.startFirst, place.startSecond] as const;
    for (const [index, start] of starts.entries()) {
      assert.deepEqual([await whoAt(origin, ann), await whoAt(other, ann)], ["ann", "ann"]);
      const waiting = new Browser();
      const back = index === 0 ? await place.signInThere(await begin(place, waiting), "bob") : undefined;
      assert.equal(await end(gateways[index]!, "SIGTERM"), 0);
      assert.equal(await whoAt([other, origin][index]!, ann), "ann");
      if (back !== undefined) {
        // A balancer sends the browser to the one that runs.
        const elsewhere = back.replace(origin, other);
        assert.equal((await waiting.get(elsewhere)).status, 303);
        assert.equal(await whoAt(other, waiting), "bob");
      }
      gateways[index] = await start();
    }
    assert.deepEqual([await whoAt(origin, ann), await whoAt(other, ann)], ["ann", "ann"]);
    for (const one of gateways) assert.equal(await end(one, "SIGTERM"), 0);
  });
});
