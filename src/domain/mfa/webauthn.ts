/**
 * Passkeys (Web Authentication, Level 3; "Passkey sign-in", Amazon Cognito Developer Guide): the ceremonies, and what a
 * pool requires of them. The library does the cryptography; this file decides which origins and relying parties are
 * ours.
 */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import type { Ctx } from "../../app.ts";
import { listensOnLoopback } from "../../config/config.ts";
import { fromBase64url, toBase64url, utf8 } from "../../lib/bytes.ts";
import type { Passkey } from "../../store/passkeys.ts";
import type { User } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { domainBase } from "../user-pools/domains.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { authenticatorName } from "./authenticators.ts";

export type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
};

/** Loaded by the first passkey, as it is a fifth of what the server loads. */
const library = () => import("@simplewebauthn/server");

/** The maximum number of passkeys per user ("Quotas", Amazon Cognito Developer Guide). */
export const mostPasskeys = 20;

/** How long a browser has for a ceremony, and how long a challenge is valid. Milliseconds. */
export const ceremonyMs = 5 * 60_000;

export interface RelyingParty {
  readonly id: string;
  readonly userVerification: "required" | "preferred";
  /** The origin of our page that asks; undefined if an application asks, on any page of its own. */
  readonly page: string | undefined;
}

/** Whether the pool lets users sign in with passkeys. */
export function offersPasskeys({ document }: Pick<Pool, "document">): boolean {
  return document.Policies?.SignInPolicy?.AllowedFirstAuthFactors?.includes("WEB_AUTHN") === true;
}

/**
 * The relying party of a pool: the configured one, else the pool's domain ("WebAuthnConfigurationType", Amazon Cognito
 * API Reference), else the server's own name. Throws WebAuthnConfigurationMissingException if that is not a domain
 * name, or if no page of this origin could use it.
 * @param page the origin of our page that asks
 */
export async function relyingParty(
  ctx: Ctx,
  pool: Pick<Pool, "id" | "document">,
  page?: string,
): Promise<RelyingParty> {
  const party = await findRelyingParty(ctx, pool, page);
  return party ?? refuseFor("passkeysWithoutDomain");
}

/** The relying party of a pool; undefined if there is none. @param page the origin of our page that asks */
export async function findRelyingParty(
  ctx: Ctx,
  pool: Pick<Pool, "id" | "document">,
  page?: string,
): Promise<RelyingParty | undefined> {
  const { RelyingPartyId, UserVerification } = pool.document.WebAuthnConfiguration ?? {};
  const id = RelyingPartyId ?? (await ownName(ctx, pool, page));
  if (/^[\d.]+$|:/.test(id) || (page !== undefined && !isOnDomain(page, id))) return undefined;
  return { id, userVerification: UserVerification ?? "preferred", page };
}

/**
 * The server's own name for pages of the main host, which are on no domain of the pool: they create and use passkeys of
 * the main host.
 */
async function ownName(ctx: Ctx, pool: Pick<Pool, "id">, page: string | undefined): Promise<string> {
  const { hostname } = new URL(ctx.config.publicUrl);
  if (page !== undefined && new URL(page).hostname === hostname) return hostname;
  const base = await domainBase(ctx, pool);
  return base === undefined ? hostname : new URL(base).hostname;
}

/** The options with which a browser creates a passkey. */
export async function creationOptions(
  ctx: Ctx,
  pool: Pick<Pool, "name">,
  user: User,
  party: RelyingParty,
  existing: readonly Passkey[],
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const name = user.attributes["email"] ?? user.attributes["phone_number"] ?? user.username;
  const { generateRegistrationOptions } = await library();
  return generateRegistrationOptions({
    rpName: pool.name,
    rpID: party.id,
    userID: Uint8Array.from(utf8(user.id)),
    userName: name,
    userDisplayName: user.attributes["name"] ?? name,
    challenge: Uint8Array.from(ctx.random(32)),
    timeout: ceremonyMs,
    attestationType: "none",
    excludeCredentials: existing.map(({ id }) => ({ id })),
    authenticatorSelection: { residentKey: "required", userVerification: party.userVerification },
  });
}

/** The options with which a browser signs in. Without a list of passkeys the browser offers those it has. */
export async function requestOptions(
  ctx: Ctx,
  party: RelyingParty,
  passkeys: readonly Passkey[],
  { challenge = ctx.random(32), timeout = ceremonyMs }: { challenge?: Uint8Array; timeout?: number } = {},
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await library();
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: Uint8Array.from(challenge),
    timeout,
    allowCredentials: passkeys.map(({ id, transports }) => ({ id, transports: [...transports] as never })),
    userVerification: party.userVerification,
  });
}

/** The parts of a browser's response that are needed before it is verified. */
export interface Ceremony<Response> {
  readonly response: Response;
  readonly challenge: string;
  readonly origin: string;
}

export function readCeremony<Response>(
  credential: unknown,
  type: "webauthn.create" | "webauthn.get",
): Ceremony<Response> | undefined {
  try {
    const { id, response } = credential as { id: unknown; response: { clientDataJSON: string } };
    const data = JSON.parse(fromBase64url(response.clientDataJSON)!.toString("utf8"));
    const { challenge, origin } = data as Record<string, unknown>;
    const complete = [id, challenge, origin].every((value) => typeof value === "string");
    // Other ids belong to nobody, and PostgreSQL does not accept U+0000.
    if (!complete || data.type !== type || !/^[\w-]+$/.test(id as string)) return undefined;
    return { response: credential as Response, challenge: challenge as string, origin: origin as string };
  } catch {
    return undefined;
  }
}

/**
 * Whether the relying party accepts what was signed on a page of this origin: if one of our pages asked, only that
 * page's.
 */
export function isOriginOf(origin: string, { id, page }: RelyingParty): boolean {
  return page === undefined ? isOnDomain(origin, id) : origin === page;
}

/**
 * Whether browsers let pages of this origin use the relying party (Web Authentication, section 5.1.2): https on its
 * domain or below, and http on the machine itself.
 */
function isOnDomain(origin: string, rpId: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { origin: parsed, hostname, protocol } = new URL(origin);
  const isWithin = hostname === rpId || hostname.endsWith(`.${rpId}`);
  const isThisMachine = hostname.endsWith(".localhost") || listensOnLoopback({ host: hostname });
  return parsed === origin && isWithin && (protocol === "https:" || (protocol === "http:" && isThisMachine));
}

/** Verifies the response to a creation. Returns the new passkey; undefined if it is not valid. */
export async function verifyCreation(
  user: User,
  party: RelyingParty,
  ceremony: Ceremony<RegistrationResponseJSON>,
  now: number,
): Promise<Passkey | undefined> {
  const { response, challenge, origin } = ceremony;
  const { verifyRegistrationResponse } = await library();
  const result = await verifyRegistrationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: party.id,
    requireUserVerification: party.userVerification === "required",
  }).catch(() => undefined);
  if (result?.verified !== true) return undefined;
  const { credential, aaguid, credentialDeviceType, credentialBackedUp } = result.registrationInfo;
  return {
    poolId: user.poolId,
    id: credential.id,
    userId: user.id,
    relyingPartyId: party.id,
    name: authenticatorName(aaguid),
    publicKey: credential.publicKey,
    counter: credential.counter,
    transports: credential.transports ?? [],
    attachment: response.authenticatorAttachment,
    deviceType: credentialDeviceType,
    backedUp: credentialBackedUp,
    createdAt: now,
  };
}

export interface PasskeyUse {
  readonly counter: number;
  readonly backedUp: boolean;
  readonly userVerified: boolean;
}

/** Verifies a passkey's signature; undefined if it is not valid. */
export async function verifyUse(
  passkey: Passkey,
  party: RelyingParty,
  ceremony: Ceremony<AuthenticationResponseJSON>,
): Promise<PasskeyUse | undefined> {
  const { verifyAuthenticationResponse } = await library();
  const result = await verifyAuthenticationResponse({
    response: ceremony.response,
    expectedChallenge: ceremony.challenge,
    expectedOrigin: ceremony.origin,
    expectedRPID: party.id,
    credential: {
      id: passkey.id,
      publicKey: Uint8Array.from(passkey.publicKey),
      counter: passkey.counter,
    },
    requireUserVerification: party.userVerification === "required",
  }).catch(() => undefined);
  if (result?.verified !== true) return undefined;
  const { newCounter, credentialBackedUp, userVerified } = result.authenticationInfo;
  return { counter: newCounter, backedUp: credentialBackedUp, userVerified };
}

/** The id of the user whom a passkey identifies by itself, as text; undefined if it identifies nobody. */
export function userIdIn({ response }: AuthenticationResponseJSON): string | undefined {
  const { userHandle } = response;
  return typeof userHandle === "string" ? fromBase64url(userHandle)?.toString("utf8") : undefined;
}

/** Whether the user handle of a discoverable credential, if the authenticator returned it, is the user's. */
export function isHandleOf(user: Pick<User, "id">, response: AuthenticationResponseJSON): boolean {
  const { userHandle } = response.response;
  return userHandle === undefined || userHandle === "" || userHandle === toBase64url(utf8(user.id));
}
