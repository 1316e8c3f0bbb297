/**
 * What calls without a proof, and calls with one token, leave in the tables: every operation of either kind is made again
 * and again, about one user and about any names from one address, and no table grows beyond what `store/growth.ts` says.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { sql } from "kysely";
import { type LimitName, limitNames } from "../../src/config/limits.ts";
import { type Bound, type Growth, growth, type Table, tables } from "../../src/store/growth.ts";
import { sweep, sweepEvents } from "../../src/store/sweep.ts";
import { operations } from "../doors/operations.ts";
import { identityClient, makeIdentityPool, providerOf } from "../identity-pools/setup.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { totp } from "../kit/factors.ts";
import { password, signIn } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { callback, type OAuthPlace, setUp as setUpOAuth, signInBrowser } from "../oauth/support.ts";
import { type Ask, askFrom, everyWayIn, offerSoftwareTokens, once, withLimits } from "./ways-in.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const attacker = "203.0.113.9";
const neighbour = "203.0.113.77";
const home = "127.0.0.1";
/** More than any of the limits below. */
const often = 7;

const limits: Partial<Record<LimitName, number>> = {
  "waiting-sign-ins": 3,
  "waiting-sign-ins-per-address": 5,
  "sign-in-events": 2,
  "credential-changes": 4,
  "authorization-codes": 3,
  "passwords-per-address": 4,
  "codes-per-address": 4,
  "messages-per-address": 4,
  "sign-ups-per-address": 2,
  "messages-per-destination": 3,
  "sign-in-code": 4,
  "update-attributes": 4,
  "guests-per-address": 3,
  "identities-per-login": 3,
};

interface World extends OAuthPlace {
  readonly IdToken: string;
  readonly IdentityPoolId: string;
  readonly AccessToken: string;
  readonly RefreshToken: string;
}

/** One call about a name, the how-manieth. */
type Drive = (ask: Ask, world: World, name: string, turn: number) => Promise<unknown>;

const start = (AuthFlow: string, more: (turn: number) => Record<string, string> = () => ({})): Drive => {
  return (ask, { ClientId }, USERNAME, turn) =>
    ask("InitiateAuth", { ClientId, AuthFlow, AuthParameters: { USERNAME, ...more(turn) } });
};
const named =
  (operation: string, more: object = {}): Drive =>
  (ask, { ClientId }, Username) =>
    ask(operation, { ClientId, Username, ...more });

/** Whoever knows nothing but a name. The first word is the operation. */
const unproven: Readonly<Record<string, Drive>> = {
  "InitiateAuth USER_AUTH": start("USER_AUTH"),
  "InitiateAuth USER_AUTH, a code": start("USER_AUTH", () => ({ PREFERRED_CHALLENGE: "EMAIL_OTP" })),
  "InitiateAuth USER_AUTH, a passkey": start("USER_AUTH", () => ({ PREFERRED_CHALLENGE: "WEB_AUTHN" })),
  "InitiateAuth USER_PASSWORD_AUTH": start("USER_PASSWORD_AUTH", () => ({ PASSWORD: "Wrong-Horse-7" })),
  "InitiateAuth USER_SRP_AUTH": start("USER_SRP_AUTH", () => ({ SRP_A: new SrpClient().srpA })),
  "RespondToAuthChallenge for another": async (ask, { ClientId }, USERNAME) => {
    const begun = await ask("InitiateAuth", {
      ClientId,
      AuthFlow: "USER_AUTH",
      AuthParameters: { USERNAME },
    });
    const answer = { ClientId, ChallengeName: "SELECT_CHALLENGE", Session: begun.body["Session"] };
    const ChallengeResponses = { USERNAME: "somebody-else", ANSWER: "PASSWORD" };
    await ask("RespondToAuthChallenge", { ...answer, ChallengeResponses });
  },
  "RespondToAuthChallenge PASSWORD_VERIFIER": async (ask, { ClientId, UserPoolId, server }, USERNAME) => {
    const srp = new SrpClient();
    const AuthParameters = { USERNAME, SRP_A: srp.srpA };
    const begun = await ask("InitiateAuth", { ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters });
    const parameters = begun.body["ChallengeParameters"] as Record<string, string> | undefined;
    if (parameters === undefined) return;
    const now = new Date(server.clock.now);
    const ChallengeResponses = srp.prove(UserPoolId, parameters, "Wrong-Horse-7", now);
    await ask("RespondToAuthChallenge", { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses });
  },
  ForgotPassword: named("ForgotPassword"),
  ConfirmForgotPassword: named("ConfirmForgotPassword", { ConfirmationCode: "123456", Password: password }),
  ResendConfirmationCode: named("ResendConfirmationCode"),
  ConfirmSignUp: named("ConfirmSignUp", { ConfirmationCode: "123456" }),
  SignUp: (ask, { ClientId }, Username, turn) =>
    ask("SignUp", {
      ClientId,
      Username,
      Password: password,
      UserAttributes: [{ Name: "email", Value: `${Username}-${turn}@mail.example` }],
    }),
  GetId: (ask, { IdentityPoolId }) => ask("GetId", { IdentityPoolId }),
  GetOpenIdToken: async (ask, { IdentityPoolId }) => {
    const { body } = await ask("GetId", { IdentityPoolId });
    await ask("GetOpenIdToken", { IdentityId: body["IdentityId"] ?? "us-east-1:0" });
  },
  GetCredentialsForIdentity: async (ask, { IdentityPoolId }) => {
    const { body } = await ask("GetId", { IdentityPoolId });
    await ask("GetCredentialsForIdentity", { IdentityId: body["IdentityId"] ?? "us-east-1:0" });
  },
};

const withToken =
  (operation: string, more: (turn: number) => object = () => ({})): Drive =>
  (ask, { AccessToken }, _name, turn) =>
    ask(operation, { AccessToken, ...more(turn) });
const device = () => ({ DeviceKey: "us-east-1_00000000-0000-4000-8000-000000000000" });

/** Whoever has one token of a user, or the cookie of a browser in which they are signed in. */
const byToken: Readonly<Record<string, Drive>> = {
  GetUser: withToken("GetUser"),
  GetUserAuthFactors: withToken("GetUserAuthFactors"),
  ListDevices: withToken("ListDevices"),
  ListUserSessions: withToken("ListUserSessions"),
  ListWebAuthnCredentials: withToken("ListWebAuthnCredentials"),
  GetDevice: withToken("GetDevice", device),
  ConfirmDevice: withToken("ConfirmDevice", device),
  ForgetDevice: withToken("ForgetDevice", device),
  UpdateDeviceStatus: withToken("UpdateDeviceStatus", device),
  RevokeUserSession: withToken("RevokeUserSession", () => ({ SessionId: "tkn0000000000000000000000000" })),
  DeleteWebAuthnCredential: withToken("DeleteWebAuthnCredential", () => ({ CredentialId: "none" })),
  GetTokensFromRefreshToken: (ask, { ClientId, RefreshToken }) =>
    ask("GetTokensFromRefreshToken", { ClientId, RefreshToken }),
  "InitiateAuth REFRESH_TOKEN_AUTH": (ask, { ClientId, RefreshToken: REFRESH_TOKEN }) =>
    ask("InitiateAuth", {
      ClientId,
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: { REFRESH_TOKEN },
    }),
  GetUserAttributeVerificationCode: withToken("GetUserAttributeVerificationCode", () => ({
    AttributeName: "email",
  })),
  VerifyUserAttribute: withToken("VerifyUserAttribute", () => ({ AttributeName: "email", Code: "123456" })),
  "UpdateUserAttributes, a name": withToken("UpdateUserAttributes", (turn) => ({
    UserAttributes: [{ Name: "preferred_username", Value: `ann-${turn}` }],
  })),
  "UpdateUserAttributes, an address": withToken("UpdateUserAttributes", (turn) => ({
    UserAttributes: [{ Name: "email", Value: `ann-${turn}@mail.example` }],
  })),
  DeleteUserAttributes: withToken("DeleteUserAttributes", () => ({
    UserAttributeNames: ["preferred_username"],
  })),
  "AssociateSoftwareToken and its code": async (ask, { AccessToken, server }) => {
    const { body } = await ask("AssociateSoftwareToken", { AccessToken });
    const UserCode = totp(String(body["SecretCode"]), server.clock.now);
    await ask("VerifySoftwareToken", { AccessToken, UserCode });
  },
  "VerifySoftwareToken, wrong": withToken("VerifySoftwareToken", () => ({ UserCode: "000000" })),
  SetUserMFAPreference: withToken("SetUserMFAPreference", (turn) => ({
    SoftwareTokenMfaSettings: { Enabled: turn % 2 === 0 },
  })),
  SetUserSettings: withToken("SetUserSettings", () => ({ MFAOptions: [] })),
  "StartWebAuthnRegistration, not completed": withToken("StartWebAuthnRegistration"),
  CompleteWebAuthnRegistration: async (ask, { AccessToken, server }) => {
    const { body } = await ask("StartWebAuthnRegistration", { AccessToken });
    const authenticator = new Authenticator(new URL(server.endpoint).origin);
    const options = body["CredentialCreationOptions"];
    if (options === undefined) return;
    const Credential = authenticator.create(options as never);
    await ask("CompleteWebAuthnRegistration", { AccessToken, Credential });
  },
  ChangePassword: withToken("ChangePassword", () => ({
    PreviousPassword: "Wrong-Horse-7",
    ProposedPassword: password,
  })),
  "/oauth2/authorize": async (_ask, { base, cookie, ClientId }) => {
    const query = { response_type: "code", client_id: ClientId, redirect_uri: callback };
    await fetch(`${base}/oauth2/authorize?${new URLSearchParams(query)}`, {
      redirect: "manual",
      headers: { cookie },
    });
  },
  "RevokeToken, another's": (ask, { ClientId }) => ask("RevokeToken", { ClientId, Token: "nothing" }),
  UnlinkIdentity: (...given) => unlink(...given),
  // They end what they come with.
  GlobalSignOut: withToken("GlobalSignOut"),
  DeleteUser: (ask) => ask("DeleteUser", { AccessToken: "nothing" }),
};

/** Whoever has an ID token leaves their identity, and gets another. */
const unlink: Drive = async (ask, { IdToken, UserPoolId, IdentityPoolId }) => {
  const provider = providerOf(UserPoolId);
  const Logins = { [provider]: IdToken };
  const { body } = await ask("GetId", { IdentityPoolId, Logins });
  const IdentityId = body["IdentityId"] ?? "us-east-1:0";
  await ask("UnlinkIdentity", { IdentityId, Logins, LoginsToRemove: [provider] });
};

const operationOf = (key: string) => key.split(/[ ,]/)[0]!;
const cases = [...Object.keys(unproven), ...Object.keys(byToken)];

test("every operation that needs no administrator is tried", () => {
  const open = operations.filter(({ facts }) => facts.authorization !== "iam").map(({ name }) => name);
  const tried = new Set(cases.map(operationOf));
  const missing = open.filter((name) => !tried.has(name) && name !== "VerifySoftwareToken");
  assert.deepEqual(missing, []);
});

test("every bound of a table names existing limits", () => {
  for (const table of tables) {
    const { by, perUser, perAddress }: Growth = growth[table];
    for (const name of Object.keys({ ...perUser, ...perAddress }))
      assert.ok(name === "rows" || (limitNames as readonly string[]).includes(name), `${table}: ${name}`);
    if (by === "anybody") assert.ok(perUser && perAddress, `${table} is bounded by user and by address`);
    if (by === "user") assert.ok(perUser, `${table} is bounded by user`);
  }
});

forEachServer(
  "how tables grow",
  (open) => {
    const theWorld = once(newWorld);

    async function newWorld(): Promise<World> {
      const server = await open();
      server.clock.freeze();
      const place = await setUpOAuth(server, everyWayIn.client, {
        ...everyWayIn.pool,
        AliasAttributes: ["preferred_username"],
        DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
      });
      await offerSoftwareTokens(server, place);
      await server.client.send(
        new SignUpCommand({
          ClientId: place.ClientId,
          Username: "una",
          Password: password,
          UserAttributes: [{ Name: "email", Value: "una@mail.example" }],
        }),
      );
      const identities = identityClient(server);
      const IdentityPoolId = await makeIdentityPool(identities, {
        AllowUnauthenticatedIdentities: true,
        AllowClassicFlow: true,
        CognitoIdentityProviders: [{ ProviderName: providerOf(place.UserPoolId), ClientId: place.ClientId }],
      });
      identities.destroy();
      return { ...place, IdentityPoolId, ...(await signIn(server, place.ClientId, "ann")) };
    }

    async function rowsIn({ app }: TestServer): Promise<ReadonlyMap<Table, number>> {
      await app.authEvents.flush();
      const counts = await Promise.all(
        tables.map(async (table) => {
          const query = sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`;
          return [table, Number((await query.execute(app.db.kysely)).rows[0]?.count)] as const;
        }),
      );
      return new Map(counts);
    }

    const rowsOf = ({ app }: TestServer, bound: Bound = {}) =>
      Object.entries(bound).reduce((sum, [limit, factor]) => {
        return sum + factor * (limit === "rows" ? 1 : app.config.limits[limit as LimitName]);
      }, 0);

    /** Each drive so often; after each, every table is within `most`. */
    async function drive(
      world: World,
      drives: Readonly<Record<string, Drive>>,
      given: {
        ask: Ask;
        names: (key: string) => (turn: number) => string;
        most: (table: Table) => number;
        turns?: Record<string, number>;
      },
    ): Promise<void> {
      const before = await rowsIn(world.server);
      for (const [key, one] of Object.entries(drives)) {
        const name = given.names(key);
        const turns = given.turns?.[key] ?? often;
        for (let turn = 0; turn < turns; turn++) await one(given.ask, world, name(turn), turn);
        for (const [table, count] of await rowsIn(world.server)) {
          if (growth[table].by === "server") continue;
          const added = count - before.get(table)!;
          const most = given.most(table);
          assert.ok(added <= most, `${key}: ${added} rows more in ${table}, not ${most}`);
        }
      }
    }

    const perUser = (server: TestServer) => (table: Table) =>
      rowsOf(server, (growth[table] as Growth).perUser);

    test("about one user, by whoever knows the name", async () => {
      const world = await theWorld();
      const { server } = world;
      // What is asked of those who have not confirmed their sign-up.
      const names = (key: string) => () => (/SignUp|Resend/.test(key) ? "una" : "ann");
      const most = (table: Table) => 2 * perUser(server)(table);
      // More than events there may be, of which there is one a minute for those who are locked out.
      const turns = { "InitiateAuth USER_AUTH": 90 * often };
      await drive(world, unproven, { ask: askFrom(server, attacker), names, most, turns });
      // Another hour, and the counters begin anew.
      server.clock.advance(61 * minute);
      await sweep(server.app.db, server.clock.now);
    });

    test("about any names, from one address", async () => {
      const world = await theWorld();
      const { server } = world;
      const names = (key: string) => (turn: number) => `${key.replace(/\W/g, "")}${turn}`;
      // Of users who signed up here as well: there are as many as the limit of the address lets in.
      const users = server.app.config.limits["sign-ups-per-address"];
      const most = (table: Table) => {
        const { by, perUser: one, perAddress }: Growth = growth[table];
        if (by !== "anybody") return 0;
        return rowsOf(server, perAddress) + (table === "auth_events" ? users * rowsOf(server, one) : 0);
      };
      await drive(world, unproven, { ask: askFrom(server, attacker), names, most });
    });

    test("beyond the limit the oldest sign-in that waits is void, and nobody else's", async () => {
      const world = await theWorld();
      const { server, ClientId } = world;
      const most = server.app.config.limits["waiting-sign-ins"];
      const begin = async (from: string, USERNAME: string) => {
        const input = { ClientId, AuthFlow: "USER_AUTH", AuthParameters: { USERNAME } };
        return (await askFrom(server, from)("InitiateAuth", input)).body["Session"];
      };
      const choose = (from: string, USERNAME: string, Session: unknown) =>
        askFrom(server, from)("RespondToAuthChallenge", {
          ClientId,
          ChallengeName: "SELECT_CHALLENGE",
          Session,
          ChallengeResponses: { USERNAME, ANSWER: "PASSWORD" },
        });
      for (const name of ["ann", "nobody"]) {
        const owner = await begin(home, name);
        const sessions: unknown[] = [];
        for (let turn = 0; turn <= most; turn++) sessions.push(await begin(neighbour, name));
        const [oldest, ...others] = sessions;
        const refusal = await choose(neighbour, name, oldest);
        assert.equal(refusal.message, "Invalid session for the user, session can only be used once.");
        for (const session of others)
          assert.equal((await choose(neighbour, name, session)).status, 200, name);
        assert.equal((await choose(home, name, owner)).status, 200, name);
      }
    });

    test("with one token or cookie", async () => {
      const world = await theWorld();
      const { server } = world;
      server.clock.advance(61 * minute);
      await sweep(server.app.db, server.clock.now);
      const tokens = await signIn(server, world.ClientId, "ann");
      const fresh = { ...world, ...tokens, cookie: await signInBrowser(server, world.UserPoolId, "ann") };
      const given = { ask: askFrom(server, home), names: () => () => "ann", most: perUser(server) };
      await drive(fresh, byToken, given);
    });

    test("all of it is gone when its time is over", async () => {
      const { server } = await theWorld();
      await server.app.authEvents.flush();
      const later = server.clock.now + 3_700 * day;
      await sweep(server.app.db, later);
      await sweepEvents(server.app.db, later, { audit: 90, auth: 30 });
      const left = await rowsIn(server);
      for (const table of tables) {
        const { removed }: Growth = growth[table];
        if (removed.by === "expiry" || removed.by === "retention") assert.equal(left.get(table), 0, table);
      }
    });
  },
  withLimits(limits),
);
