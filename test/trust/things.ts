/** What a holder holds: how each thing is come by, and how it is tried afterwards. */
import assert from "node:assert/strict";
import type { Thing } from "../../tools/trust-table.ts";
import { origin } from "../doors/waits.ts";
import { codeIn, newVisitor, queryOf, type Visitor } from "../hosted-ui/visitor.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { password } from "../kit/people.ts";
import {
  appCode,
  appOf,
  ask,
  type Client,
  enter,
  type Holder,
  hashFor,
  initiate,
  respond,
  succeeded,
  tokensIn,
} from "./holder.ts";

/** Whether the thing still is worth what it was. */
export type Try = () => Promise<boolean>;

/** What is known of a holder besides, while things are made and tried. */
export interface Held extends Holder {
  /** Of tokens that came by a code. */
  readonly page: { readonly access: string; readonly refresh: string };
  /** A copy of the browser as it was before the event. */
  readonly browser: Visitor;
  readonly former: Visitor;
  readonly recoveryCode: string;
  /** Of a sign-in after the event. */
  later?: string;
}

/** Undefined where the holder, for want of a second factor, can have no such thing. */
export const holdings: Readonly<Record<Thing, (held: Held) => Promise<Try | undefined>>> = {
  browser: async (held) => () => isLetIn(held, held.browser),
  former: async (held) => () => isLetIn(held, held.former),
  code: async (held) => {
    const code = await newCode(held);
    return async () =>
      (await tokenOf(held, { grant_type: "authorization_code", code, redirect_uri })) !== undefined;
  },
  pageRefresh: async (held) => async () => {
    const form = { grant_type: "refresh_token", refresh_token: held.page.refresh };
    return (await tokenOf(held, form)) !== undefined;
  },
  pageAccess: async (held) => async () => {
    const { server, UserPoolId, page } = held;
    const headers = { authorization: `Bearer ${page.access}` };
    return (await fetch(`${server.endpoint}/${UserPoolId}/oauth2/userInfo`, { headers })).status === 200;
  },
  apiRefresh: async (held) => async () => {
    const { place, RefreshToken, deviceKey: DeviceKey } = held;
    const { ClientId, ClientSecret } = place.main;
    const own = { REFRESH_TOKEN: RefreshToken, DEVICE_KEY: DeviceKey };
    const byFlow = await initiate(held, place.main, "REFRESH_TOKEN_AUTH", own);
    const input = { ClientId, ClientSecret, RefreshToken, DeviceKey };
    const byOperation = await ask(held, "GetTokensFromRefreshToken", input);
    return [byFlow, byOperation].some((answer) => tokensIn(answer) !== undefined);
  },
  apiAccess: async (held) => () => isSignedIn(held),
  waiting: async (held) => {
    const { place, kind } = held;
    const isTwo = kind === "two";
    const asked = isTwo
      ? await initiate(held, place.main, "USER_PASSWORD_AUTH", { PASSWORD: password })
      : await initiate(held, place.main, "USER_AUTH", { PREFERRED_CHALLENGE: "PASSWORD" });
    assert.equal(asked.body["ChallengeName"], isTwo ? "SOFTWARE_TOKEN_MFA" : "PASSWORD", asked.message);
    return async () => {
      const proof = isTwo ? { SOFTWARE_TOKEN_MFA_CODE: appCode(held, -1) } : { PASSWORD: password };
      return tokensIn(await respond(held, place.main, asked, proof)) !== undefined;
    };
  },
  pageWaiting: async (held) => {
    const { server, place, kind } = held;
    if (kind === "one") return undefined;
    const visitor = newVisitor(server, appOf(place, place.main));
    const asked = await enter(held, visitor, place.main, undefined);
    return async () => {
      const { location } = await visitor.submit(asked, "/challenge", { code: appCode(held, 0) });
      const code = /[?&]code=([\w-]+)/.exec(location)?.[1];
      if (code === undefined) return false;
      return (await tokenOf(held, { grant_type: "authorization_code", code, redirect_uri })) !== undefined;
    };
  },
  passkeySignIn: async (held) => {
    const { main } = held.place;
    const asked = await initiate(held, main, "USER_AUTH", { PREFERRED_CHALLENGE: "WEB_AUTHN" });
    const parameters = asked.body["ChallengeParameters"] as Record<string, string> | undefined;
    const options = parameters?.["CREDENTIAL_REQUEST_OPTIONS"] ?? assert.fail(JSON.stringify(asked.body));
    return async () =>
      tokensIn(await respond(held, main, asked, { CREDENTIAL: held.passkey.use(options) })) !== undefined;
  },
  device: async (held) => {
    const { device, place } = held;
    if (device === undefined) return undefined;
    return async () => {
      const parameters = { PASSWORD: held.password, DEVICE_KEY: device.key };
      const answer = await initiate(held, place.second, "USER_PASSWORD_AUTH", parameters);
      return answer.body["ChallengeName"] === "DEVICE_SRP_AUTH";
    };
  },
  browserDevice: async (held) => {
    const { server, place, UserPoolId, visitor } = held;
    const name = `poolhouse-devices-${UserPoolId}`;
    const cookie = visitor.cookies.get(name);
    if (cookie === undefined) return undefined;
    return async () => {
      const again = newVisitor(server, appOf(place, place.second));
      again.cookies.set(name, cookie);
      return /[?&]code=/.test((await enter(held, again, place.second, undefined)).location);
    };
  },
  passkeyNew: async (held) => {
    const { AccessToken } = held;
    const passkey = new Authenticator(origin);
    const begun = succeeded(await ask(held, "StartWebAuthnRegistration", { AccessToken }));
    const Credential = passkey.create(begun.body["CredentialCreationOptions"]);
    return async () => {
      const input = { AccessToken: await freshToken(held), Credential };
      return (await ask(held, "CompleteWebAuthnRegistration", input)).status === 200;
    };
  },
  addressCode: async (held) => {
    const { AccessToken } = held;
    const asked = { AccessToken, AttributeName: "email" };
    succeeded(await ask(held, "GetUserAttributeVerificationCode", asked));
    const Code = await codeOf(held, "verify-attribute");
    return async () => {
      const input = { AccessToken: await freshToken(held), AttributeName: "email", Code };
      return (await ask(held, "VerifyUserAttribute", input)).status === 200;
    };
  },
  signUpCode: async (held) => {
    const { server, place, newcomer } = held;
    const { Username } = newcomer;
    const ConfirmationCode = await server.code(newcomer.email);
    const { ClientId } = place.second;
    const input = { ClientId, Username, ConfirmationCode };
    return async () => {
      const SecretHash = hashFor(place.second, Username).SECRET_HASH;
      return (await ask(held, "ConfirmSignUp", { ...input, SecretHash })).status === 200;
    };
  },
  recoveryCode: async (held) => async () => {
    const answer = await recover(held, held.recoveryCode, "Recovered-Horse-1");
    return answer.status === 200;
  },
};

const redirect_uri = "https://app.example/callback?keep=1";

/** A code by the browser's session, at the client that things happen to. */
async function newCode({ place, browser }: Held): Promise<string> {
  const query = queryOf(appOf(place, place.main), { prompt: "none" });
  const { location } = await browser.get(`/oauth2/authorize?${query}`);
  return new URL(location).searchParams.get("code") ?? assert.fail(location);
}

/** Whether the pages let in, by a client that nothing happens to. */
async function isLetIn({ place }: Holder, visitor: Visitor): Promise<boolean> {
  const query = queryOf(appOf(place, place.second), { prompt: "none" });
  const { location } = await visitor.get(`/oauth2/authorize?${query}`);
  return URL.canParse(location) && new URL(location).searchParams.has("code");
}

/** Of POST /oauth2/token. */
async function tokenOf(
  { place }: Pick<Holder, "place">,
  form: Record<string, string>,
): Promise<Record<string, string> | undefined> {
  const { server, UserPoolId, main } = place;
  const body = new URLSearchParams({ ...form, client_id: main.ClientId, client_secret: main.ClientSecret });
  const answer = await fetch(`${server.endpoint}/${UserPoolId}/oauth2/token`, { method: "POST", body });
  const tokens = (await answer.json()) as Record<string, string>;
  return tokens["access_token"] === undefined ? undefined : tokens;
}

export function recover(held: Holder, ConfirmationCode: string, Password: string) {
  const { place, Username } = held;
  const { ClientId } = place.second;
  const SecretHash = hashFor(place.second, Username).SECRET_HASH;
  const input = { ClientId, Username, SecretHash, ConfirmationCode, Password };
  return ask(held, "ConfirmForgotPassword", input);
}

const isSignedIn = async ({ server, AccessToken }: Pick<Holder, "server" | "AccessToken">) =>
  (await ask({ server }, "GetUser", { AccessToken })).status === 200;

/** What a message of this kind has brought; those of one moment are in no order. */
async function codeOf({ server, email }: Holder, kind: string): Promise<string> {
  return (await server.inbox(email)).find((message) => message.kind === kind)?.code ?? assert.fail(kind);
}

/** An access token, of before if that still is good, else by whatever sign-in the user has to go through now. */
async function freshToken(held: Held): Promise<string> {
  const { place, server, later } = held;
  if (await isSignedIn(held)) return held.AccessToken;
  if (later !== undefined && (await isSignedIn({ server, AccessToken: later }))) return later;
  let answer = await initiate(held, place.second, "USER_PASSWORD_AUTH", { PASSWORD: held.password });
  if (answer.type === "PasswordResetRequiredException") {
    held.password = "Chosen-Horse-1";
    succeeded(await recover(held, await codeOf(held, "admin-reset-password"), held.password));
    answer = await initiate(held, place.second, "USER_PASSWORD_AUTH", { PASSWORD: held.password });
  }
  if (answer.body["ChallengeName"] === "NEW_PASSWORD_REQUIRED") {
    held.password = "Chosen-Horse-2";
    answer = await respond(held, place.second, answer, { NEW_PASSWORD: held.password });
  }
  if (answer.body["ChallengeName"] === "SOFTWARE_TOKEN_MFA")
    answer = await respond(held, place.second, answer, { SOFTWARE_TOKEN_MFA_CODE: appCode(held, 1) });
  held.later = tokensIn(answer)?.["AccessToken"] ?? "none";
  return held.later;
}

function copyOf({ server, place }: Holder, visitor: Visitor, client: Client): Visitor {
  const copy = newVisitor(server, appOf(place, client));
  const name = `poolhouse-${place.UserPoolId}`;
  copy.cookies.set(name, visitor.cookies.get(name) ?? assert.fail("no session"));
  return copy;
}

/** Signs in again in the same browser, as if it were no device, and comes by what the things are made from. */
export async function hold(holder: Holder): Promise<Held> {
  const { place, visitor, Username } = holder;
  const former = copyOf(holder, visitor, place.second);
  visitor.cookies.delete(`poolhouse-devices-${place.UserPoolId}`);
  codeIn(await enter(holder, visitor, place.main, -1));
  const browser = copyOf(holder, visitor, place.main);
  const partial = { ...holder, former, browser };
  const code = await newCode(partial as Held);
  const tokens = await tokenOf(holder, { grant_type: "authorization_code", code, redirect_uri });
  const page = { access: tokens?.["access_token"] ?? "", refresh: tokens?.["refresh_token"] ?? "" };
  const { ClientId } = place.second;
  const SecretHash = hashFor(place.second, Username).SECRET_HASH;
  succeeded(await ask(holder, "ForgotPassword", { ClientId, Username, SecretHash }));
  return { ...partial, page, recoveryCode: await codeOf(holder, "forgot-password") };
}
