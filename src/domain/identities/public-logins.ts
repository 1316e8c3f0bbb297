/**
 * Logins of the public providers ("Identity pools third-party identity providers", Amazon Cognito Developer Guide): ID tokens
 * of Google and Apple, and the opaque access tokens of Facebook and Amazon, about which these are asked.
 */
import type { Ctx } from "../../app.ts";
import { OutboundError } from "../../integrations/outbound.ts";
import { isStorable } from "../../lib/text.ts";
import { refuse } from "../../wire/refuse.ts";
import type { PublicProvider } from "../identity-pools/provider-names.ts";
import { verifyForeignToken } from "./foreign-token.ts";
import { type LoginKind, refuseLogin } from "./login.ts";

/** Where the providers are: the issuers of Google and Apple, and the APIs of Facebook and Amazon. */
const usual: Readonly<Record<PublicProvider, string>> = {
  "accounts.google.com": "https://accounts.google.com",
  "appleid.apple.com": "https://appleid.apple.com",
  "graph.facebook.com": "https://graph.facebook.com",
  "www.amazon.com": "https://api.amazon.com",
};

const placeOf = ({ config }: Ctx, name: PublicProvider) => config.loginEndpoints.get(name) ?? usual[name];

/** The login of a provider that issues ID tokens. A pool can name several of its applications, separated by `;`. */
const byIdToken =
  (provider: PublicProvider): LoginKind =>
  async (ctx, pool, name, token) => {
    const applications = pool.document.SupportedLoginProviders?.[provider];
    if (name !== provider || applications === undefined) return undefined;
    const issuer = placeOf(ctx, provider);
    const verified = await verifyForeignToken(ctx, { issuer, clientIds: applications.split(";") }, token);
    return { provider, mapping: provider, ...verified };
  };

export const googleLogin = byIdToken("accounts.google.com");
export const appleLogin = byIdToken("appleid.apple.com");

/** Facebook says which application an access token is for, and whose it is ("Graph API", Meta). */
export const facebookLogin: LoginKind = async (ctx, pool, name, token) => {
  const provider = "graph.facebook.com";
  const application = pool.document.SupportedLoginProviders?.[provider];
  if (name !== provider || application === undefined) return undefined;
  const base = placeOf(ctx, provider);
  const headers = bearer(token);
  const app = await askAbout(ctx, `${base}/app?fields=id`, headers);
  if (app["id"] !== application) return refuseLogin("audience");
  const user = await askAbout(ctx, `${base}/me?fields=id`, headers);
  return login(provider, application, user["id"]);
};

/** Amazon says the same in one answer ("Verify access tokens", Login with Amazon). */
export const amazonLogin: LoginKind = async (ctx, pool, name, token) => {
  const provider = "www.amazon.com";
  const application = pool.document.SupportedLoginProviders?.[provider];
  if (name !== provider || application === undefined) return undefined;
  const query = new URLSearchParams({ access_token: token });
  const info = await askAbout(ctx, `${placeOf(ctx, provider)}/auth/o2/tokeninfo?${query}`);
  if (info["aud"] !== application) return refuseLogin("audience");
  return login(provider, application, info["user_id"]);
};

/** The header of a token, which must not be able to be another one. */
function bearer(token: string): Record<string, string> {
  return /^[\x21-\x7e]+$/.test(token) ? { authorization: `Bearer ${token}` } : refuseLogin("invalid");
}

function login(provider: PublicProvider, clientId: string, subject: unknown) {
  if (typeof subject !== "string" || subject === "" || !isStorable(subject))
    return refuseLogin("invalid", "no user in the answer");
  return { provider, subject, mapping: provider, clientId, claims: { sub: subject, aud: clientId } };
}

/** What a provider says about a token. Throws NotAuthorizedException if it refuses it. */
async function askAbout(
  ctx: Ctx,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await ctx.app.outbound.fetch(url, { headers }).catch((error: unknown) => {
    if (error instanceof OutboundError) return unavailable(error.message);
    throw error;
  });
  if (answer.status >= 500 || answer.status === 429) return unavailable(`status ${answer.status}`);
  if (answer.status !== 200) return refuseLogin("invalid", `status ${answer.status}`);
  try {
    const value: unknown = await answer.json();
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Not JSON: refused below.
  }
  return unavailable("no JSON object");
}

const unavailable = (detail: string): never =>
  refuse("ExternalServiceException", "The identity provider cannot be reached.", detail);
