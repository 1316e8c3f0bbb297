/**
 * Sign-ins that wait for an answer, while somebody at the same address begins others of the same name and of any: what cost
 * a message, an SRP exchange or a proof is not void for what cost less, and nobody is told by it who exists.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { RawAnswer } from "../kit/calls.ts";
import { giveSoftwareToken, totp } from "../kit/factors.ts";
import { makePool, makeUser, password, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { type Ask, askFrom, everyWayIn, offerSoftwareTokens, once, withLimits } from "./ways-in.ts";

const limits = { "waiting-sign-ins": 2, "waiting-sign-ins-per-address": 5, "sign-in-code": 10 };
/** More than there may be of a name, and than there may be of an address. */
const often = limits["waiting-sign-ins-per-address"] + 1;
const address = "203.0.113.9";
const elsewhere = "198.51.100.7";

interface World {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** Of a user of her own who has a second factor. */
  readonly secret: string;
}

type Texts = Record<string, string>;

const begin = (ask: Ask, { ClientId }: World, AuthFlow: string, USERNAME: string, more: Texts = {}) =>
  ask("InitiateAuth", { ClientId, AuthFlow, AuthParameters: { USERNAME, ...more } });

const asked = (PREFERRED_CHALLENGE: string) => (ask: Ask, world: World, name: string) =>
  begin(ask, world, "USER_AUTH", name, { PREFERRED_CHALLENGE });

const code = asked("EMAIL_OTP");
const srp = (ask: Ask, world: World, name: string) =>
  begin(ask, world, "USER_SRP_AUTH", name, { SRP_A: new SrpClient().srpA });

/** What one can begin without a proof, by what it costs. */
const floods = {
  nothing: {
    SELECT_CHALLENGE: (ask: Ask, world: World, name: string) => begin(ask, world, "USER_AUTH", name),
    PASSWORD: asked("PASSWORD"),
    PASSWORD_SRP: asked("PASSWORD_SRP"),
    WEB_AUTHN: asked("WEB_AUTHN"),
  },
  exchange: { PASSWORD_VERIFIER: srp },
  message: { EMAIL_OTP: code },
} as const;

type Cost = keyof typeof floods;

interface Waiting {
  /** What its row cost; a proof is more than each of them. */
  readonly cost: Cost | "proof";
  /** Only she has such a sign-in. */
  readonly name?: string;
  /** Begins it; answers it from then on, rightly or, where nobody could, wrongly. */
  readonly begin: (ask: Ask, world: World, name: string) => Promise<() => Promise<RawAnswer>>;
}

/** With the code that it was sent; nobody has been sent one. */
async function answerCode(ask: Ask, { server, ClientId }: World, name: string, begun: RawAnswer) {
  const sent = name === "nobody" ? "12345678" : await server.code(mailOf(name));
  return () =>
    ask("RespondToAuthChallenge", {
      ClientId,
      ChallengeName: "EMAIL_OTP",
      Session: begun.body["Session"],
      ChallengeResponses: { USERNAME: name, EMAIL_OTP_CODE: sent },
    });
}

const mailOf = (name: string) => `${name}@mail.example`;

const exchange =
  (AuthFlow: "USER_SRP_AUTH" | "USER_AUTH"): Waiting["begin"] =>
  async (ask, world, name) => {
    const client = new SrpClient();
    const more = {
      SRP_A: client.srpA,
      ...(AuthFlow === "USER_AUTH" && { PREFERRED_CHALLENGE: "PASSWORD_SRP" }),
    };
    const { body } = await begin(ask, world, AuthFlow, name, more);
    const { UserPoolId, ClientId, server } = world;
    const parameters = body["ChallengeParameters"] as Texts;
    return () =>
      ask("RespondToAuthChallenge", {
        ClientId,
        ChallengeName: "PASSWORD_VERIFIER",
        ...(body["Session"] !== undefined && { Session: body["Session"] }),
        ChallengeResponses: client.prove(UserPoolId, parameters, password, new Date(server.clock.now)),
      });
  };

const waiting: Readonly<Record<string, Waiting>> = {
  "a code that was sent": {
    cost: "message",
    begin: async (ask, world, name) => {
      world.server.clock.advance(1000);
      return answerCode(ask, world, name, await code(ask, world, name));
    },
  },
  "a code that was chosen": {
    cost: "message",
    begin: async (ask, world, name) => {
      world.server.clock.advance(1000);
      const { body } = await begin(ask, world, "USER_AUTH", name);
      const chosen = await ask("RespondToAuthChallenge", {
        ClientId: world.ClientId,
        ChallengeName: "SELECT_CHALLENGE",
        Session: body["Session"],
        ChallengeResponses: { USERNAME: name, ANSWER: "EMAIL_OTP" },
      });
      return answerCode(ask, world, name, chosen);
    },
  },
  "SRP, its proof in SECRET_BLOCK": { cost: "exchange", begin: exchange("USER_SRP_AUTH") },
  "SRP under a Session": { cost: "exchange", begin: exchange("USER_AUTH") },
  "a password that was proven": {
    cost: "proof",
    name: "tess",
    begin: async (ask, world, name) => {
      const { ClientId, server, secret } = world;
      const { body } = await begin(ask, world, "USER_PASSWORD_AUTH", name, { PASSWORD: password });
      // A code is good once.
      server.clock.advance(30_000);
      return () =>
        ask("RespondToAuthChallenge", {
          ClientId,
          ChallengeName: "SOFTWARE_TOKEN_MFA",
          Session: body["Session"],
          ChallengeResponses: { USERNAME: name, SOFTWARE_TOKEN_MFA_CODE: totp(secret, server.clock.now) },
        });
    },
  },
};

forOneServer(
  "sqlite",
  "sign-ins that wait",
  (open) => {
    const theWorld = once(newWorld);

    async function newWorld(): Promise<World> {
      const server = await open();
      server.clock.freeze();
      const place = await makePool(server, everyWayIn.pool, everyWayIn.client);
      await offerSoftwareTokens(server, place);
      for (const name of ["ann", "tess"]) {
        const verified = { Name: "email_verified", Value: "true" };
        await makeUser(server, place.UserPoolId, name, [{ Name: "email", Value: mailOf(name) }, verified]);
      }
      const { AccessToken } = await signIn(server, place.ClientId, "tess");
      return { server, ...place, secret: await giveSoftwareToken(server, AccessToken) };
    }

    /** Whoever has begun one in the hour before does not count here. */
    const anHourLater = ({ server }: World) => server.clock.advance(61 * 60_000);

    for (const flood of Object.keys(floods) as Cost[]) {
      test(`waiting sign-ins that cost more are not evicted by many that cost ${flood}`, async () => {
        const world = await theWorld();
        const ask = askFrom(world.server, address);
        anHourLater(world);
        const begun: { what: string; name: string; answer: () => Promise<RawAnswer> }[] = [];
        for (const [what, { cost, name: only, begin: beginOne }] of Object.entries(waiting)) {
          if (flood === "exchange" && cost === "exchange") continue;
          // Nobody's proof of a password is answered the same whether or not the sign-in still waits.
          for (const name of only ? [only] : cost === "message" ? ["ann", "nobody"] : ["ann"])
            begun.push({ what, name, answer: await beginOne(ask, world, name) });
        }
        for (const one of Object.values(floods[flood])) {
          const names = Array.from({ length: often }, (_, turn) => ["ann", "nobody", `any${turn}`]);
          await Promise.all(names.flat().map((name) => one(ask, world, name)));
        }
        for (const { what, name, answer } of begun) {
          const { body, type } = await answer();
          if (name === "nobody") assert.equal(type, "CodeMismatchException", `${name}, ${what}`);
          else assert.ok(body["AuthenticationResult"], `${name}, ${what}: ${type}`);
        }
      });
    }

    test("SRP is void when its address has begun as many exchanges as there may be, whatever their names", async () => {
      const world = await theWorld();
      const ask = askFrom(world.server, address);
      const most = limits["waiting-sign-ins-per-address"];
      for (const [turns, ended] of [
        [most - 1, "tokens"],
        [most, "NotAuthorizedException"],
      ] as const) {
        anHourLater(world);
        const answer = await exchange("USER_SRP_AUTH")(ask, world, "ann");
        const other = await exchange("USER_SRP_AUTH")(askFrom(world.server, elsewhere), world, "ann");
        for (let turn = 0; turn < turns; turn++) await srp(ask, world, turn % 2 === 0 ? "ann" : "nobody");
        const { body, type } = await answer();
        assert.equal(body["AuthenticationResult"] ? "tokens" : type, ended);
        assert.ok((await other()).body["AuthenticationResult"], "from elsewhere");
      }
    });

    test("codes that wait are as many as may be sent, also of nobody", async () => {
      const world = await theWorld();
      for (const name of ["ann", "nobody"]) {
        anHourLater(world);
        const answers: RawAnswer[] = [];
        for (let turn = 0; turn <= limits["sign-in-code"]; turn++)
          answers.push(await code(askFrom(world.server, elsewhere), world, name));
        const told = answers.map(({ body, type }) => body["ChallengeName"] ?? type);
        const { length } = told.filter((one) => one === "EMAIL_OTP");
        assert.equal(length, limits["sign-in-code"], `${name}: ${told}`);
        assert.equal(told.at(-1), "TooManyRequestsException");
      }
    });
  },
  withLimits(limits),
);
