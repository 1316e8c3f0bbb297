/** Every page that people can come to at the hosted pages, and how one gets there. */
import {
  AdminCreateUserCommand,
  SetUserMFAPreferenceCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { addAuthenticator, keepOpen, serveSite } from "../kit/chromium.ts";
import { giveSoftwareToken, turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, password, signIn, verifiedMail } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";

export interface App {
  readonly UserPoolId: string;
  readonly ClientId: string;
}

export interface World {
  readonly server: TestServer;
  readonly callback: string;
  /** Passwords; people sign themselves up. */
  readonly plain: App;
  /** Passwords, codes and passkeys. */
  readonly choice: App;
  /** A second factor is demanded. */
  readonly strict: App;
  /** The key of the authenticator app of `tom`. */
  readonly secret: string;
}

/** The world of a server, made when it is first asked for, with an application that people come out at. */
export function worldOf(open: () => Promise<TestServer>): () => Promise<World> {
  let made: Promise<World> | undefined;
  return async () => {
    const server = await open();
    made ??= (async () => {
      const site = keepOpen(await serveSite("<!doctype html><html lang=en><title>Notes</title>You are in."));
      return makeWorld(server, `http://localhost:${site.port}/callback`);
    })();
    return made;
  };
}

/** The pools and people that the pages are shown to. */
async function makeWorld(server: TestServer, callback: string): Promise<World> {
  const client = {
    ClientName: "Notes",
    CallbackURLs: [callback],
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "aws.cognito.signin.user.admin"],
  } satisfies Parameters<typeof makePool>[2];
  const required = ["email", "given_name", "birthdate"].map((Name) => ({ Name, Required: true }));
  const plain = await makePool(server, { AutoVerifiedAttributes: ["email"], Schema: required }, client);
  const SignInPolicy = { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] } satisfies object;
  const choice = await makePool(server, { Policies: { SignInPolicy: SignInPolicy as never } }, client);
  // The pages of its second factors ask whether the device is to be remembered.
  const DeviceConfiguration = { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true };
  const strict = await makePool(server, { DeviceConfiguration }, client);
  const rest = [
    { Name: "given_name", Value: "Ann" },
    { Name: "birthdate", Value: "1990-01-01" },
  ];
  await makeUser(server, plain.UserPoolId, "ann", [...verifiedMail(), ...rest]);
  await makeUser(server, choice.UserPoolId, "ann", verifiedMail());
  await server.client.send(
    new AdminCreateUserCommand({
      UserPoolId: plain.UserPoolId,
      Username: "new",
      TemporaryPassword: password,
      MessageAction: "SUPPRESS",
      UserAttributes: [{ Name: "email", Value: newAddress() }, rest[1]!],
    }),
  );
  const secret = await makeStrictPeople(server, strict);
  return { server, callback, plain, choice, strict, secret };
}

/** tom has an authenticator app, sue a phone, max two addresses, nora nothing. */
async function makeStrictPeople(server: TestServer, app: App): Promise<string> {
  const { UserPoolId, ClientId } = app;
  const phone = [
    { Name: "phone_number", Value: "+15550100123" },
    { Name: "phone_number_verified", Value: "true" },
  ];
  await turnMfa(server, app, "OPTIONAL");
  await makeUser(server, UserPoolId, "tom");
  await makeUser(server, UserPoolId, "nora");
  await makeUser(server, UserPoolId, "sue", phone);
  await makeUser(server, UserPoolId, "max", [...verifiedMail(), ...phone]);
  const { AccessToken } = await signIn(server, ClientId, "max");
  const EmailMfaSettings = { Enabled: true };
  const SMSMfaSettings = { Enabled: true };
  await server.client.send(
    new SetUserMFAPreferenceCommand({ AccessToken, EmailMfaSettings, SMSMfaSettings }),
  );
  const secret = await giveSoftwareToken(server, (await signIn(server, ClientId, "tom")).AccessToken);
  await turnMfa(server, app, "ON");
  return secret;
}

/** The address of a page, with a whole authorization request. */
export function address(
  world: Pick<World, "server" | "callback">,
  app: App,
  path: string,
  more: Record<string, string> = {},
): string {
  const query = new URLSearchParams({
    client_id: app.ClientId,
    redirect_uri: world.callback,
    response_type: "code",
    state: "s-1",
    ...more,
  });
  return `${world.server.endpoint}/${app.UserPoolId}${path}?${query}`;
}

export interface Visit {
  readonly world: World;
  readonly page: Page;
  readonly lang: string;
}

/** The one button of a page that matters most. */
export const press = (page: Page) => page.locator("form button.primary").first().click();

export async function signInAs(visit: Visit, app: App, name: string, secret = password): Promise<void> {
  const { world, page, lang } = visit;
  await page.goto(address(world, app, "/login", { lang }));
  await page.fill("#username", name);
  if ((await page.locator("#password").count()) > 0) await page.fill("#password", secret);
  await press(page);
}

async function open(visit: Visit, path: string, app = visit.world.plain): Promise<void> {
  await visit.page.goto(address(visit.world, app, path, { lang: visit.lang }));
}

async function signUp(visit: Visit, secret: string): Promise<void> {
  const { page } = visit;
  await open(visit, "/signup");
  await page.fill("#username", `user-${newAddress().slice(5, 13)}`);
  await page.fill("#email", newAddress());
  await page.fill("#given_name", "Una");
  await page.fill("#birthdate", "1990-01-01");
  await page.fill("#password", secret);
  await press(page);
}

async function forgot(visit: Visit): Promise<void> {
  await open(visit, "/forgotPassword");
  await visit.page.fill("#username", "ann");
  await press(visit.page);
}

async function setUp(visit: Visit, factor: string): Promise<void> {
  await signInAs(visit, visit.world.strict, "nora");
  await visit.page.click(`button[value=${factor}]`);
}

/** At the choice of first factors, or at the page of one of them. */
async function choose(visit: Visit, factor?: string): Promise<void> {
  const { page, world } = visit;
  await signInAs(visit, world.choice, "ann");
  await page.locator("form:has([name=choose]) button").first().click();
  await page.waitForSelector("button[value=PASSWORD]");
  if (factor !== undefined) await page.click(`button[value=${factor}]`);
}

/** Signed in at the page that adds a passkey. */
async function passkeys(visit: Visit): Promise<void> {
  const { page, world } = visit;
  // Somebody without a passkey, whose password is asked for at once.
  const name = newAddress();
  await makeUser(world.server, world.choice.UserPoolId, name, verifiedMail());
  await open(visit, "/passkeys/add", world.choice);
  await page.fill("#username", name);
  await press(page);
  await page.fill("#password", password);
  await press(page);
}

/** @param isUserVerified whether the device knows who is before it */
async function makePasskey(visit: Visit, isUserVerified: boolean): Promise<void> {
  const { devtools, authenticatorId } = await addAuthenticator(visit.page);
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  await passkeys(visit);
  await press(visit.page);
  await visit.page.waitForSelector(isUserVerified ? "[role=status]" : "[role=alert]:not([hidden])");
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
  await devtools.detach();
}

/** By name; each leaves the page open. A code that is typed here is never right. */
export const scenes: Readonly<Record<string, (visit: Visit) => Promise<unknown>>> = {
  login: (visit) => open(visit, "/login"),
  "login-refused": (visit) => signInAs(visit, visit.world.plain, "ann", "Wrong-Password-1"),
  continue: async (visit) => {
    await signInAs(visit, visit.world.plain, "ann");
    await visit.page.waitForURL(`${visit.world.callback}?*`);
    await open(visit, "/login");
  },
  "login-by-name": (visit) => open(visit, "/login", visit.world.choice),
  "choose-factor": (visit) => choose(visit),
  password: (visit) => choose(visit, "PASSWORD"),
  "code-by-email": (visit) => choose(visit, "EMAIL_OTP"),
  "code-again": async (visit) => {
    const { page } = visit;
    await page.clock.install();
    await choose(visit, "EMAIL_OTP");
    await page.clock.fastForward(60_000);
    await page.locator("button.link[data-wait]").first().click();
    await page.waitForSelector("[role=status]");
  },
  "code-by-sms": (visit) => signInAs(visit, visit.world.strict, "sue"),
  "code-of-app": (visit) => signInAs(visit, visit.world.strict, "tom"),
  "code-refused": async (visit) => {
    await signInAs(visit, visit.world.strict, "tom");
    await visit.page.fill("#code", "12345");
    await press(visit.page);
  },
  "choose-mfa": (visit) => signInAs(visit, visit.world.strict, "max"),
  "set-up": (visit) => signInAs(visit, visit.world.strict, "nora"),
  "set-up-app": (visit) => setUp(visit, "SOFTWARE_TOKEN_MFA"),
  "set-up-email": (visit) => setUp(visit, "EMAIL_OTP"),
  "set-up-phone": (visit) => setUp(visit, "SMS_MFA"),
  "new-password": (visit) => signInAs(visit, visit.world.plain, "new"),
  "sign-up": (visit) => open(visit, "/signup"),
  "sign-up-refused": (visit) => signUp(visit, "short"),
  confirm: (visit) => signUp(visit, password),
  "confirm-again": async (visit) => {
    await visit.page.clock.install();
    await signUp(visit, password);
    await visit.page.clock.fastForward(60_000);
    await visit.page.locator("button.link[data-wait]").first().click();
    await visit.page.waitForSelector("[role=status]");
  },
  "confirm-link": (visit) => open(visit, "/confirmUser"),
  "confirm-button": ({ page, world, lang }) => {
    const link = { lang, user_name: "una", confirmation_code: "123456" };
    return page.goto(address(world, world.plain, "/confirmUser", link));
  },
  forgot: (visit) => open(visit, "/forgotPassword"),
  reset: forgot,
  "reset-refused": async (visit) => {
    await forgot(visit);
    await visit.page.fill("#code", "123456");
    await visit.page.fill("#password", "nosymbol1A");
    await press(visit.page);
  },
  "session-ended": async (visit) => {
    await signInAs(visit, visit.world.strict, "tom");
    await visit.page.evaluate(`document.querySelector("[name=session]").value = "nothing"`);
    await visit.page.fill("#code", "12345");
    await press(visit.page);
  },
  "passkeys-add": passkeys,
  "passkeys-made": (visit) => makePasskey(visit, true),
  "passkeys-not-made": (visit) => makePasskey(visit, false),
  "passkeys-off": (visit) => open(visit, "/passkeys/add"),
  error: ({ page, world, lang }) =>
    page.goto(address(world, world.plain, "/error", { lang, error: "redirect_mismatch" })),
  "signed-out": ({ page, world, lang }) => page.goto(address(world, world.plain, "/signedout", { lang })),
};
