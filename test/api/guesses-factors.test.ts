/**
 * A thousand guesses (ten thousand: `npm run test:whole`) at each factor of a sign-in, over parallel sign-ins, every
 * spelling of the name and addresses of every kind: as many are looked at as docs/security-model.md says and none more, the
 * right code learns nothing among them, and the owner at home notices nothing. On PostgreSQL they come through two servers.
 */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { type Answer, post, unsigned } from "../doors/wire.ts";
import { signed } from "../kit/calls.ts";
import { giveSoftwareToken, smsConfiguration, start, totp, turnMfa } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { allowed, count, crowd, doorsOf, locked, minute, share } from "./crowd.ts";

type Texts = Record<string, string>;

const rounds = 10;
const wrongCode = "Invalid code or auth state for the user.";
const wrongPassword = "Incorrect username or password.";
const wrongFirstCode = "Code mismatch and fail enable Software Token MFA";

let serial = 0;
const hex = (value: number) => (value & 0xffff).toString(16);
/** The owner's network, from which every request has another address. */
const home = () => `2001:db8:1:1:${hex(++serial)}::10`;
/** Elsewhere: neighbours within one /64, a /64 each, the owner's next /64, and IPv4. */
const elsewhere = () => {
  serial += 1;
  const kinds = [
    `2001:db8:7:7::${hex(serial)}`,
    `2001:db8:${hex(serial >> 16)}:${hex(serial)}::1`.replace("2001:db8:0:", "2001:db8:f:"),
    `2001:db8:1:2:${hex(serial)}::10`,
    `203.0.${(serial >> 8) & 255}.${serial & 255}`,
  ];
  return kinds[serial % kinds.length]!;
};

/** What a guesser needs of a factor. */
interface Target {
  /** What a guess that is looked at is told. */
  readonly looked: readonly string[];
  /** The `at`-th wrong guess of all. */
  readonly guess: (at: number) => Promise<Answer>;
  /** The right answer to what strangers began. */
  readonly right: () => Promise<Answer>;
  /** A whole sign-in (or what the factor is for) at home, or elsewhere; its last answer. */
  readonly own?: (from: () => string) => Promise<Answer>;
}

interface Somewhere {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly ask: (operation: string, body: object, from: string, at?: number) => Promise<Answer>;
}

const verified = (email: string, phone: string) => [
  { Name: "email", Value: email },
  { Name: "email_verified", Value: "true" },
  { Name: "phone_number", Value: phone },
  { Name: "phone_number_verified", Value: "true" },
];
const newPhone = () => `+1555${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`;

/** Codes that are none of these. */
const codesBut = (digits: number, right: ReadonlySet<string>) => (at: number) => {
  for (let number = at * 7_919; ; number++) {
    const code = String(number % 10 ** digits).padStart(digits, "0");
    if (!right.has(code)) return code;
  }
};

/** Six digits that no app of these shows at about this time; worked out once a moment. */
function codesNotNear({ clock }: TestServer, secrets: readonly string[]): (at: number) => string {
  let made: { now: number; codes: (at: number) => string } | undefined;
  return (at) => {
    const { now } = clock;
    if (made?.now !== now) {
      const near = secrets.flatMap((secret) => [-2, -1, 0, 1, 2].map((steps) => totp(secret, now, steps)));
      made = { now, codes: codesBut(6, new Set(near)) };
    }
    return made.codes(at);
  };
}

forEachServer(
  "parallel guesses at factors",
  (open) => {
    async function setUp(t: TestContext, mfa: "ON" | "OPTIONAL" = "OPTIONAL"): Promise<Somewhere> {
      const server = await open();
      server.clock.freeze();
      const doors = await doorsOf(server, t);
      // One-time codes are no first factors where MFA is ON.
      const first = { ON: ["PASSWORD"], OPTIONAL: ["PASSWORD", "EMAIL_OTP", "SMS_OTP"] } as const;
      const { UserPoolId } = await makePool(server, {
        AliasAttributes: ["email", "preferred_username"],
        UsernameConfiguration: { CaseSensitive: false },
        Policies: { SignInPolicy: { AllowedFirstAuthFactors: [...first[mfa]] } },
        ...smsConfiguration,
      });
      await turnMfa(server, { UserPoolId }, mfa);
      const { ClientId } = await makeClient(server, UserPoolId, {
        AuthSessionValidity: 15,
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"],
      });
      const ask: Somewhere["ask"] = (name, body, from, at = 0) => {
        const endpoint = doors[at % doors.length]!;
        const prefix = "AWSCognitoIdentityProviderService";
        const call = unsigned(endpoint, { prefix, name }, JSON.stringify({ ClientId, ...body }));
        return post(endpoint, { ...call, headers: { ...call.headers, "x-forwarded-for": from } });
      };
      return { server, UserPoolId, ClientId, ask };
    }

    /** Ann, under each of her names, where she is known at home. */
    async function makeAnn({ server, UserPoolId, ask }: Somewhere, addresses = true) {
      const [email, phone] = [newAddress(), newPhone()];
      await makeUser(server, UserPoolId, "ann", [
        ...(addresses ? verified(email, phone) : []),
        { Name: "preferred_username", Value: "annie" },
      ]);
      const names = [
        "ann",
        "ANN",
        "aNn",
        "annie",
        "Annie",
        ...(addresses ? [email, email.toUpperCase()] : []),
      ];
      const nameOf = (at: number) => names[at % names.length]!;
      /** A sign-in is answered under the name that began it, or the user's own, in any spelling. */
      const spelled = (at: number, begun: number) => {
        const name = nameOf(begun);
        return [name, name.toUpperCase(), "Ann", name.toLowerCase()][at % 4]!;
      };
      const AuthParameters = { USERNAME: "ann", PASSWORD: password };
      const first = await ask("InitiateAuth", { AuthFlow: "USER_PASSWORD_AUTH", AuthParameters }, home());
      const { AccessToken } = (first.body["AuthenticationResult"] ?? {}) as Texts;
      return { email, phone, nameOf, spelled, AccessToken };
    }

    const initiate = ({ ask }: Somewhere, from: string, AuthFlow: string, AuthParameters: Texts, at = 0) =>
      ask("InitiateAuth", { AuthFlow, AuthParameters }, from, at);
    const respond = (
      { ask }: Somewhere,
      from: string,
      challenge: string,
      Session: unknown,
      given: Texts,
      at = 0,
    ) =>
      ask(
        "RespondToAuthChallenge",
        { ChallengeName: challenge, Session, ChallengeResponses: given },
        from,
        at,
      );

    /** Rounds of guesses, a minute apart; then it is over when it is over. */
    async function attack({ server }: Somewhere, guesses: number, target: Target) {
      const answers: Answer[] = [];
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        times.push(server.clock.now);
        const jobs = Array.from(
          { length: guesses / rounds },
          (_, at) => () => target.guess(round * (guesses / rounds) + at),
        );
        answers.push(...(await crowd(16, jobs)));
        assert.equal((await target.right()).message, locked, "the right one, while locked");
        if (target.own !== undefined) {
          const mine = await target.own(home);
          assert.equal(mine.status, 200, `the owner at home: ${mine.message}`);
        }
        server.clock.advance(minute);
      }
      assert.equal(answers.length, guesses);
      const seen = new Set(answers.map(({ message }) => message));
      assert.deepEqual([...seen].toSorted(), [...target.looked, locked].toSorted());
      const looked = target.looked.reduce((sum, message) => sum + count(answers, message), 0);
      assert.equal(looked, allowed(times.map((time) => time - times[0]!)));
      server.clock.advance(31 * minute);
    }

    const tokensOf = ({ body }: Answer) => body["AuthenticationResult"] as Texts | undefined;

    test("of a software token, by sign-ins at both doors and by a stolen access token", async (t) => {
      const here = await setUp(t);
      const { server, UserPoolId, ClientId } = here;
      const { nameOf, spelled, AccessToken } = await makeAnn(here);
      const secret = await giveSoftwareToken(server, AccessToken!);
      // A second app that waits for its first code: whoever has the access token guesses at that as well.
      const second = await server.client.send(new sdk.AssociateSoftwareTokenCommand({ AccessToken }));
      server.clock.advance(2 * minute);
      const begin = async (from: string, at: number) => {
        const parameters = { USERNAME: nameOf(at), PASSWORD: password };
        return (await initiate(here, from, "USER_PASSWORD_AUTH", parameters, at)).body["Session"] as string;
      };
      const parallel = Array.from({ length: 24 }, (_, at) => () => begin(elsewhere(), at));
      const sessions = await crowd(8, parallel);
      const wrong = codesNotNear(server, [secret, second.SecretCode!]);
      const answer = (from: string, session: string, code: string, at = 0) => {
        const USERNAME = spelled(at, Math.max(0, sessions.indexOf(session)));
        const given = { USERNAME, SOFTWARE_TOKEN_MFA_CODE: code };
        return respond(here, from, "SOFTWARE_TOKEN_MFA", session, given, at);
      };
      const byAdmin = (IpAddress: string, session: string, code: string, at: number) =>
        signed(server, "AdminRespondToAuthChallenge", {
          UserPoolId,
          ClientId,
          ChallengeName: "SOFTWARE_TOKEN_MFA",
          Session: session,
          ChallengeResponses: {
            USERNAME: spelled(at, sessions.indexOf(session)),
            SOFTWARE_TOKEN_MFA_CODE: code,
          },
          ContextData: { IpAddress, ServerName: "s", ServerPath: "/", HttpHeaders: [] },
        });
      const verify = (from: string, UserCode: string, at = 0) =>
        here.ask("VerifySoftwareToken", { AccessToken, UserCode }, from, at);
      await attack(here, share(10_000), {
        looked: [wrongCode, wrongFirstCode],
        guess: (at) => {
          const session = sessions[at % sessions.length]!;
          // In turns, so that each kind is among the first guesses of a round.
          if (at % 5 === 3) return verify(elsewhere(), wrong(at), at);
          if (at % 40 === 1) return byAdmin(elsewhere(), session, wrong(at), at);
          return answer(elsewhere(), session, wrong(at), at);
        },
        right: async () => {
          const first = await verify(elsewhere(), totp(second.SecretCode!, server.clock.now));
          assert.equal(first.message, locked);
          return answer(elsewhere(), sessions[0]!, totp(secret, server.clock.now));
        },
        // The same code that the stranger has just sent.
        own: async (from) => answer(from(), await begin(from(), 0), totp(secret, server.clock.now)),
      });
      const later = await answer(elsewhere(), await begin(elsewhere(), 0), totp(secret, server.clock.now), 1);
      assert.ok(tokensOf(later), later.message);
    });

    test("of a software token that is being set up, over parallel Sessions", async (t) => {
      const here = await setUp(t, "ON");
      const { server, ask } = here;
      const { nameOf } = await makeAnn(here, false);
      const begin = async (from: string, at: number) => {
        const parameters = { USERNAME: nameOf(at), PASSWORD: password };
        const begun = await initiate(here, from, "USER_PASSWORD_AUTH", parameters, at);
        assert.equal(begun.body["ChallengeName"], "MFA_SETUP");
        const { Session } = begun.body;
        const { body } = await ask("AssociateSoftwareToken", { ClientId: undefined, Session }, from, at);
        return body as Texts;
      };
      const setups = await crowd(
        8,
        Array.from({ length: 12 }, (_, at) => () => begin(elsewhere(), at)),
      );
      const verify = (from: string, { Session }: Texts, UserCode: string, at = 0) =>
        ask("VerifySoftwareToken", { ClientId: undefined, Session, UserCode }, from, at);
      const wrong = codesNotNear(
        server,
        setups.map(({ SecretCode }) => SecretCode!),
      );
      await attack(here, share(1_000), {
        looked: [wrongFirstCode],
        guess: (at) => {
          const setup = setups[at % setups.length]!;
          return verify(elsewhere(), setup, wrong(at), at);
        },
        right: () => verify(elsewhere(), setups[0]!, totp(setups[0]!["SecretCode"]!, server.clock.now)),
      });
      const later = await begin(elsewhere(), 1);
      const done = await verify(elsewhere(), later, totp(later["SecretCode"]!, server.clock.now));
      assert.equal(done.body["Status"], "SUCCESS", done.message);
    });

    interface Sent {
      readonly name: string;
      readonly session: string;
      readonly code: string;
      /** As which of Ann's names it was begun. */
      readonly begun: number;
    }

    const members: Readonly<Texts> = {
      SMS_MFA: "SMS_MFA_CODE",
      SMS_OTP: "SMS_OTP_CODE",
      EMAIL_OTP: "EMAIL_OTP_CODE",
    };

    /** Guesses at codes that were sent, for twenty sign-ins at once. */
    async function attackCodes(
      here: Somewhere,
      ann: Awaited<ReturnType<typeof makeAnn>>,
      kinds: readonly string[],
      begin: (from: string, at: number) => Promise<Answer>,
    ) {
      const { server } = here;
      /** A second later than the one before, so that it is known which code is the newest. */
      const send = async (from: string, begun: number): Promise<Sent> => {
        server.clock.advance(1000);
        const answer = await begin(from, begun);
        const name = String(answer.body["ChallengeName"]);
        assert.ok(kinds.includes(name), `${name} ${answer.message}`);
        const code = await server.code(name === "EMAIL_OTP" ? ann.email : ann.phone);
        return { name, session: answer.body["Session"] as string, code, begun };
      };
      const answer = (from: string, { name, session, begun }: Sent, code: string, at = 0) => {
        const given = { USERNAME: ann.spelled(at, begun), [members[name]!]: code };
        return respond(here, from, name, session, given, at);
      };
      const running: Sent[] = [];
      for (let at = 0; at < 20; at++) running.push(await send(elsewhere(), at));
      for (let at = 0; at < 4; at++)
        assert.equal((await begin(elsewhere(), at)).type, "TooManyRequestsException", "twenty an hour");
      const digits = running[0]!.code.length;
      const wrong = codesBut(digits, new Set(running.map(({ code }) => code)));
      await attack(here, share(10_000), {
        looked: [wrongCode],
        guess: (at) => answer(elsewhere(), running[at % running.length]!, wrong(at), at),
        right: () => answer(elsewhere(), running[0]!, running[0]!.code),
        own: async (from) => {
          const mine = await send(from(), 0);
          return answer(from(), mine, mine.code);
        },
      });
      server.clock.advance(60 * minute);
      const late = await send(elsewhere(), 1);
      const later = await answer(elsewhere(), late, late.code, 1);
      assert.ok(tokensOf(later), later.message);
      return digits;
    }

    test("of codes by SMS and e-mail, as second factors", async (t) => {
      const here = await setUp(t);
      const ann = await makeAnn(here);
      const both = { SMSMfaSettings: { Enabled: true }, EmailMfaSettings: { Enabled: true } };
      const { AccessToken } = ann;
      await here.server.client.send(new sdk.SetUserMFAPreferenceCommand({ AccessToken, ...both }));
      const digits = await attackCodes(here, ann, ["SMS_MFA", "EMAIL_OTP"], async (from, at) => {
        const parameters = { USERNAME: ann.nameOf(at), PASSWORD: password };
        const { body } = await initiate(here, from, "USER_PASSWORD_AUTH", parameters, at);
        assert.equal(body["ChallengeName"], "SELECT_MFA_TYPE");
        const given = { USERNAME: ann.nameOf(at), ANSWER: at % 2 === 0 ? "SMS_MFA" : "EMAIL_OTP" };
        return respond(here, from, "SELECT_MFA_TYPE", body["Session"], given, at);
      });
      assert.equal(digits, 6);
    });

    test("of codes by SMS and e-mail, as first factors", async (t) => {
      const here = await setUp(t);
      const ann = await makeAnn(here);
      const digits = await attackCodes(here, ann, ["SMS_OTP", "EMAIL_OTP"], (from, at) => {
        const PREFERRED_CHALLENGE = at % 2 === 0 ? "SMS_OTP" : "EMAIL_OTP";
        return initiate(here, from, "USER_AUTH", { USERNAME: ann.nameOf(at), PREFERRED_CHALLENGE }, at);
      });
      assert.equal(digits, 8);
    });

    test("of a password that the user has chosen to prove", async (t) => {
      const here = await setUp(t);
      const { server, UserPoolId } = here;
      const { nameOf } = await makeAnn(here);
      const prefer = (from: string, at: number, parameters: Texts) =>
        initiate(here, from, "USER_AUTH", { USERNAME: nameOf(at), ...parameters }, at);
      /** Brought with the preference, with the choice, to its own challenge, or by SRP. */
      const ways: ((from: string, secret: string, at: number) => Promise<Answer>)[] = [
        (from, PASSWORD, at) => prefer(from, at, { PREFERRED_CHALLENGE: "PASSWORD", PASSWORD }),
        async (from, PASSWORD, at) => {
          const { body } = await prefer(from, at, {});
          const given = { USERNAME: nameOf(at), ANSWER: "PASSWORD", PASSWORD };
          return respond(here, from, "SELECT_CHALLENGE", body["Session"], given, at);
        },
        async (from, PASSWORD, at) => {
          const { body } = await prefer(from, at, { PREFERRED_CHALLENGE: "PASSWORD" });
          const given = { USERNAME: nameOf(at), PASSWORD };
          return respond(here, from, "PASSWORD", body["Session"], given, at);
        },
        async (from, secret, at) => {
          const client = new SrpClient();
          const chosen = { PREFERRED_CHALLENGE: "PASSWORD_SRP", SRP_A: client.srpA };
          const { body } = await prefer(from, at, chosen);
          const asked = body["ChallengeParameters"] as Texts;
          const proof = client.prove(UserPoolId, asked, secret, new Date(server.clock.now));
          return respond(here, from, "PASSWORD_VERIFIER", body["Session"], proof, at);
        },
      ];
      // SRP is costly for whoever guesses: one in ten.
      const wayOf = (at: number) => ways[at % 10 === 2 ? 3 : at % 3]!;
      let turn = 0;
      await attack(here, share(500), {
        looked: [wrongPassword],
        guess: (at) => wayOf(at)(elsewhere(), `Wrong-Guess-${at}`, at),
        right: () => ways[++turn % 4]!(elsewhere(), password, turn),
        own: (from) => ways[turn % 4]!(from(), password, turn),
      });
      for (const way of ways) assert.ok(tokensOf(await way(elsewhere(), password, 1)));
      assert.ok((await start(server, here, "ann")).AuthenticationResult);
    });
  },
  { POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1/32" },
);
