/** Places and people of the matrix of trust: somebody with everything that a user can hold. */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { confirmDevice, type Device, origin } from "../doors/waits.ts";
import { adminCall, call, type Subject, type Texts } from "../doors/ways.ts";
import type { Answer } from "../doors/wire.ts";
import { type App, callback, newVisitor, queryOf, type Shown, type Visitor } from "../hosted-ui/visitor.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { totp, turnMfa } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";

export interface Client {
  readonly ClientId: string;
  /** What it proves itself by now. */
  ClientSecret: string;
}

export interface Place {
  readonly server: TestServer;
  readonly UserPoolId: string;
  /** What happens to a client happens to this one. */
  readonly main: Client;
  readonly second: Client;
}

export const clientSettings = {
  ClientName: "Notes",
  ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
  CallbackURLs: [callback],
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code"],
  AllowedOAuthScopes: ["openid", "email", "profile"],
  SupportedIdentityProviders: ["COGNITO"],
  AuthSessionValidity: 15,
};

const secondFactors = {
  SoftwareTokenMfaConfiguration: { Enabled: true },
  WebAuthnConfiguration: {
    RelyingPartyId: "app.example",
    UserVerification: "required",
    FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION",
  },
} as const;

export const demandMfa = (place: Place, mode: "ON" | "OPTIONAL") =>
  turnMfa(place.server, place, mode, secondFactors);

/** A pool in which passkeys and authenticator apps are factors, and remembered devices stand for the second one. */
export async function makePlacePool(server: TestServer): Promise<string> {
  const { UserPoolId } = await makePool(server, {
    AutoVerifiedAttributes: ["email"],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "WEB_AUTHN"] } },
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: false },
  });
  await turnMfa(server, { UserPoolId }, "OPTIONAL", secondFactors);
  return UserPoolId;
}

export async function makePlace(server: TestServer, UserPoolId: string): Promise<Place> {
  const make = async (): Promise<Client> => {
    const made = await makeClient(server, UserPoolId, { ...clientSettings, GenerateSecret: true } as never);
    return { ClientId: made.ClientId, ClientSecret: made.ClientSecret ?? assert.fail("no secret") };
  };
  return { server, UserPoolId, main: await make(), second: await make() };
}

/** Two: an authenticator app, a passkey that counts for two factors, and what was opened by both password and app. */
export type Kind = "one" | "two";

export interface Holder extends Subject {
  readonly place: Place;
  readonly kind: Kind;
  /** As it is now: events change it. */
  password: string;
  readonly secret: string;
  readonly passkey: Authenticator;
  readonly AccessToken: string;
  readonly RefreshToken: string;
  /** Of the tokens. */
  readonly deviceKey: string;
  readonly device: Device | undefined;
  readonly visitor: Visitor;
  /** Somebody who has signed up by the second client, and not yet confirmed it. */
  readonly newcomer: { readonly Username: string; readonly email: string };
}

export const ask = (holder: Pick<Holder, "server">, name: string, input: object) =>
  call(holder as Subject, name, input);
export const askAdmin = (holder: Pick<Holder, "server">, name: string, input: object) =>
  adminCall(holder as Subject, name, input);
export const named = ({ UserPoolId, Username }: Subject) => ({ UserPoolId, Username });

/** A call of an administrator that succeeds. */
export async function administer(
  holder: Pick<Holder, "server">,
  name: string,
  input: object,
): Promise<Answer> {
  return succeeded(await askAdmin(holder, name, input));
}

export function succeeded(answer: Answer): Answer {
  assert.equal(answer.status, 200, `${answer.type} ${answer.message}`);
  return answer;
}

export const hashFor = ({ ClientId, ClientSecret }: Client, username: string) => ({
  SECRET_HASH: createHmac("sha256", ClientSecret).update(`${username}${ClientId}`).digest("base64"),
});
export const appOf = ({ UserPoolId }: Place, client: Client): App => ({ UserPoolId, ...client });

export function initiate(
  { server, Username }: Pick<Holder, "server" | "Username">,
  client: Client,
  AuthFlow: string,
  parameters: Texts,
): Promise<Answer> {
  const AuthParameters = { USERNAME: Username, ...hashFor(client, Username), ...parameters };
  return ask({ server }, "InitiateAuth", { ClientId: client.ClientId, AuthFlow, AuthParameters });
}

export function respond(
  { server, Username }: Pick<Holder, "server" | "Username">,
  client: Client,
  asked: Answer,
  responses: Texts,
): Promise<Answer> {
  const { ChallengeName, Session } = asked.body;
  const ChallengeResponses = { USERNAME: Username, ...hashFor(client, Username), ...responses };
  return ask({ server }, "RespondToAuthChallenge", {
    ClientId: client.ClientId,
    ChallengeName,
    Session,
    ChallengeResponses,
  });
}

export const tokensIn = (answer: Answer) => answer.body["AuthenticationResult"] as Texts | undefined;

/** What the app shows; `steps` away from now. */
export const appCode = ({ secret, server }: Pick<Holder, "secret" | "server">, steps: number) =>
  totp(secret, server.clock.now, steps);

/**
 * Signs in by the password at the pages, and by the app where it is asked for.
 * @param steps of the app's code; undefined: up to the question for it
 */
export async function enter(
  holder: Holder,
  visitor: Visitor,
  client: Client,
  steps: number | undefined,
): Promise<Shown> {
  const query = queryOf(appOf(holder.place, client), { prompt: "login" });
  const page = await visitor.get(`/login?${query}`);
  if (page.forms.length === 0) return page;
  const second = await visitor.submit(page, "/login", { username: holder.Username });
  const choice = second.forms.find(({ buttons }) => buttons.includes("answer=PASSWORD"));
  const typed =
    choice === undefined ? second : await visitor.submit(second, "/challenge", { answer: "PASSWORD" });
  const asked = await visitor.submit(typed, "/login", { password: holder.password });
  const isAsked = asked.forms.some(({ action }) => action.includes("/challenge"));
  if (steps === undefined || asked.location !== "" || !isAsked) return asked;
  return visitor.submit(asked, "/challenge", { code: appCode(holder, steps) });
}

/** Everything but what is short-lived. Of the app's codes those of one step before, now and after are used. */
export async function equip(place: Place, kind: Kind): Promise<Holder> {
  const { server, UserPoolId, main } = place;
  const Username = `user-${randomBytes(6).toString("hex")}`;
  const email = newAddress();
  const mail = { Name: "email", Value: email };
  await makeUser(server, UserPoolId, Username, [mail, { Name: "email_verified", Value: "true" }]);
  const subject: Subject = { server, UserPoolId, ClientId: main.ClientId, Username, email };
  const secret = kind === "two" ? await giveApp(subject, main) : "";
  const started = await initiate(subject, main, "USER_PASSWORD_AUTH", { PASSWORD: password });
  const code = kind === "two" ? { SOFTWARE_TOKEN_MFA_CODE: appCode({ secret, server }, 0) } : undefined;
  const answer = code === undefined ? started : await respond(subject, main, started, code);
  const result = tokensIn(succeeded(answer)) as unknown as { NewDeviceMetadata: object } & Texts;
  const { AccessToken = "", RefreshToken = "", NewDeviceMetadata: metadata } = result;
  const confirmed = await confirmDevice({ server } as never, { AccessToken, metadata });
  // One that was confirmed by the password alone stands for nothing; its tokens refresh all the same.
  const device = kind === "two" ? confirmed : undefined;
  const passkey = await givePasskey(subject, AccessToken);
  if (kind === "two")
    succeeded(
      await ask(subject, "SetUserMFAPreference", { AccessToken, WebAuthnMfaSettings: { Enabled: true } }),
    );
  const visitor = newVisitor(server, appOf(place, main));
  const newcomer = await signUp(place);
  const holder: Holder = {
    ...subject,
    place,
    kind,
    password,
    secret,
    passkey,
    AccessToken,
    RefreshToken,
    deviceKey: confirmed.key,
    device,
    visitor,
    newcomer,
  };
  assert.match((await enter(holder, visitor, main, 1)).location, /[?&]code=/);
  return holder;
}

async function giveApp(subject: Subject, client: Client): Promise<string> {
  const { server } = subject;
  const first = await initiate(subject, client, "USER_PASSWORD_AUTH", { PASSWORD: password });
  const AccessToken = tokensIn(succeeded(first))?.["AccessToken"];
  const begun = await ask(subject, "AssociateSoftwareToken", { AccessToken });
  const secret = String(succeeded(begun).body["SecretCode"]);
  const UserCode = appCode({ secret, server }, -1);
  succeeded(await ask(subject, "VerifySoftwareToken", { AccessToken, UserCode }));
  const on = { SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: true } };
  succeeded(await ask(subject, "SetUserMFAPreference", { AccessToken, ...on }));
  return secret;
}

async function givePasskey(subject: Subject, AccessToken: string): Promise<Authenticator> {
  const passkey = new Authenticator(origin);
  const begun = succeeded(await ask(subject, "StartWebAuthnRegistration", { AccessToken }));
  const Credential = passkey.create(begun.body["CredentialCreationOptions"]);
  succeeded(await ask(subject, "CompleteWebAuthnRegistration", { AccessToken, Credential }));
  return passkey;
}

async function signUp({ server, second }: Place): Promise<Holder["newcomer"]> {
  const Username = `new-${randomBytes(6).toString("hex")}`;
  const email = newAddress();
  await server.client.send(
    new SignUpCommand({
      ClientId: second.ClientId,
      SecretHash: hashFor(second, Username).SECRET_HASH,
      Username,
      Password: password,
      UserAttributes: [{ Name: "email", Value: email }],
    }),
  );
  return { Username, email };
}
