/** How one address takes as much as it can get of each row of src/http/holdings.ts. */

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { type HoldingName, holdings } from "../../src/http/holdings.ts";
import { giveStyle, juniper } from "../hosted-ui/brands.ts";
import { password } from "../kit/people.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { until } from "../kit/waiting.ts";
import type { ManualClock } from "./clock.ts";
import { attacker, other, type Town } from "./others.ts";
import { type Answered, type Asking, ask, type Held as Connected, hold, isOpen, letGo } from "./sockets.ts";

/** The limits of the test server, small enough to be exhausted. */
export const small = {
  connections: 60,
  "body-bytes": 2_000_000,
  "answer-bytes": 150_000,
  "sign-ups-per-address": 3,
  "messages-per-address": 3,
  "passwords-per-address": 3,
  "waiting-sign-ins-per-address": 3,
} as const;

export const metricsToken = "what-one-client-holds";

export interface Held {
  /** Checks, after others were served, that the first address really held everything. */
  readonly check?: () => void | Promise<void>;
  release(): void | Promise<void>;
}

type Take = (town: Town, clock: ManualClock) => Promise<Held>;

const hostOf = ({ server }: Town) => `host: ${new URL(server.endpoint).host}\r\n`;
const formHead = (town: Town, length: number) =>
  `POST /${town.place.UserPoolId}/oauth2/token HTTP/1.1\r\n${hostOf(town)}` +
  `content-type: application/x-www-form-urlencoded\r\ncontent-length: ${length}\r\n\r\n`;
/** The same for an identity provider's answer. */
const answerHead = (town: Town, length: number) =>
  `POST /${town.place.UserPoolId}/saml2/idpresponse HTTP/1.1\r\n${hostOf(town)}` +
  `content-type: application/x-www-form-urlencoded\r\ncontent-length: ${length}\r\n\r\n`;
const callHead = (town: Town, length: number, headers = "") =>
  `POST / HTTP/1.1\r\n${hostOf(town)}content-type: application/x-amz-json-1.1\r\n` +
  `x-amz-target: AWSCognitoIdentityProviderService.CreateUserPool\r\n${headers}content-length: ${length}\r\n\r\n`;

/** The same for a function. */
const eventHead = (town: Town, length: number, headers = "") =>
  `POST /2015-03-31/functions/any/invocations HTTP/1.1\r\n${hostOf(town)}${headers}content-length: ${length}\r\n\r\n`;

const unknownKey =
  "authorization: AWS4-HMAC-SHA256 Credential=AKIANOBODY/20260101/us-east-1/cognito-idp/aws4_request, " +
  "SignedHeaders=host, Signature=0\r\n";

/** Opens more connections than allowed, each with this text; as many as possible stay open. */
const connections =
  (text: (town: Town) => string): Take =>
  async (town) => {
    const held = await hold(town.server.endpoint, attacker, small.connections + 20, text(town));
    await until("as many are open as may be", () => held.filter(isOpen).length <= small.connections);
    const before = held.filter(isOpen).length;
    assert.ok(before > small.connections / 2, "one address alone has most of them");
    return {
      check: () => assert.ok(held.filter(isOpen).length < before, "some gave way"),
      release: () => letGo(held),
    };
  };

const text: Readonly<Record<"idle" | "headers" | "nothing", (town: Town) => string>> = {
  idle: (town) => `GET /healthz HTTP/1.1\r\n${hostOf(town)}\r\n`,
  headers: (town) => `GET /healthz HTTP/1.1\r\n${hostOf(town)}x-slow: `,
  nothing: () => "",
};

/** Opens a few connections that stay as they are for as long as possible; the test does not wait for them. */
const few =
  (written: (town: Town) => string): Take =>
  async (town) => {
    const held = await hold(town.server.endpoint, attacker, 20, written(town));
    return {
      check: () => assert.ok(held.every(isOpen), "they are still held"),
      release: () => letGo(held),
    };
  };

/** A request that is refused at once. */
const refused =
  (written: (town: Town) => string, told: RegExp): Take =>
  async (town) => {
    const held = await hold(town.server.endpoint, attacker, 20, written(town));
    await until("all are refused", () => held.every(({ received }) => told.test(received())));
    return { release: () => letGo(held) };
  };

/** Sends as many requests as possible on each connection, without waiting for answers. */
const pipelined =
  (asking: (town: Town) => Asking, queue: "passwordHasher" | "srp", each: number): Take =>
  async (town) => {
    const { method, path, headers = {}, body = "" } = asking(town);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const one = `${method} ${path} HTTP/1.1\r\n${hostOf(town)}${lines.join("")}content-length: ${body.length}\r\n\r\n${body}`;
    const stats = () => town.server.app[queue].stats();
    const before = stats().refused;
    const { requests } = holdings.pipeline.limit;
    const held = await hold(town.server.endpoint, attacker, (2 * each) / requests, one.repeat(requests));
    await until("the queue is full", () => stats().refused > before);
    return { release: () => letGo(held) };
  };

/** Repeats a call until its address is refused. */
const asked =
  (asking: (town: Town, turn: number) => Asking): Take =>
  async (town) => {
    const answers: Answered[] = [];
    const isRefused = () => answers.at(-1)?.body.includes("TooManyRequestsException") === true;
    for (let turn = 0; turn < 10 && !isRefused(); turn++)
      answers.push(await ask(town.server.endpoint, attacker, asking(town, turn)));
    assert.ok(isRefused(), `it was never refused: ${answers.at(-1)?.body}`);
    const fromElsewhere = await ask(town.server.endpoint, other, asking(town, 99));
    assert.doesNotMatch(fromElsewhere.body, /TooManyRequestsException/);
    return { release: () => {} };
  };

const wrongPassword = (name: (turn: number) => string) => (town: Town, turn: number) =>
  town.call("InitiateAuth", {
    ClientId: town.place.ClientId,
    AuthFlow: "USER_PASSWORD_AUTH",
    AuthParameters: { USERNAME: name(turn), PASSWORD: "Wrong-horse-1" },
  });

/** How often a holding was released, according to /metrics. */
async function gaveWay({ server }: Town, what: "connections" | "bodies"): Promise<number> {
  const { body } = await ask(server.endpoint, other, {
    path: "/metrics",
    headers: { authorization: `Bearer ${metricsToken}` },
  });
  const [, value] = new RegExp(`^poolhouse_gave_way_total\\{what="${what}"\\} (\\d+)$`, "m").exec(body) ?? [];
  return Number(value ?? assert.fail(body));
}

/** Connections that ask for some megabytes, more than the kernel buffers, and read nothing. */
async function untaken(town: Town, count: number): Promise<Connected[]> {
  town.logo ??= giveLogo(town);
  const logo = await town.logo;
  const held = await hold(town.server.endpoint, attacker, count);
  for (const { socket } of held) {
    socket.pause();
    socket.write(`GET ${logo} HTTP/1.1\r\n${hostOf(town)}\r\n`.repeat(holdings.pipeline.limit.requests));
  }
  return held;
}

/** The path of a large image on the pages, as seen from an address. */
export async function giveLogo({ server, place, login }: Town, from = other): Promise<string> {
  const image = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(900_000)]);
  await giveStyle(server, place, {
    Settings: juniper,
    Assets: [{ Category: "FORM_LOGO", ColorMode: "DYNAMIC", Extension: "JPEG", Bytes: image }],
  });
  const { body } = await ask(server.endpoint, from, login);
  return /<img src="(?:https?:\/\/[^/]+)?(\/[^"]+\.jpe?g)"/.exec(body)?.[1] ?? assert.fail(body);
}

/** Starts a sign-in of Ann's from an address; returns how to complete it with her password. */
async function beginSrp(town: Town, from: string): Promise<() => Promise<Answered>> {
  const { ClientId, UserPoolId } = town.place;
  const client = new SrpClient();
  const AuthParameters = { USERNAME: "ann", SRP_A: client.srpA };
  const begun = await ask(
    town.server.endpoint,
    from,
    town.call("InitiateAuth", { ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters }),
  );
  assert.equal(begun.status, 200, begun.body);
  const { ChallengeName, ChallengeParameters } = JSON.parse(begun.body);
  return () => {
    const now = new Date(town.server.clock.now);
    const ChallengeResponses = client.prove(UserPoolId, ChallengeParameters, password, now);
    return ask(
      town.server.endpoint,
      from,
      town.call("RespondToAuthChallenge", { ClientId, ChallengeName, ChallengeResponses }),
    );
  };
}

let serial = 0;

/**
 * Every row, or it does not compile. Undefined if it is exhausted in a separate process (alone.test.ts), or on a server
 * with slow answers (turns.test.ts).
 */
export const takings: Readonly<Record<HoldingName, readonly Take[] | undefined>> = {
  connections: [connections(text.idle), connections(text.headers), connections(text.nothing)],
  files: undefined,
  handshakes: [
    async (town) => {
      const { endpoint } = town.server;
      const limit = small.connections / holdings.handshakes.limit.part;
      const held = await hold(endpoint, attacker, limit + 20, "\u0016\u0003\u0001");
      await until("as many are open as may be", () => held.filter(isOpen).length <= limit);
      assert.equal(held.filter(isOpen).length, limit);
      return {
        check: async () => {
          assert.equal(held.filter(isOpen).length, limit - 1, "one gave way to those who were served");
          // Incomplete handshakes: the server does not answer them. The first one has the place that became free; for
          // the second one, the server closes one of the address that holds most.
          const newcomers = await hold(endpoint, other, 2, "\u0016\u0003\u0001");
          await until("one gives way", () => held.filter(isOpen).length === limit - 2);
          assert.ok(newcomers.every(isOpen));
          letGo(newcomers);
        },
        release: () => letGo(held),
      };
    },
  ],
  handshakeTime: [few(text.nothing)],
  headers: [
    refused(
      (town) => `GET / HTTP/1.1\r\n${hostOf(town)}x: ${"a".repeat(holdings.headers.limit.bytes)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ),
  ],
  headersTime: [few(text.headers)],
  idleTime: [few(text.idle)],
  pipeline: [
    async (town) => {
      const many = `GET /readyz HTTP/1.1\r\n${hostOf(town)}\r\n`.repeat(holdings.pipeline.limit.requests + 1);
      const held = await hold(town.server.endpoint, attacker, 20, many);
      await Promise.all(held.map(({ ended }) => ended));
      for (const { received } of held) {
        const answers = received().match(/HTTP\/1\.1 200 /g) ?? [];
        assert.equal(answers.length, holdings.pipeline.limit.requests, "the others are not answered");
        assert.equal(received().match(/^connection: close/gim)?.length, 1, "and the last says so");
      }
      return { release: () => letGo(held) };
    },
  ],
  bodies: [
    async (town) => {
      const part = small["body-bytes"] / 40;
      const short = (length: number) => formHead(town, length) + "a".repeat(length - 1);
      const held = await hold(town.server.endpoint, attacker, 39, short(part + 1));
      held.push(...(await hold(town.server.endpoint, attacker, 1, short(part))));
      return {
        check: () =>
          until("some gave way", () => held.some(({ received }) => / 429 .*close/s.test(received()))),
        release: () => letGo(held),
      };
    },
  ],
  bodyPace: [
    async (town, clock) => {
      const held = await hold(town.server.endpoint, attacker, 20, `${callHead(town, 1_000)}{`);
      return {
        check: async () => {
          clock.pass((holdings.bodyPace.limit.seconds + 2) * 1000);
          await Promise.all(held.map(({ ended }) => ended));
          for (const { received } of held) assert.match(received(), /close.*did not arrive in time/s);
        },
        release: () => letGo(held),
      };
    },
  ],
  requestTime: [few((town) => `${callHead(town, 1_000)}{`)],
  body: [
    refused((town) => callHead(town, holdings.body.limit.bytes, unknownKey), /UnrecognizedClientException/),
    refused((town) => callHead(town, holdings.body.limit.bytes, "authorization: x\r\n"), /more than 131072/),
  ],
  event: [
    refused((town) => eventHead(town, holdings.event.limit.bytes, unknownKey), /UnrecognizedClientException/),
    refused((town) => eventHead(town, holdings.event.limit.bytes), /more than 131072/),
  ],
  publicBody: [refused((town) => callHead(town, holdings.publicBody.limit.bytes + 1), /more than 131072/)],
  providerAnswer: [
    refused(
      (town) => answerHead(town, holdings.providerAnswer.limit.bytes + 1),
      /^HTTP\/1\.1 303 .*\/error\?error=invalid_request/s,
    ),
  ],
  formBody: [refused((town) => formHead(town, holdings.formBody.limit.bytes + 1), /The body is too long/)],
  answers: [
    async (town, clock) => {
      const held = await untaken(town, 3);
      const before = await gaveWay(town, "connections");
      return {
        check: () =>
          until("some were closed", async () => {
            clock.pass(500);
            return (await gaveWay(town, "connections")) > before;
          }),
        release: () => letGo(held),
      };
    },
  ],
  answerTime: [
    async (town) => {
      const held = await untaken(town, 3);
      return { release: () => letGo(held) };
    },
  ],
  thread: [
    async (town, clock) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 12 });
      const page = () => ask(town.server.endpoint, attacker, { ...town.login, agent });
      const many = () => Promise.all(Array.from({ length: 3 * holdings.thread.limit.least }, page));
      await many();
      await ask(town.server.endpoint, other, town.login);
      clock.stall(300);
      const answers = await many();
      assert.ok(
        answers.some(({ status }) => status === 429),
        "beyond the share it is refused",
      );
      assert.ok(
        answers.some(({ status }) => status === 200),
        "the share is served",
      );
      return {
        release: () => {
          agent.destroy();
          clock.pass(1_000);
        },
      };
    },
  ],
  waiting: undefined,
  hashes: [pipelined((town) => town.signIn, "passwordHasher", holdings.hashes.limit.each)],
  exchanges: [
    pipelined(
      (town) =>
        town.call("InitiateAuth", {
          ClientId: town.place.ClientId,
          AuthFlow: "USER_SRP_AUTH",
          AuthParameters: { USERNAME: "ann", SRP_A: new SrpClient().srpA },
        }),
      "srp",
      holdings.exchanges.limit.each,
    ),
  ],
  users: [
    asked(({ place, call }) =>
      call("SignUp", { ClientId: place.ClientId, Username: `new-${++serial}`, Password: "Correct-Horse-7" }),
    ),
  ],
  outbox: [
    asked(({ place, call }) =>
      call("ForgotPassword", { ClientId: place.ClientId, Username: `nobody-${++serial}` }),
    ),
  ],
  attempts: [asked(wrongPassword((turn) => `nobody-${turn}`))],
  signIns: [
    async (town) => {
      // An address that has not guessed at anything, so that its own proof is not refused.
      const lodger = "127.0.0.4";
      const own = await beginSrp(town, lodger);
      const most = small["waiting-sign-ins-per-address"];
      const { ClientId } = town.place;
      const begin = () =>
        ask(
          town.server.endpoint,
          lodger,
          town.call("InitiateAuth", { ClientId, AuthFlow: "USER_AUTH", AuthParameters: { USERNAME: "ann" } }),
        );
      const begun: Answered[] = [];
      for (let turn = 0; turn <= most; turn++) begun.push(await begin());
      const choose = ({ body }: Answered) => {
        const { Session, ChallengeName } = JSON.parse(body);
        const ChallengeResponses = { USERNAME: "ann", ANSWER: "PASSWORD" };
        const answer = { ClientId, ChallengeName, Session, ChallengeResponses };
        return ask(town.server.endpoint, lodger, town.call("RespondToAuthChallenge", answer));
      };
      return {
        check: async () => {
          assert.match((await choose(begun[0]!)).body, /session can only be used once/);
          assert.equal((await choose(begun[1]!)).status, 200);
          const signedIn = await own();
          assert.equal(signedIn.status, 200, `it cost an exchange: ${signedIn.body}`);
        },
        release: () => {},
      };
    },
    async (town) => {
      const elsewhere = await beginSrp(town, other);
      const most = small["waiting-sign-ins-per-address"];
      const oldest = await beginSrp(town, attacker);
      for (let turn = 0; turn < most; turn++) await beginSrp(town, attacker);
      return {
        check: async () => {
          const signedIn = await elsewhere();
          assert.equal(signedIn.status, 200, signedIn.body);
          const ended = await oldest();
          assert.match(ended.body, /NotAuthorizedException/);
        },
        release: () => {},
      };
    },
  ],
  events: [asked(wrongPassword(() => "bob"))],
  logLines: undefined,
};
