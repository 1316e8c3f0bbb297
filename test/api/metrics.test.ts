/** /metrics as Prometheus reads it, and who may. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join, matchesGlob } from "node:path";
import { test } from "node:test";
import { AdminGetUserCommand, InitiateAuthCommand } from "@aws-sdk/client-cognito-identity-provider";
import { makePool, makeUser, newAddress, password, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

/** What a line of the text format looks like (version 0.0.4). */
const sampleLine =
  /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/;

type Samples = ReadonlyMap<string, number>;

/** Reads the text strictly: every sample follows the HELP and TYPE of its own family, none is there twice. */
function parse(text: string): Samples {
  assert.ok(text.endsWith("\n"));
  const samples = new Map<string, number>();
  let family = "";
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = ""] = /^# (HELP|TYPE) ([a-z_]+) \S.*$/.exec(line) ?? [];
    if (kind === "HELP") {
      assert.ok(!seen.has(name), `${name} twice`);
      seen.add(name);
      family = name;
    } else if (kind === "TYPE") assert.equal(name, family);
    else {
      const [, sample = "", labels = "", value = ""] = sampleLine.exec(line) ?? assert.fail(line);
      assert.equal(sample.replace(/_(?:bucket|sum|count)$/, ""), family.replace(/_(?:sum|count)$/, ""), line);
      // Labels have no order of their own.
      const ordered = labels.replace(/^(le="[^"]*"),(.+)$/, "$2,$1");
      const key = labels === "" ? sample : `${sample}{${ordered}}`;
      assert.ok(!samples.has(key), `${key} twice`);
      samples.set(key, Number(value));
    }
  }
  return samples;
}

async function scrape({ endpoint }: Pick<TestServer, "endpoint">, headers: Record<string, string> = {}) {
  const response = await fetch(`${endpoint}/metrics`, { headers });
  assert.equal(response.status, 200, await response.clone().text());
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parse(await response.text());
}

forOneServer("sqlite", "metrics", (open, database) => {
  test("calls, sign-ins, messages and the database are counted", async () => {
    const server = await open();
    const app = await makePool(server, { AutoVerifiedAttributes: ["email"], UsernameAttributes: ["email"] });
    const name = newAddress();
    await makeUser(server, app.UserPoolId, name, [{ Name: "email", Value: name }]);
    const before = await scrape(server);
    const grown = (after: Samples, key: string) => (after.get(key) ?? 0) - (before.get(key) ?? 0);
    await signIn(server, app.ClientId, name);
    await assert.rejects(signIn(server, app.ClientId, name, `${password}x`));
    await assert.rejects(
      server.client.send(new AdminGetUserCommand({ UserPoolId: app.UserPoolId, Username: "nobody" })),
    );
    const after = await scrape(server);
    assert.equal(grown(after, 'poolhouse_calls_total{operation="InitiateAuth",result="ok"}'), 1);
    assert.equal(
      grown(after, 'poolhouse_calls_total{operation="InitiateAuth",result="NotAuthorizedException"}'),
      1,
    );
    assert.equal(
      grown(after, 'poolhouse_calls_total{operation="AdminGetUser",result="UserNotFoundException"}'),
      1,
    );
    assert.equal(
      grown(after, 'poolhouse_sign_ins_total{step="USER_PASSWORD_AUTH",outcome="authenticated"}'),
      1,
    );
    assert.equal(grown(after, 'poolhouse_call_duration_seconds_count{operation="InitiateAuth"}'), 2);
    assert.equal(
      after.get('poolhouse_call_duration_seconds_bucket{operation="InitiateAuth",le="+Inf"}'),
      after.get('poolhouse_call_duration_seconds_count{operation="InitiateAuth"}'),
    );
    assert.equal(after.get("poolhouse_calls_in_flight"), 0);
    assert.equal(after.get('poolhouse_queue_running{queue="password-hash"}'), 0);
    assert.equal(after.get("poolhouse_messages_waiting"), 0);
    assert.ok((after.get("process_resident_memory_bytes") ?? 0) > 10_000_000);
    assert.ok([...after.keys()].some((key) => /^poolhouse_build_info\{version="\d+\.\d+\.\d+.*"/.test(key)));
    assert.equal(
      after.has("poolhouse_database_sync_duration_seconds_count"),
      database === "sqlite",
      "only the embedded database syncs by itself",
    );
    assert.equal(after.has('poolhouse_database_connections{state="idle"}'), database === "postgres");
    if (database === "sqlite") assert.ok(grown(after, "poolhouse_database_sync_duration_seconds_count") > 0);
  });

  test("each one is in the table of docs/operating.md, and each one there is exposed", async () => {
    const server = await open();
    const text = await (await fetch(`${server.endpoint}/metrics`)).text();
    const exposed = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    const page = readFileSync(join(import.meta.dirname, "../../docs/operating.md"), "utf8");
    const [, table = ""] = /^\| Metric \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(page) ?? [];
    const first = table.split("\n").map((row) => row.split("|")[1] ?? "");
    const documented = first.flatMap((cell) => [...cell.matchAll(/`(\w+\*?)/g)].map(([, name]) => name!));
    assert.deepEqual(
      exposed.filter((name) => !documented.some((pattern) => matchesGlob(name, pattern))),
      [],
      "missing from the table",
    );
    assert.deepEqual(
      documented.filter((pattern) => !exposed.some((name) => matchesGlob(name, pattern))),
      database === "sqlite" ? [] : ["poolhouse_database_sync_duration_seconds"],
      "only in the table",
    );
  });

  test("locked accounts are told from wrong passwords", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const name = await makeUser(server, UserPoolId, "locked");
    const before = await scrape(server);
    const key = 'poolhouse_sign_ins_total{step="USER_PASSWORD_AUTH",outcome="locked"}';
    for (let guess = 0; guess < 7; guess++) {
      await assert.rejects(signIn(server, ClientId, name, `${password}${guess}`));
    }
    assert.ok(((await scrape(server)).get(key) ?? 0) > (before.get(key) ?? 0));
  });

  test("nothing a caller makes up becomes a label, nor any id, name or address", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const name = await makeUser(server, UserPoolId, "label-name");
    await signIn(server, ClientId, name);
    const post = (target: string, body: string) =>
      fetch(server.endpoint, { method: "POST", headers: { "x-amz-target": target }, body });
    await post('AWSCognitoIdentityProviderService.MadeUp"}\\', "{}");
    await post("AWSCognitoIdentityProviderService.InitiateAuth", "no JSON");
    await assert.rejects(
      server.client.send(
        new InitiateAuthCommand({
          ClientId,
          AuthFlow: "MADE_UP_FLOW" as never,
          AuthParameters: { USERNAME: name },
        }),
      ),
    );
    const response = await fetch(`${server.endpoint}/metrics`);
    const text = await response.text();
    for (const told of ["MadeUp", "MADE_UP", UserPoolId, ClientId, name, "127.0.0.1"]) {
      assert.ok(!text.includes(told), told);
    }
    const samples = parse(text);
    assert.equal(
      samples.get('poolhouse_calls_total{operation="unknown",result="UnknownOperationException"}'),
      1,
    );
  });

  test("without a token they are for this machine alone, asked directly and by name", async () => {
    const server = await open();
    const refusedWith = (headers: Record<string, string>) =>
      fetch(`${server.endpoint}/metrics`, { headers }).then((response) => response.status);
    assert.equal(await refusedWith({ "x-forwarded-for": "203.0.113.7" }), 403);
    assert.equal(await refusedWith({ forwarded: "for=203.0.113.7" }), 403);
    assert.equal(await refusedWith({ origin: "https://evil.example" }), 403);
    assert.equal(await statusByHost(server.endpoint, "rebound.example"), 403);
    assert.equal(await statusByHost(server.endpoint, "localhost"), 200);
  });
});

/** fetch keeps the Host header to itself. */
function statusByHost(endpoint: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(`${endpoint}/metrics`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.end();
  });
}

const token = "0123456789abcdef-metrics";

forOneServer(
  "sqlite",
  "metrics with a token",
  (open) => {
    test("are for whoever has it, by any name", async () => {
      const server = await open();
      const status = (authorization?: string) =>
        fetch(`${server.endpoint}/metrics`, authorization ? { headers: { authorization } } : {}).then(
          (response) => response.status,
        );
      assert.equal(await status(), 401);
      assert.equal(await status(`Bearer ${token}x`), 401);
      assert.equal(await status(`Basic ${token}`), 401);
      assert.equal(await status(`bearer ${token}`), 200);
      await scrape(server, { authorization: `Bearer ${token}`, "x-forwarded-for": "203.0.113.7" });
    });
  },
  { POOLHOUSE_METRICS_TOKEN: token },
);

forOneServer(
  "sqlite",
  "metrics behind a proxy of this machine",
  (open) => {
    test("need a token, since whoever asks looks local", async () => {
      const server = await open();
      const local = server.endpoint.replace("id.example", "127.0.0.1");
      assert.equal((await fetch(`${local}/healthz`)).status, 200);
      assert.equal((await fetch(`${local}/metrics`)).status, 403);
    });
  },
  { POOLHOUSE_PUBLIC_URL: "http://id.example:0" },
);
