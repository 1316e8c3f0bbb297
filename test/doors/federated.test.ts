/**
 * Users of identity providers at every door: what has been withdrawn from them × what they could still come by
 * (tools/provider-table.ts). Each is made while all is well, and used afterwards.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import type { ProviderIdentity } from "../../src/domain/federation/protocol.ts";
import { findProvider } from "../../src/domain/federation/provider.ts";
import { endSessionsThrough, rememberProviderSession } from "../../src/domain/federation/sessions.ts";
import { openBrowserSession } from "../../src/domain/grants/browser-session.ts";
import { deleteProvider } from "../../src/store/identity-providers.ts";
import { type Door, openAfter, type Withdrawal } from "../../tools/provider-table.ts";
import {
  addProvider,
  arrive,
  contextOf,
  type FederatedPlace,
  federatedPlace,
  identity,
  newSubject,
  offer,
  tokensOf,
  turnedAway,
} from "../federation/people.ts";
import {
  everyFlow,
  makeClient,
  makeUser,
  newAddress,
  password,
  unique,
  verifiedByMail,
} from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { authorize, newCode, post, redeem } from "../oauth/support.ts";
import { adminInitiate, initiate, respond, ways } from "./ways.ts";

interface Person extends FederatedPlace {
  readonly Username: string;
  readonly who: ProviderIdentity;
  readonly cookie: string;
  readonly code: string;
  readonly refreshToken: string;
  readonly accessToken: string;
}

/** The doors, and whether somebody gets in. */
const doorways: Readonly<Record<Door, (person: Person) => Promise<boolean>>> = {
  provider: (person: Person) =>
    arrive(person, person.who).then(
      ({ user }) => user.username === person.Username,
      (error: { code?: string }) => {
        assert.equal(error.code, "invalid_request", String(error));
        return false;
      },
    ),
  browser: async (person: Person) => {
    const { searchParams } = await authorize(person, { prompt: "none" });
    if (searchParams.has("code")) return true;
    assert.equal(searchParams.get("error"), "login_required");
    return false;
  },
  code: async (person: Person) => accepts(await redeem(person, person.code)),
  refresh: async ({ base, ClientId, refreshToken }: Person) =>
    accepts(
      await post({ base }, { grant_type: "refresh_token", client_id: ClientId, refresh_token: refreshToken }),
    ),
  token: async ({ server, accessToken: AccessToken }: Person) =>
    server.client.send(new sdk.GetUserCommand({ AccessToken })).then(
      () => true,
      ({ name }: Error) => {
        assert.match(name, /^(?:NotAuthorized|UserNotFound|ResourceNotFound)Exception$/);
        return false;
      },
    ),
};

function accepts({ status, body }: { readonly status: number; readonly body: object }): boolean {
  if (status !== 200) assert.equal(status, 400, JSON.stringify(body));
  return status === 200;
}

const everywhere = Object.keys(doorways) as Door[];

const named = ({ UserPoolId, Username }: Person) => ({ UserPoolId, Username });
const remake = async (person: Person, settings: Parameters<typeof addProvider>[2] = {}) => {
  const { server, UserPoolId } = person;
  assert.ok(await deleteProvider(server.app.db, UserPoolId, "Corporate"));
  server.clock.advance(1000);
  await addProvider(person, "Corporate", settings);
};

/** How each event of the table comes about. */
const withdrawals: Readonly<Record<Withdrawal, (person: Person) => Promise<unknown>>> = {
  nothing: async () => {},
  "the user is disabled": (person) =>
    person.server.client.send(new sdk.AdminDisableUserCommand(named(person))),
  "the user is deleted": (person) => person.server.client.send(new sdk.AdminDeleteUserCommand(named(person))),
  "the user is signed out everywhere": (person) =>
    person.server.client.send(new sdk.AdminUserGlobalSignOutCommand(named(person))),
  "the refresh token is revoked": ({ server, ClientId, refreshToken: Token }) =>
    server.client.send(new sdk.RevokeTokenCommand({ ClientId, Token })),
  "the provider signs the user out": async ({ server, UserPoolId, who }) => {
    const ctx = contextOf(server);
    const provider = (await findProvider(ctx, UserPoolId, "Corporate")) ?? assert.fail("no provider");
    const { issuer, subject } = who;
    assert.equal(await endSessionsThrough(ctx, provider, { issuer, subject, session: undefined }), 1);
  },
  "the provider is deleted": ({ server, UserPoolId }) =>
    deleteProvider(server.app.db, UserPoolId, "Corporate"),
  "the provider is made again": (person) => remake(person),
  "the client offers the provider no more": (person) => offer(person, "COGNITO"),
  "the identity is the user's no more": ({ server, UserPoolId, who }) =>
    server.client.send(
      new sdk.AdminDisableProviderForUserCommand({
        UserPoolId,
        User: {
          ...{ ProviderName: "Corporate", ProviderAttributeName: "Cognito_Subject" },
          ProviderAttributeValue: who.subject,
        },
      }),
    ),
  "the user gets a password": (person) =>
    person.server.client.send(
      new sdk.AdminSetUserPasswordCommand({ ...named(person), Password: password, Permanent: true }),
    ),
  "the client is deleted": ({ server, UserPoolId, ClientId }) =>
    server.client.send(new sdk.DeleteUserPoolClientCommand({ UserPoolId, ClientId })),
  "the pool is deleted": ({ server, UserPoolId }) =>
    server.client.send(new sdk.DeleteUserPoolCommand({ UserPoolId })),
};

/** Doors that are not there any more with the provider, the client or the pool: the tests of these are elsewhere. */
const goneWith: Readonly<Partial<Record<Withdrawal, readonly Door[]>>> = {
  "the provider is deleted": ["provider"],
  "the client is deleted": ["provider", "browser", "code", "refresh"],
  "the pool is deleted": ["provider", "browser", "code", "refresh"],
};

async function person(place: FederatedPlace, linkedTo?: string): Promise<Person> {
  const who = identity(newSubject());
  if (linkedTo !== undefined)
    await place.server.client.send(
      new sdk.AdminLinkProviderForUserCommand({
        UserPoolId: place.UserPoolId,
        DestinationUser: { ProviderName: "Cognito", ProviderAttributeValue: linkedTo },
        SourceUser: {
          ...{ ProviderName: "Corporate", ProviderAttributeName: "Cognito_Subject" },
          ProviderAttributeValue: who.subject,
        },
      }),
    );
  const signedIn = await arrive(place, who);
  const scope = "openid aws.cognito.signin.user.admin";
  const { body } = await tokensOf(place, signedIn, { scope });
  const ctx = contextOf(place.server);
  const provider = (await findProvider(ctx, place.UserPoolId, "Corporate")) ?? assert.fail("no provider");
  const opened = await openBrowserSession(ctx, signedIn, undefined, (tx, browser) =>
    rememberProviderSession(tx, ctx, browser, { provider, identity: who }),
  );
  const cookie = `poolhouse-${place.UserPoolId}=${opened.cookie}`;
  const code = await newCode({ ...place, cookie });
  const [refreshToken, accessToken] = [String(body["refresh_token"]), String(body["access_token"])];
  return { ...place, Username: signedIn.user.username, who, cookie, code, refreshToken, accessToken };
}

forOneServer("postgres", "users of identity providers at every door", (open) => {
  for (const [what, act] of Object.entries(withdrawals) as [Withdrawal, (typeof withdrawals)[Withdrawal]][]) {
    const left: readonly Door[] = openAfter[what];
    for (const whose of ["a federated user", "a linked user"])
      test(`${what}: ${whose}`, async () => {
        const server = await open();
        const place = await federatedPlace(server);
        const native =
          whose === "a linked user" ? await makeUser(server, place.UserPoolId, unique("native")) : undefined;
        const subject = await person(place, native);
        await act(subject);
        for (const door of everywhere) {
          if (goneWith[what]?.includes(door)) continue;
          // Whoever was linked to a user that is gone, or is linked no more, comes as somebody else.
          const isOther = native !== undefined && /deleted|no more/.test(what) && door === "provider";
          const expected = isOther ? false : left.includes(door);
          assert.equal(await doorways[door](subject), expected, door);
        }
      });
  }

  test("a user's own password, and the ways of the API, are not for users of providers", async () => {
    const server = await open();
    const ExplicitAuthFlows = [...everyFlow, "ALLOW_USER_AUTH" as const];
    const place = await federatedPlace(server, verifiedByMail, { client: { ExplicitAuthFlows } });
    const { ClientId: hiding } = await makeClient(server, place.UserPoolId, {
      ...{ ExplicitAuthFlows, PreventUserExistenceErrors: "ENABLED" },
    });
    const subject = await person(place);
    const { client } = server;
    for (const [what, [refusal, act]] of Object.entries(refusedToFederated))
      await assert.rejects(
        act(client, subject),
        (thrown: Error) => `${thrown.name}: ${thrown.message}` === refusal,
        what,
      );
    // Where a client hides who exists, nobody can tell them from those who do not.
    for (const [what, act] of Object.entries(hiddenByClients)) {
      const said = (Username: string) =>
        act(client, { ClientId: hiding, Username }).then(
          (answer) => Object.keys(answer).sort().join(),
          ({ name, message }: Error) => `${name}: ${message}`,
        );
      assert.equal(await said(subject.Username), await said("Corporate_nobody"), what);
    }
    const AccessToken = subject.accessToken;
    const { ConfiguredUserAuthFactors } = await client.send(
      new sdk.GetUserAuthFactorsCommand({ AccessToken }),
    );
    assert.deepEqual(ConfiguredUserAuthFactors, []);
    const { Users } = await client.send(
      new sdk.ListUsersCommand({
        UserPoolId: place.UserPoolId,
        Filter: 'cognito:user_status = "EXTERNAL_PROVIDER"',
      }),
    );
    assert.deepEqual(
      Users?.map((user) => user.Username),
      [subject.Username],
    );
    await temporaryPassword(subject);
  });

  test("no flow of the API begins the sign-in of a user of a provider", async () => {
    const server = await open();
    const Policies: sdk.UserPoolPolicyType = {
      SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] },
    };
    const place = await federatedPlace(server, { Policies });
    const said = { email: newAddress(), email_verified: true };
    const USERNAME = (await arrive(place, identity(newSubject(), said))).user.username;
    const { UserPoolId } = place;
    const { ClientId } = await makeClient(server, UserPoolId, {
      ExplicitAuthFlows: [...everyFlow, "ALLOW_USER_AUTH"],
    });
    const subject = { server, UserPoolId, ClientId, Username: USERNAME, email: said.email };
    const known = { USERNAME, PASSWORD: password };
    const flows: [flow: string, parameters: Record<string, string>][] = [
      ["USER_PASSWORD_AUTH", known],
      ["ADMIN_USER_PASSWORD_AUTH", known],
      ...["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"].map(
        (PREFERRED_CHALLENGE): [string, Record<string, string>] => [
          "USER_AUTH",
          { ...known, PREFERRED_CHALLENGE },
        ],
      ),
    ];
    const seen: Record<string, unknown> = {};
    for (const [flow, parameters] of flows) {
      const begin = flow.startsWith("ADMIN") ? adminInitiate : initiate;
      let { type, body } = await begin(subject, flow, parameters);
      const { PREFERRED_CHALLENGE: ANSWER = "PASSWORD" } = parameters;
      if (flow === "USER_AUTH") {
        assert.deepEqual([body["ChallengeName"], body["AvailableChallenges"]], ["SELECT_CHALLENGE", []]);
        const responses = { ...known, ANSWER };
        ({ type, body } = await respond(subject, "SELECT_CHALLENGE", responses, body["Session"]));
      }
      seen[`${flow}, ${ANSWER}`] = type ?? body;
    }
    // The proof is asked for, as of somebody who does not exist, and refused.
    for (const way of ["USER_SRP_AUTH", "USER_SRP_AUTH of an administrator", "PASSWORD_VERIFIER"])
      seen[way] = (await (await ways[way]!.prepare(subject))()).type;
    for (const [way, refusal] of Object.entries(seen)) {
      // Of nothing there is no choice.
      const expected = way.startsWith("USER_AUTH") ? "InvalidParameterException" : "NotAuthorizedException";
      assert.equal(refusal, expected, way);
    }
    assert.equal(Object.keys(seen).length, 8);
    assert.deepEqual(await server.inbox(said.email), [], "no code was sent");
  });
});

/** An administrator's temporary password makes them a user of the pool, whom the provider lets in again once they have replaced it. */
async function temporaryPassword(subject: Person): Promise<void> {
  const { server, ClientId, who } = subject;
  const { client } = server;
  const user = named(subject);
  await client.send(new sdk.AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: false }));
  const state = async () => (await client.send(new sdk.AdminGetUserCommand(user))).UserStatus;
  assert.equal(await state(), "FORCE_CHANGE_PASSWORD");
  await assert.rejects(arrive(subject, who), turnedAway("Password reset required for the user"));
  const flow = {
    ...{ UserPoolId: user.UserPoolId, ClientId },
    AuthFlow: "ADMIN_USER_PASSWORD_AUTH" as const,
  };
  const { ChallengeName, Session } = await client.send(
    new sdk.AdminInitiateAuthCommand({
      ...flow,
      AuthParameters: { USERNAME: user.Username, PASSWORD: password },
    }),
  );
  const ChallengeResponses = { USERNAME: user.Username, NEW_PASSWORD: "Another-Horse-8" };
  await client.send(
    new sdk.RespondToAuthChallengeCommand({ ClientId, ChallengeName, Session, ChallengeResponses }),
  );
  assert.equal(await state(), "CONFIRMED");
  assert.equal((await arrive(subject, who)).user.username, subject.Username);
}

type Named = { readonly ClientId: string; readonly Username: string };
const wrongPassword = "NotAuthorizedException: Incorrect username or password.";
const noReset = "NotAuthorizedException: User password cannot be reset in the current state.";
const noConfirmation =
  "NotAuthorizedException: User cannot be confirmed. Current status is EXTERNAL_PROVIDER";

const byPassword = ({ ClientId, Username: USERNAME }: Named) => ({
  ...{ ClientId, AuthParameters: { USERNAME, PASSWORD: password } },
});
const confirming = ({ ClientId, Username }: Named) => ({ ClientId, Username, ConfirmationCode: "123456" });

/** What is refused to a user with the status EXTERNAL_PROVIDER, and how. */
const refusedToFederated: Readonly<
  Record<
    string,
    readonly [
      refusal: string,
      act: (client: CognitoIdentityProviderClient, person: Person) => Promise<unknown>,
    ]
  >
> = {
  InitiateAuth: [
    wrongPassword,
    (client, person) =>
      client.send(new sdk.InitiateAuthCommand({ ...byPassword(person), AuthFlow: "USER_PASSWORD_AUTH" })),
  ],
  AdminInitiateAuth: [
    wrongPassword,
    (client, { UserPoolId, ...person }) =>
      client.send(
        new sdk.AdminInitiateAuthCommand({
          ...{ UserPoolId, ...byPassword(person), AuthFlow: "ADMIN_USER_PASSWORD_AUTH" },
        }),
      ),
  ],
  ForgotPassword: [
    noReset,
    (client, { ClientId, Username }) => client.send(new sdk.ForgotPasswordCommand({ ClientId, Username })),
  ],
  ConfirmForgotPassword: [
    "ExpiredCodeException: Invalid code provided, please request a code again.",
    (client, person) =>
      client.send(new sdk.ConfirmForgotPasswordCommand({ ...confirming(person), Password: password })),
  ],
  ChangePassword: [
    wrongPassword,
    (client, { accessToken: AccessToken }) =>
      client.send(new sdk.ChangePasswordCommand({ AccessToken, ProposedPassword: "Another-Horse-8" })),
  ],
  ConfirmSignUp: [
    noConfirmation,
    (client, person) => client.send(new sdk.ConfirmSignUpCommand(confirming(person))),
  ],
  ResendConfirmationCode: [
    "InvalidParameterException: User is already confirmed.",
    (client, { ClientId, Username }) =>
      client.send(new sdk.ResendConfirmationCodeCommand({ ClientId, Username })),
  ],
  AdminResetUserPassword: [
    noReset,
    (client, person) => client.send(new sdk.AdminResetUserPasswordCommand(named(person))),
  ],
  AdminConfirmSignUp: [
    noConfirmation,
    (client, person) => client.send(new sdk.AdminConfirmSignUpCommand(named(person))),
  ],
  "AdminUpdateUserAttributes of identities": [
    "InvalidParameterException: Cannot modify the non-mutable attribute identities",
    (client, person) =>
      client.send(
        new sdk.AdminUpdateUserAttributesCommand({
          ...named(person),
          UserAttributes: [{ Name: "identities", Value: "[]" }],
        }),
      ),
  ],
};

/** What everybody may ask about a name. */
const hiddenByClients: Readonly<
  Record<string, (client: CognitoIdentityProviderClient, who: Named) => Promise<object>>
> = {
  InitiateAuth: (client, who) =>
    client.send(new sdk.InitiateAuthCommand({ ...byPassword(who), AuthFlow: "USER_PASSWORD_AUTH" })),
  "InitiateAuth, USER_AUTH": (client, who) =>
    client.send(new sdk.InitiateAuthCommand({ ...byPassword(who), AuthFlow: "USER_AUTH" })),
  ForgotPassword: (client, who) => client.send(new sdk.ForgotPasswordCommand(who)),
  ConfirmForgotPassword: (client, who) =>
    client.send(new sdk.ConfirmForgotPasswordCommand({ ...confirming(who), Password: password })),
  ConfirmSignUp: (client, who) => client.send(new sdk.ConfirmSignUpCommand(confirming(who))),
  ResendConfirmationCode: (client, who) => client.send(new sdk.ResendConfirmationCodeCommand(who)),
};
