/** Sign-ins and sign-ups while the queues for hashes and SRP exchanges are full (src/http/aws-json/early-refusals.ts). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Turn } from "../../src/app.ts";
import { holdings } from "../../src/http/holdings.ts";
import { password } from "../kit/people.ts";
import { byAddress, forOneServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { until } from "../kit/waiting.ts";
import { attacker, other, settle, type Town } from "./others.ts";
import { type Answered, type Asking, ask, hold, letGo } from "./sockets.ts";

const metricsToken = "while-the-queues-are-full";
const target = "x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth\r\n";

/**
 * Fills both queues with jobs of one address: whenever one is done, another takes its place before anything else happens.
 * @returns empties them
 */
async function fill({ server, place }: Town): Promise<() => Promise<void>> {
  const { passwordHasher, srp } = server.app;
  const turn: Turn = { pool: place.UserPoolId, address: attacker };
  const salt = new Uint8Array(16);
  const verifier = { group: "g", identity: "i", password: "p", salt };
  let isOver = false;
  const always = async (job: () => Promise<unknown>) => {
    while (!isOver) await job();
  };
  // Whoever gives way to another address stays away.
  const several = (count: number, job: () => Promise<unknown>) =>
    Array.from({ length: count + 1 }, () => always(job).catch(() => {}));
  const jobs = [
    ...several(holdings.hashes.limit.each, () => passwordHasher.hash("password", turn)),
    ...several(holdings.exchanges.limit.each, () => srp.makeVerifier(verifier, turn)),
  ];
  await until("both are full", () =>
    [passwordHasher, srp].every((queue) => queue.refusal(turn) !== undefined),
  );
  return async () => {
    isOver = true;
    await Promise.all(jobs);
  };
}

const stable = ({ status, headers, body }: Answered) => {
  const { "x-amzn-requestid": id, date, ...others } = headers;
  assert.match(String(id), /^[0-9a-f-]{36}$/);
  assert.match(String(date), / GMT$/);
  return { status, headers: others, body };
};

async function counted({ server }: Town, line: string): Promise<number> {
  const headers = { authorization: `Bearer ${metricsToken}` };
  const { body } = await ask(server.endpoint, other, { path: "/metrics", headers });
  const found = body.split("\n").find((one) => one.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
}

forOneServer(
  "sqlite",
  "full queues",
  (open) => {
    let begun: Promise<Town> | undefined;
    const inTown = () => {
      // After a sign-in of each kind, client and pool are cached, as they are on any server that a flood meets.
      begun ??= open().then(async (server) => {
        const town = await settle(byAddress(server));
        assert.equal((await ask(town.server.endpoint, other, town.signIn)).status, 200);
        return town;
      });
      return begun;
    };
    const whileFull = async (work: (town: Town) => Promise<void>) => {
      const town = await inTown();
      const empty = await fill(town);
      try {
        await work(town);
      } finally {
        await empty();
      }
    };
    const srpA = new SrpClient().srpA;
    const initiate = (
      { call, place }: Town,
      flow: string,
      AuthParameters: object,
      more: object = {},
    ): Asking => call("InitiateAuth", { ClientId: place.ClientId, AuthFlow: flow, AuthParameters, ...more });
    const waiting = (town: Town, more: object = {}): Readonly<Record<string, Asking>> => ({
      password: initiate(town, "USER_PASSWORD_AUTH", { USERNAME: "ann", PASSWORD: password }, more),
      srp: initiate(town, "USER_SRP_AUTH", { USERNAME: "ann", SRP_A: srpA }, more),
      "chosen password": initiate(
        town,
        "USER_AUTH",
        { USERNAME: "ann", PREFERRED_CHALLENGE: "PASSWORD", PASSWORD: password },
        more,
      ),
      "chosen srp": initiate(
        town,
        "USER_AUTH",
        { USERNAME: "ann", PREFERRED_CHALLENGE: "PASSWORD_SRP", SRP_A: srpA },
        more,
      ),
      "sign-up": town.call("SignUp", {
        ClientId: town.place.ClientId,
        Username: "somebody",
        Password: password,
        ...more,
      }),
    });

    test("whatever waits for them is refused, with the answer that it would get after its client was loaded", async () =>
      whileFull(async (town) => {
        const { endpoint } = town.server;
        const early = waiting(town);
        // They say where the user is, so that it is not known before whose turn they take.
        const late = waiting(town, { UserContextData: { IpAddress: "192.0.2.1" } });
        for (const [kind, asking] of Object.entries(early)) {
          const answer = stable(await ask(endpoint, attacker, asking));
          assert.deepEqual(
            [answer.status, JSON.parse(answer.body)],
            [400, { __type: "TooManyRequestsException", message: "Rate exceeded" }],
            kind,
          );
          assert.deepEqual(stable(await ask(endpoint, attacker, late[kind]!)), answer, kind);
        }
      }));

    test("how a body comes makes no difference", async () =>
      whileFull(async (town) => {
        const { endpoint } = town.server;
        const asking = waiting(town)["password"]!;
        const usual = stable(await ask(endpoint, attacker, asking));
        assert.equal(usual.status, 400);
        const headers = { ...asking.headers };
        const chunked = { ...asking, headers: { ...headers, "transfer-encoding": "chunked" } };
        const plain = { ...asking, headers: { ...headers, "content-type": "text/plain" } };
        for (const other of [chunked, plain])
          assert.deepEqual(stable(await ask(endpoint, attacker, other)), usual);
        const body = asking.body!;
        const head = `POST / HTTP/1.1\r\nhost: ${new URL(endpoint).host}\r\n${target}content-length: ${body.length}\r\n\r\n`;
        const [held] = await hold(endpoint, attacker, 1, head);
        for (const part of [body.slice(0, 10), body.slice(10)])
          await new Promise((sent) => held!.socket.write(part, sent));
        await until("it is answered", () => held!.received().includes(usual.body));
        // The same connection serves two requests that come at once.
        held!.socket.write(`${head}${body}${head}${body}`);
        await until("both are answered", () => held!.received().split(usual.body).length === 4);
        letGo([held!]);
      }));

    test("what is wrong with a request is told as ever", async () =>
      whileFull(async (town) => {
        const { call, place, server } = town;
        const parameters = { USERNAME: "ann", PASSWORD: password };
        const told = async (asking: Asking) => {
          const { body, headers } = await ask(server.endpoint, attacker, asking);
          return [String(headers["x-amzn-errortype"]), body] as const;
        };
        const broken = { ...call("InitiateAuth", {}), body: '{"AuthFlow":"USER_PASSWORD_AUTH"' };
        assert.equal((await told(broken))[0], "SerializationException:");
        const wrongType = initiate(town, "USER_PASSWORD_AUTH", { ...parameters, PASSWORD: 7 });
        assert.equal((await told(wrongType))[0], "SerializationException:");
        const noClient = call("InitiateAuth", { AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: parameters });
        assert.match((await told(noClient))[1], /'clientId' failed to satisfy constraint/);
        const unknown = call("InitiateAuth", {
          ClientId: "a".repeat(26),
          AuthFlow: "USER_PASSWORD_AUTH",
          AuthParameters: parameters,
        });
        assert.equal((await told(unknown))[0], "ResourceNotFoundException:");
        const noFlow = initiate(town, "NO_SUCH_FLOW", parameters);
        assert.equal((await told(noFlow))[0], "InvalidParameterException:");
        // What may need no hash is not refused for one.
        const choice = await ask(server.endpoint, attacker, initiate(town, "USER_AUTH", { USERNAME: "ann" }));
        assert.equal(JSON.parse(choice.body).ChallengeName, "SELECT_CHALLENGE");
        const asksLater = initiate(town, "USER_AUTH", { USERNAME: "ann", PREFERRED_CHALLENGE: "PASSWORD" });
        const later = await ask(server.endpoint, attacker, asksLater);
        assert.equal(JSON.parse(later.body).ChallengeName, "PASSWORD");
        const passwordless = call("SignUp", { ClientId: place.ClientId, Username: "nobody" });
        assert.notEqual((await told(passwordless))[0], "TooManyRequestsException:");
      }));

    test("another address gets its turn, and refusals are counted", async () =>
      whileFull(async (town) => {
        const { app, endpoint } = town.server;
        const asking = waiting(town)["password"]!;
        const calls = 'poolhouse_calls_total{operation="InitiateAuth",result="TooManyRequestsException"}';
        const steps =
          'poolhouse_sign_ins_total{step="USER_PASSWORD_AUTH",outcome="TooManyRequestsException"}';
        const before = [await counted(town, calls), await counted(town, steps)];
        const { refused } = app.passwordHasher.stats();
        for (let turn = 0; turn < 3; turn++)
          assert.equal((await ask(endpoint, attacker, asking)).status, 400);
        assert.equal(app.passwordHasher.stats().refused, refused + 3);
        const after = [await counted(town, calls), await counted(town, steps)];
        assert.deepEqual(
          after,
          before.map((count) => count + 3),
        );
        assert.equal((await ask(endpoint, other, asking)).status, 200);
      }));
  },
  {
    POOLHOUSE_METRICS_TOKEN: metricsToken,
    POOLHOUSE_HASH_CONCURRENCY: "1",
    POOLHOUSE_EXTRA_HOSTS: "127.0.0.1,localhost",
  },
);
