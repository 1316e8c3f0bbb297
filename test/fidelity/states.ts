/** Users in each state, and what administrators' operations do to them (tools/user-states.ts). */
import assert from "node:assert/strict";
import { findPool } from "../../src/domain/user-pools/load-pool.ts";
import { storeDevice } from "../../src/domain/users/devices.ts";
import { createCtx } from "../../src/http/context.ts";
import { findUserByLoginName } from "../../src/store/users.ts";
import type { UserState } from "../../tools/user-states.ts";
import { addProvider } from "../federation/people.ts";
import { giveSoftwareToken } from "../kit/factors.ts";
import { everyFlow, newAddress, password, signIn, unique } from "../kit/people.ts";
import { type Body, type Place, totp } from "./measured.ts";

/** The pool that all of them are in: it has everything that the operations are about. */
export interface StatesPool {
  readonly at: Place;
  readonly UserPoolId: string;
  readonly ClientId: string;
}

export async function statesPool(at: Place): Promise<StatesPool> {
  const UserPoolId = await at.pool({
    AutoVerifiedAttributes: ["email"],
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: false },
  });
  await at.ask("SetUserPoolMfaConfig", { UserPoolId, MfaConfiguration: "OPTIONAL", ...totp });
  const ExplicitAuthFlows = [...everyFlow, "ALLOW_USER_AUTH"];
  const made = await at.ask("CreateUserPoolClient", { UserPoolId, ClientName: "app", ExplicitAuthFlows });
  const { ClientId } = made["UserPoolClient"] as { ClientId: string };
  await at.ask("CreateGroup", { UserPoolId, GroupName: "group" });
  await addProvider({ server: at.server, UserPoolId }, "Corporate");
  await at.ask("SetUserPoolSessionConfiguration", {
    UserPoolId,
    UserSessionTracking: "ENABLED",
    TokenSession: { MaxPerUser: 20 },
  });
  return { at, UserPoolId, ClientId };
}

/** Somebody in a state, or on the way there. */
export interface Subject extends StatesPool {
  readonly user: { readonly UserPoolId: string; readonly Username: string };
  readonly deviceKey: string;
}

const mail = (verified: boolean) => [
  { Name: "email", Value: newAddress() },
  { Name: "email_verified", Value: String(verified) },
];

async function create(pool: StatesPool, Username: string, verified = true): Promise<void> {
  const { at, UserPoolId } = pool;
  const UserAttributes = mail(verified);
  const invitation = { TemporaryPassword: password, MessageAction: "SUPPRESS" };
  await at.ask("AdminCreateUser", { UserPoolId, Username, UserAttributes, ...invitation });
}

async function confirmed(pool: StatesPool, Username: string, verified = true): Promise<void> {
  await create(pool, Username, verified);
  const user = { UserPoolId: pool.UserPoolId, Username };
  await pool.at.ask("AdminSetUserPassword", { ...user, Password: password, Permanent: true });
}

/** The operations that need a software token, which only who has signed in can have. */
export const needsToken = (operation: string) =>
  operation === "AdminDeleteSoftwareToken" || operation === "AdminSetUserMFAPreference";

async function giveToken({ at, ClientId }: StatesPool, Username: string): Promise<void> {
  const { AccessToken } = await signIn(at.server, ClientId, Username);
  await giveSoftwareToken(at.server, AccessToken);
}

/** A device of the user, whatever their state. Returns its key. */
async function giveDevice({ at, UserPoolId }: StatesPool, Username: string): Promise<string> {
  const { app } = at.server;
  const found = (await findUserByLoginName(app.db, UserPoolId, Username)) ?? assert.fail("no such user");
  const ctx = createCtx(app, { requestId: "device", address: "127.0.0.1", userAgent: undefined });
  const srp = { salt: new Uint8Array(16), verifier: new Uint8Array(384) };
  const key = `us-east-1_${found.user.id}`;
  const device = { key, name: undefined, srp, remembered: true, twoFactors: false };
  const pool = (await findPool(ctx, UserPoolId)) ?? assert.fail("no such pool");
  assert.equal(await storeDevice(ctx, pool, found.user, device), "stored");
  return key;
}

/** Ends the user's own sign-in, after which there is that status and no password. */
async function signsInElsewhere(
  { at }: StatesPool,
  { UserPoolId, Username }: Subject["user"],
): Promise<void> {
  await at.ask("AdminDisableProviderForUser", { UserPoolId, User: identity("Cognito", Username) });
}

const identity = (ProviderName: string, ProviderAttributeValue: string) => ({
  ...{ ProviderName, ProviderAttributeValue },
  ProviderAttributeName: "Cognito_Subject",
});

/** Somebody in this state, who has a device, and a software token if the operation is about one and they can have it. */
export async function makeSubject(pool: StatesPool, state: UserState, operation: string): Promise<Subject> {
  const Username = unique("user");
  const { at, UserPoolId, ClientId } = pool;
  const user = { UserPoolId, Username };
  if (state === "UNCONFIRMED") {
    const UserAttributes = mail(true).slice(0, 1);
    await at.ask("SignUp", { ClientId, Username, Password: password, UserAttributes });
  } else if (state === "FORCE_CHANGE_PASSWORD") await create(pool, Username);
  else {
    await confirmed(pool, Username, state !== "unverified");
    if (needsToken(operation)) await giveToken(pool, Username);
  }
  if (state === "RESET_REQUIRED") await at.ask("AdminResetUserPassword", user);
  if (state === "EXTERNAL_PROVIDER") await signsInElsewhere(pool, user);
  const deviceKey = await giveDevice(pool, Username);
  if (state === "disabled") await at.ask("AdminDisableUser", user);
  return { ...pool, user, deviceKey };
}

const grouped = ({ user }: Subject) => ({ ...user, GroupName: "group" });
const ofDevice = ({ user, deviceKey }: Subject) => ({ ...user, DeviceKey: deviceKey });
const signingIn = ({ user, ClientId }: Subject) => ({
  UserPoolId: user.UserPoolId,
  ClientId,
  AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
  AuthParameters: { USERNAME: user.Username, PASSWORD: password },
});

/** The input of an operation, or what else it needs before; undefined if a user in this state cannot have that. */
type Input = (subject: Subject) => Body | Promise<Body | undefined>;

async function session(subject: Subject): Promise<Body | undefined> {
  const { at, user } = subject;
  await at.says("AdminInitiateAuth", signingIn(subject));
  const { Sessions } = await at.ask("AdminListUserSessions", user);
  const [first] = Sessions as { SessionId: string }[];
  return first && { ...user, SessionId: first.SessionId };
}

async function event({ at, user, ...subject }: Subject): Promise<Body> {
  await at.says("AdminInitiateAuth", signingIn({ at, user, ...subject }));
  const { AuthEvents } = await at.ask("AdminListUserAuthEvents", user);
  const [first] = AuthEvents as { EventId: string }[];
  return { ...user, EventId: first?.EventId ?? assert.fail("no event"), FeedbackValue: "Valid" };
}

/** Nothing, if the user has no software token. */
async function token({ at, user }: Subject): Promise<Body | undefined> {
  const { UserMFASettingList } = await at.ask("AdminGetUser", user);
  return UserMFASettingList === undefined ? undefined : user;
}

/** The answer to the choice of a first factor, with the password. */
async function choice({ at, user, ClientId }: Subject): Promise<Body | undefined> {
  const place = { UserPoolId: user.UserPoolId, ClientId };
  const AuthParameters = { USERNAME: user.Username };
  const begun = await at.answer("AdminInitiateAuth", { ...place, AuthFlow: "USER_AUTH", AuthParameters });
  if (begun.status !== 200) return undefined;
  const { ChallengeName, Session } = begun.body;
  const ChallengeResponses = { USERNAME: user.Username, ANSWER: "PASSWORD", PASSWORD: password };
  return { ...place, ChallengeName, ChallengeResponses, Session };
}

const inputs: Readonly<Record<string, Input>> = {
  AdminAddUserToGroup: grouped,
  AdminCreateUser: ({ user }) => ({ ...user, MessageAction: "RESEND" }),
  AdminDeleteSoftwareToken: token,
  AdminDeleteUserAttributes: ({ user }) => ({ ...user, UserAttributeNames: ["name"] }),
  AdminDisableProviderForUser: ({ user: { UserPoolId, Username } }) => ({
    UserPoolId,
    User: identity("Cognito", Username),
  }),
  AdminForgetDevice: ofDevice,
  AdminGetDevice: ofDevice,
  AdminInitiateAuth: signingIn,
  AdminLinkProviderForUser: ({ user: { UserPoolId, Username } }) => ({
    UserPoolId,
    DestinationUser: identity("Cognito", Username),
    SourceUser: identity("Corporate", unique("subject")),
  }),
  AdminRemoveUserFromGroup: grouped,
  AdminRespondToAuthChallenge: choice,
  AdminRevokeUserSession: session,
  AdminSetUserMFAPreference: ({ user }) => ({ ...user, SoftwareTokenMfaSettings: { Enabled: true } }),
  AdminSetUserPassword: ({ user }) => ({ ...user, Password: "Another-Horse-9", Permanent: true }),
  AdminSetUserSettings: ({ user }) => ({ ...user, MFAOptions: [] }),
  AdminUpdateAuthEventFeedback: event,
  AdminUpdateDeviceStatus: (subject) => ({ ...ofDevice(subject), DeviceRememberedStatus: "remembered" }),
  AdminUpdateUserAttributes: ({ user }) => ({ ...user, UserAttributes: [{ Name: "name", Value: "Ann" }] }),
};

/** What the operation comes to, in the words of the table; a refusal as it was given. */
export async function outcome(subject: Subject, operation: string): Promise<string> {
  const { at, user } = subject;
  const before = await at.ask("AdminGetUser", user);
  const input = await (inputs[operation] ?? (({ user }) => user))(subject);
  if (input === undefined) return "none";
  const answer = await at.answer(operation, input);
  if (answer.status !== 200)
    return `${answer.type}: ${answer.message}`
      .replace(user.Username, "<username>")
      .replace(/(?<=Current status is )\w+$/, (status) =>
        status === before["UserStatus"] ? "<status>" : status,
      );
  const { AuthenticationResult, ChallengeName } = answer.body;
  if (AuthenticationResult !== undefined) return "signs in";
  if (ChallengeName !== undefined) return String(ChallengeName);
  const after = await at.answer("AdminGetUser", user);
  if (after.status !== 200) return "→ deleted";
  if (after.body["Enabled"] !== before["Enabled"])
    return after.body["Enabled"] === true ? "→ enabled" : "→ disabled";
  return after.body["UserStatus"] === before["UserStatus"] ? "works" : `→ ${after.body["UserStatus"]}`;
}
