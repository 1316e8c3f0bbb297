/**
 * Random walks through the sign-in machine: pools of every kind, two users, and answers that are right, wrong, empty,
 * out of order, replayed, or another user's. Whatever happens, an answer counts only if it is right for this user, this
 * challenge and this Session, and tokens are only issued when every required factor was proven in this sign-in, and every
 * trigger has agreed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ChallengeNameType,
  type CreateUserPoolCommandInput,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  type RespondToAuthChallengeCommandOutput,
  SetUserMFAPreferenceCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { limitNames } from "../../src/config/limits.ts";
import { type Dice, dice } from "../kit/dice.ts";
import { forceMfaOn, giveSoftwareToken, smsConfiguration, totp, turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, password, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { environment } from "../triggers/functions.ts";
import { type Moods, makeMoods } from "../triggers/moods.ts";

interface Person {
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  /** SecretCode of the software token, if there is one. */
  readonly secret: string | undefined;
}

interface Place {
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly demandsTwo: boolean;
  readonly moods: Moods | undefined;
  readonly people: readonly Person[];
}

/** The test's model of one sign-in. */
interface SignIn {
  readonly person: Person;
  challenge: ChallengeNameType | undefined;
  session: string | undefined;
  readonly former: string[];
  /** What was proven by right answers in this sign-in. */
  readonly proven: Set<string>;
  /** The code that was sent for the current challenge. */
  code: string | undefined;
  isOver: boolean;
}

const members: Readonly<Partial<Record<ChallengeNameType, string>>> = {
  SELECT_CHALLENGE: "ANSWER",
  PASSWORD: "PASSWORD",
  EMAIL_OTP: "EMAIL_OTP_CODE",
  SMS_OTP: "SMS_OTP_CODE",
  SMS_MFA: "SMS_MFA_CODE",
  SOFTWARE_TOKEN_MFA: "SOFTWARE_TOKEN_MFA_CODE",
  SELECT_MFA_TYPE: "ANSWER",
  CUSTOM_CHALLENGE: "ANSWER",
};
const challenges = Object.keys(members) as ChallengeNameType[];

/** What a sign-in by password, without a second factor, asks. */
const around = ["PreAuthentication", "PostAuthentication", "TokenGeneration"] as const;

const proofs: Readonly<Partial<Record<ChallengeNameType, string>>> = {
  PASSWORD: "password",
  EMAIL_OTP: "email",
  SMS_OTP: "sms",
  SMS_MFA: "sms",
  SOFTWARE_TOKEN_MFA: "software-token",
};

async function makePlace(server: TestServer, die: Dice, moods: Moods | undefined): Promise<Place> {
  const mode = die.pick(["OFF", "OPTIONAL", "ON"] as const);
  const first = die.pick([
    ["PASSWORD"],
    ["PASSWORD", "EMAIL_OTP"],
    ["PASSWORD", "EMAIL_OTP", "SMS_OTP"],
  ] as const);
  const pool: Partial<CreateUserPoolCommandInput> = {
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: [...first] } },
    ...smsConfiguration,
    ...(moods && { LambdaConfig: moods.config }),
  };
  const place = await makePool(server, pool, {
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"],
    // Functions that find no answer right lock users out, of which only LEGACY tells.
    PreventUserExistenceErrors: moods ? "LEGACY" : die.pick(["ENABLED", "LEGACY"]),
  });
  const people: Person[] = [];
  for (const name of ["ann", "bob"]) {
    const email = newAddress();
    const phone = `+1555${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`;
    await makeUser(server, place.UserPoolId, name, [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
      { Name: "phone_number", Value: phone },
      { Name: "phone_number_verified", Value: "true" },
    ]);
    people.push({ name, email, phone, secret: undefined });
  }
  if (mode === "OFF") return { ...place, demandsTwo: false, moods, people };
  await turnMfa(server, place, "OPTIONAL", {
    SoftwareTokenMfaConfiguration: { Enabled: true },
    SmsMfaConfiguration: smsConfiguration,
    ...(die.chance(2) && { EmailMfaConfiguration: {} }),
  });
  const has = die.pick(["software token", "sms", "both"] as const);
  const enrolled: Person[] = [];
  for (const person of people) {
    const { AccessToken } = await signIn(server, place.ClientId, person.name);
    const secret = has === "sms" ? undefined : await giveSoftwareToken(server, AccessToken);
    if (has !== "software token") {
      const input = { AccessToken, SMSMfaSettings: { Enabled: true, PreferredMfa: false } };
      await server.client.send(
        new SetUserMFAPreferenceCommand({
          ...input,
          ...(secret && { SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: false } }),
        }),
      );
    }
    enrolled.push({ ...person, secret });
  }
  if (mode === "ON") {
    await forceMfaOn(server, place, {
      SoftwareTokenMfaConfiguration: { Enabled: true },
      SmsMfaConfiguration: smsConfiguration,
    });
  }
  return { ...place, demandsTwo: true, moods, people: enrolled };
}

forOneServer(
  "postgres",
  "random walks through sign-ins",
  (open) => {
    /** Records what an answer says comes next. */
    async function note(
      server: TestServer,
      place: Place,
      one: SignIn,
      answer: RespondToAuthChallengeCommandOutput,
    ) {
      if (one.session !== undefined) one.former.push(one.session);
      one.challenge = answer.ChallengeName;
      one.session = answer.Session;
      one.code = undefined;
      const sms = answer.ChallengeName === "SMS_MFA" || answer.ChallengeName === "SMS_OTP";
      // For a client that hides who exists, the worker delivers, a moment later.
      if (sms || answer.ChallengeName === "EMAIL_OTP") {
        one.code = await newCode(server, sms ? one.person.phone : one.person.email, seen);
      }
      if (answer.AuthenticationResult === undefined) return;
      told++;
      for (const trigger of ["PostAuthentication", "TokenGeneration"] as const)
        assert.equal(place.moods?.says(trigger) ?? "agrees", "agrees", `tokens in spite of ${trigger}`);
      one.isOver = true;
      const first = [...one.proven].some((proof) => proof !== "software-token");
      assert.ok(first && one.proven.size >= (place.demandsTwo ? 2 : 1), `tokens for ${[...one.proven]}`);
    }

    const seen = new Set<string>();
    /** How often tokens were told. */
    let told = 0;

    /** Takes note of what the functions of CUSTOM_AUTH had to say to a request that went through. */
    function noteCustom({ moods }: Place, one: SignIn, answer: RespondToAuthChallengeCommandOutput) {
      const says = moods?.says("DefineAuthChallenge");
      assert.equal(says, answer.ChallengeName === "CUSTOM_CHALLENGE" ? "asks" : "agrees");
      if (says === "asks") assert.equal(moods?.says("CreateAuthChallenge"), "agrees");
      else one.proven.add("custom");
    }

    async function begin(server: TestServer, place: Place, die: Dice, person: Person): Promise<SignIn> {
      const one: SignIn = {
        person,
        challenge: undefined,
        session: undefined,
        former: [],
        proven: new Set(),
        code: undefined,
        isOver: false,
      };
      const right = !die.chance(4);
      const PASSWORD = right ? password : "Wrong-Horse-7";
      place.moods?.change(place.UserPoolId, die);
      if (place.moods !== undefined && die.chance(2)) return beginCustom(server, place, one);
      const byPassword = die.chance(3);
      const preferred = die.pick([undefined, "PASSWORD", "EMAIL_OTP", "SMS_OTP"] as const);
      const inline = !byPassword && preferred === "PASSWORD" && die.chance(2);
      const AuthParameters = {
        USERNAME: person.name,
        ...((byPassword || inline) && { PASSWORD }),
        ...(!byPassword && preferred && { PREFERRED_CHALLENGE: preferred }),
      };
      const answer = await server.client
        .send(
          new InitiateAuthCommand({
            ClientId: place.ClientId,
            AuthFlow: byPassword ? "USER_PASSWORD_AUTH" : "USER_AUTH",
            AuthParameters,
          }),
        )
        .catch((error: Error) => error);
      if (answer instanceof Error) {
        const isOpposed = around.some((trigger) => place.moods?.says(trigger) === "refuses");
        const isLocked = place.moods !== undefined && answer.message === "Password attempts exceeded";
        const mayFail = !right || !(byPassword || inline) || isOpposed || isLocked;
        assert.ok(mayFail, `${answer.name}: ${answer.message}`);
        one.isOver = true;
        return one;
      }
      assert.notEqual(place.moods?.says("PreAuthentication"), "refuses", "nobody asked before");
      if (byPassword || inline) {
        assert.ok(right, "a wrong password went through");
        one.proven.add("password");
      }
      await note(server, place, one, answer as RespondToAuthChallengeCommandOutput);
      return one;
    }

    async function beginCustom(server: TestServer, place: Place, one: SignIn): Promise<SignIn> {
      const AuthParameters = { USERNAME: one.person.name };
      const input = { ClientId: place.ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters } as const;
      const answer = await server.client.send(new InitiateAuthCommand(input)).catch((error: Error) => error);
      one.isOver = answer instanceof Error;
      if (answer instanceof Error) return one;
      assert.notEqual(place.moods?.says("PreAuthentication"), "refuses", "nobody asked before");
      noteCustom(place, one, answer as RespondToAuthChallengeCommandOutput);
      await note(server, place, one, answer as RespondToAuthChallengeCommandOutput);
      return one;
    }

    /** The right answer for a person and a challenge, if the test knows one. */
    function rightAnswer(server: TestServer, one: SignIn, challenge: ChallengeNameType, die: Dice) {
      switch (challenge) {
        case "PASSWORD":
          return password;
        case "SOFTWARE_TOKEN_MFA":
          return one.person.secret && totp(one.person.secret, server.clock.now);
        case "CUSTOM_CHALLENGE":
          return "1";
        case "SELECT_CHALLENGE":
          return die.pick(["PASSWORD", "EMAIL_OTP", "SMS_OTP"]);
        case "SELECT_MFA_TYPE":
          return die.pick(["SMS_MFA", "SOFTWARE_TOKEN_MFA"]);
        default:
          return one.code;
      }
    }

    async function walk(
      server: TestServer,
      place: Place,
      die: Dice,
    ): Promise<{ right: number; tokens: number }> {
      // Walks that functions cut short take no time of their own, and wrong guesses would add up to a lock.
      if (place.moods !== undefined) server.clock.advance(3_600_000);
      const both = [
        await begin(server, place, die, place.people[0]!),
        await begin(server, place, die, place.people[1]!),
      ];
      let right = 0;
      for (let step = 0; step < 14 && !both.every(({ isOver }) => isOver); step++) {
        server.clock.advance(31_000);
        const [one, other] = die.chance(2) ? [both[0]!, both[1]!] : [both[1]!, both[0]!];
        if (one.challenge === undefined) continue;
        const honest = !die.chance(3);
        const challenge = honest ? one.challenge : die.pick(challenges);
        const session = honest
          ? one.session
          : die.pick([one.session, other.session, ...one.former, undefined]);
        const whose = honest ? one : die.pick([one, other]);
        const known = rightAnswer(server, whose, challenge, die);
        const value = honest ? known : die.pick([known, "000000", "", "99999999", other.code, "constructor"]);
        const USERNAME = honest ? one.person.name : die.pick([one.person.name, other.person.name]);
        const member = members[challenge];
        if (member === undefined || value === undefined) continue;
        const isRight =
          session !== undefined &&
          session === one.session &&
          challenge === one.challenge &&
          USERNAME === one.person.name &&
          !one.isOver &&
          (member === "ANSWER" || value === rightAnswer(server, one, challenge, die));
        const isOthers =
          session !== undefined &&
          session === other.session &&
          challenge === other.challenge &&
          USERNAME === other.person.name &&
          !other.isOver &&
          (member === "ANSWER" || value === rightAnswer(server, other, challenge, die));
        place.moods?.change(place.UserPoolId, die);
        const answer = await server.client
          .send(
            new RespondToAuthChallengeCommand({
              ClientId: place.ClientId,
              ChallengeName: challenge,
              Session: session,
              ChallengeResponses: { USERNAME, [member]: value },
            }),
          )
          .catch((error: Error) => error);
        if (answer instanceof Error) {
          const left = one.challenge === challenge && challenge === "PASSWORD" && session === one.session;
          // One answer to PASSWORD uses up its Session.
          if (left && USERNAME === one.person.name) one.isOver = true;
          continue;
        }
        assert.ok(isRight || isOthers, `${challenge} went through: ${JSON.stringify({ honest, value })}`);
        right++;
        const subject = isRight ? one : other;
        const proof = proofs[challenge];
        if (proof !== undefined) subject.proven.add(proof);
        if (challenge === "CUSTOM_CHALLENGE") {
          assert.notEqual(place.moods?.says("VerifyAuthChallengeResponse"), "refuses");
          noteCustom(place, subject, answer);
        }
        await note(server, place, subject, answer);
      }
      return { right, tokens: both.filter(({ session, isOver }) => isOver && session === undefined).length };
    }

    const families = async ({ app }: TestServer, { UserPoolId }: Place) => {
      const rows = app.db.kysely.selectFrom("token_families").select("family_id");
      return (await rows.where("pool_id", "=", UserPoolId).execute()).length;
    };

    for (const [what, isMoody, seeds] of [
      ["everything was proven in this very sign-in", false, 8],
      ["and every trigger agreed, whatever else they answer", true, 5],
    ] as const)
      test(`tokens come only when ${what}`, async () => {
        const server = await open();
        const totals = { right: 0, tokens: 0 };
        for (let seed = 1; seed <= seeds; seed++) {
          const die = dice(seed * 2_654_435_761);
          const place = await makePlace(server, die, isMoody ? makeMoods(die) : undefined);
          const before = await families(server, place);
          told = 0;
          for (let turn = 0; turn < (isMoody ? 10 : 6); turn++) {
            const { right, tokens } = await walk(server, place, die);
            totals.right += right;
            totals.tokens += tokens;
          }
          assert.equal((await families(server, place)) - before, told, "who is told no tokens has none");
        }
        // The walks do get somewhere.
        assert.ok(totals.right > 40 && totals.tokens > 12, JSON.stringify(totals));
      });
  },
  { ...environment, POOLHOUSE_LIMITS: limitNames.map((limit) => `${limit}=999999`).join(",") },
);

/** The code sent to an address that has not been seen yet; expired messages are no longer in the inbox. */
async function newCode(server: TestServer, to: string, seen: Set<string>): Promise<string> {
  let code: string | null = null;
  await until(`a new code has come to ${to}`, async () => {
    const unseen = (await server.inbox(to)).find(({ id }) => !seen.has(id));
    if (unseen === undefined) return false;
    seen.add(unseen.id);
    ({ code } = unseen);
    return true;
  });
  return code ?? assert.fail("a message without a code");
}
