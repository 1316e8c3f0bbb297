/** Google, Facebook, Login with Amazon and Sign in with Apple. */
import { createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";
import type { ServerMetadata } from "openid-client";
import type { Ctx } from "../../app.ts";
import { hmacSha256, sha256Base64url, toHex } from "../../lib/bytes.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import { beginOpenId, verifyOpenId } from "./oidc.ts";
import type { Answered, Beginning, Begun, Protocol, ProviderIdentity } from "./protocol.ts";
import type { Provider } from "./provider.ts";
import { atProvider, ProviderMismatch } from "./provider-errors.ts";
import { idpResponsePath, relyingParty, scopesIn, tokensFor } from "./relying-party.ts";
import { type SocialType, socialEndpoints } from "./social-endpoints.ts";

type Details = Readonly<Record<string, string>>;

/**
 * The provider with its endpoints. What the settings give takes their place, so that tests and private installations can
 * aim them elsewhere; another issuer has none of them.
 */
export function withEndpoints(provider: Provider): Provider {
  const { details, type } = provider;
  const known = socialEndpoints[type as SocialType](details);
  const { oidc_issuer: own } = known;
  const { oidc_issuer: issuer = own } = details;
  return own === undefined || issuer === own ? { ...provider, details: { ...known, ...details } } : provider;
}

interface OfOne {
  begin(ctx: Ctx, beginning: Beginning): Promise<Begun>;
  verify(ctx: Ctx, answered: Answered): Promise<ProviderIdentity>;
}

const byType: Readonly<Record<SocialType, OfOne>> = {
  Google: {
    begin: (ctx, beginning) =>
      // Google knows no prompt=login.
      beginOpenId(ctx, beginning, { fresh: { prompt: "select_account" }, takesHint: true }),
    verify: verifyGoogle,
  },
  SignInWithApple: {
    begin: (ctx, beginning) =>
      beginOpenId(ctx, beginning, {
        parameters: { response_mode: "form_post" },
        fresh: {},
        takesHint: false,
        withoutPkce: true,
      }),
    verify: verifyApple,
  },
  Facebook: {
    begin: (ctx, beginning) => beginOAuth(ctx, beginning, { auth_type: "reauthenticate" }),
    verify: (ctx, answered) => verifyOAuth(ctx, answered, "id"),
  },
  LoginWithAmazon: {
    begin: (ctx, beginning) => beginOAuth(ctx, beginning, {}),
    verify: (ctx, answered) => verifyOAuth(ctx, answered, "user_id"),
  },
};

export const social: Protocol = {
  begin: (ctx, beginning) =>
    byType[beginning.provider.type as SocialType].begin(ctx, {
      ...beginning,
      provider: withEndpoints(beginning.provider),
    }),
  verify: (ctx, answered) =>
    byType[answered.provider.type as SocialType].verify(ctx, {
      ...answered,
      provider: withEndpoints(answered.provider),
    }),
  // None of them has a page that ends its session and comes back.
  logout: async () => undefined,
};

/** The claims of the ID token; what else is mapped comes from the People API. */
async function verifyGoogle(ctx: Ctx, answered: Answered): Promise<ProviderIdentity> {
  const { provider } = answered;
  const { attributes_url: url, attributes_url_add_attributes: adds, ...details } = provider.details;
  const isPeople = adds === "true" && url !== undefined;
  const identity = await verifyOpenId(
    ctx,
    isPeople ? { ...answered, provider: { ...provider, details } } : answered,
  );
  const fields = mappedNames(provider).filter((name) => personFields.has(name) && !(name in identity.claims));
  const token = identity.answers.tokenResponse?.["access_token"];
  if (!isPeople || fields.length === 0 || typeof token !== "string") return identity;
  const userInfo = await profileOf(ctx, provider, `${url}${fields.join(",")}`, token);
  const claims = Object.fromEntries(fields.map((name) => [name, personValue(userInfo[name])]));
  return {
    ...identity,
    claims: { ...claims, ...identity.claims },
    answers: { ...identity.answers, userInfo },
  };
}

/** Fields of a person that have one value (Google People API, people.get). */
const personFields = new Set([
  "birthdays",
  "genders",
  "phoneNumbers",
  "locales",
  "nicknames",
  "addresses",
  "urls",
]);

/** The primary value of a field of a person, which is a list. */
function personValue(field: unknown): unknown {
  if (!Array.isArray(field)) return undefined;
  const entry = field.find((one) => one?.metadata?.primary === true) ?? field[0];
  const { value, formattedValue, date } = entry ?? {};
  if (date?.year === undefined) return value ?? formattedValue;
  const two = (number: unknown) => String(number).padStart(2, "0");
  return `${date.year}-${two(date.month)}-${two(date.day)}`;
}

/** Apple gives the name to the browser, unsigned, and only the first time: it is a name, and proves nothing. */
async function verifyApple(ctx: Ctx, answered: Answered): Promise<ProviderIdentity> {
  const { provider, parameters } = answered;
  const secret = await appleSecret(ctx, provider);
  const details = { ...provider.details, client_secret: secret };
  const identity = await verifyOpenId(ctx, { ...answered, provider: { ...provider, details } });
  return { ...identity, claims: { ...appleName(parameters.get("user")), ...identity.claims } };
}

function appleName(user: string | null): Readonly<Record<string, string>> {
  try {
    const { firstName, lastName } = JSON.parse(user ?? "{}").name ?? {};
    const parts = { firstName, lastName };
    const given = Object.entries(parts).filter(([, part]) => typeof part === "string" && part !== "");
    if (given.length === 0) return {};
    return { ...Object.fromEntries(given), name: given.map(([, part]) => part).join(" ") };
  } catch {
    return {};
  }
}

/** The client secret: a token that says who we are, signed with the team's key ("Creating a client secret", Apple). */
async function appleSecret(ctx: Ctx, { name, details }: Provider): Promise<string> {
  const {
    client_id: clientId = "",
    team_id: teamId = "",
    key_id: kid = "",
    oidc_issuer: issuer = "",
  } = details;
  const base64 = (details["private_key"] ?? "").replace(/-----[^-]*-----|\s+/g, "");
  try {
    const key = createPrivateKey({ key: Buffer.from(base64, "base64"), format: "der", type: "pkcs8" });
    const seconds = Math.floor(ctx.now / 1000);
    return await new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid })
      .setIssuer(teamId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 300)
      .sign(key);
  } catch {
    return refuseOAuth("invalid_request", `${name} Error - its private_key is no PKCS #8 key for ES256`);
  }
}

/** What the library needs to know of a provider without OpenID Connect. Its users are those of its API's origin. */
function oauthMetadata({ details }: Provider): ServerMetadata {
  const { authorize_url: authorize = "", token_url: token = "", attributes_url: attributes = "" } = details;
  return {
    issuer: URL.canParse(attributes) ? new URL(attributes).origin : "",
    authorization_endpoint: authorize,
    token_endpoint: token,
  };
}

async function beginOAuth(ctx: Ctx, beginning: Beginning, fresh: Details): Promise<Begun> {
  const { provider, state, base } = beginning;
  const library = await import("openid-client");
  const metadata = oauthMetadata(provider);
  const verifier = library.randomPKCECodeVerifier();
  const separator = provider.type === "Facebook" ? "," : " ";
  const configuration = await relyingParty(ctx, provider, metadata);
  const parameters = {
    redirect_uri: `${base}${idpResponsePath}`,
    scope: scopesIn(provider).join(separator),
    state,
    code_challenge: sha256Base64url(verifier),
    code_challenge_method: "S256",
    ...(beginning.fresh !== "no" && fresh),
  };
  const location = await atProvider(provider, "discovery", async () =>
    library.buildAuthorizationUrl(configuration, parameters),
  );
  return { location: location.href, remembered: { issuer: metadata.issuer, state, verifier } };
}

/** @param idMember the member of the profile that names the user */
async function verifyOAuth(ctx: Ctx, answered: Answered, idMember: string): Promise<ProviderIdentity> {
  const { provider, remembered } = answered;
  const { issuer, state, verifier } = remembered;
  const metadata = oauthMetadata(provider);
  if (issuer !== metadata.issuer || state === undefined || verifier === undefined)
    refuseOAuth("invalid_request", `${provider.name} Error - its settings have changed, sign in again`);
  const tokens = await tokensFor(answered, await relyingParty(ctx, provider, metadata), {
    expectedState: state,
    pkceCodeVerifier: verifier,
  });
  const profile = await profileOf(
    ctx,
    provider,
    profileUrl(provider, tokens.access_token, idMember),
    tokens.access_token,
  );
  const id = profile[idMember];
  const subject = typeof id === "number" ? String(id) : id;
  if (typeof subject !== "string" || subject === "")
    refuseOAuth("invalid_request", `${provider.name} Error - the profile has no ${idMember}`);
  return {
    issuer,
    subject,
    // Neither of them says.
    authenticatedAt: undefined,
    claims: {
      ...Object.fromEntries(Object.entries(profile).map(([name, value]) => [name, plain(value)])),
      [idMember]: subject,
    },
    answers: { tokenResponse: { ...tokens }, userInfo: profile },
    session: undefined,
    logout: {},
  };
}

/** Facebook wraps the URL of a picture. */
const plain = (value: unknown): unknown =>
  (value as { readonly data?: { readonly url?: unknown } } | null)?.data?.url ?? value;

/** Names of claims in the attribute mapping that may stand in a URL. */
const mappedNames = ({ mapping }: Provider): string[] => [
  ...new Set(Object.values(mapping).filter((name) => /^\w+$/.test(name))),
];

function profileUrl(provider: Provider, token: string, idMember: string): string {
  const {
    attributes_url: url = "",
    attributes_url_add_attributes: adds,
    client_secret: secret,
  } = provider.details;
  if (adds !== "true") return url;
  const fields = [...new Set([idMember, ...mappedNames(provider)])].join(",");
  // Proves that the token is used by whom it was made for ("Secure Graph API Calls with App Secret Proof", Meta).
  const proof =
    provider.type === "Facebook" && secret ? `&appsecret_proof=${toHex(hmacSha256(secret, token))}` : "";
  return `${url}${fields}${proof}`;
}

/** The user's profile at an API of the provider. */
async function profileOf(
  ctx: Ctx,
  provider: Provider,
  url: string,
  token: string,
): Promise<Readonly<Record<string, unknown>>> {
  return atProvider(provider, "user info", async () => {
    const response = await ctx.app.outbound.fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    });
    if (response.status !== 200) throw new ProviderMismatch(`${response.status} error getting user info`);
    const profile: unknown = await response.json().catch(() => undefined);
    if (typeof profile !== "object" || profile === null || Array.isArray(profile))
      throw new ProviderMismatch("the profile is no JSON object");
    return profile as Readonly<Record<string, unknown>>;
  });
}
