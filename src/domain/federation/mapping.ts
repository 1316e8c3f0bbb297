/**
 * What a provider says of a user, as attributes of the pool ("Mapping IdP attributes to profiles and tokens", Amazon
 * Cognito Developer Guide). Pure.
 */
import { refuse } from "../../wire/refuse.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { isMutable, requiredAttributes } from "../user-pools/schema.ts";
import { verifiedAttributes } from "../user-pools/standard-attributes.ts";
import {
  type Attributes,
  assertWritable,
  changeAttributes,
  contactAttributes,
  firstAttributes,
} from "../users/attributes.ts";
import type { Provider } from "./provider.ts";

export type ProviderClaims = Readonly<Record<string, unknown>>;

type Mapping = Pick<Provider, "type" | "mapping">;

/** The key of the mapping that stands for the username, which is always made of the provider's own id of the user. */
const username = "username";

/**
 * The attributes that the claims map to. A claim that is missing or empty maps to nothing. Throws InvalidParameterException for one
 * that no attribute can hold.
 */
export function mapClaims({ type, mapping }: Mapping, claims: ProviderClaims): Record<string, string> {
  const mapped: Record<string, string> = {};
  for (const [attribute, claim] of Object.entries(mapping)) {
    const text = attribute === username ? undefined : claimText(type, own(claims, claim));
    if (text?.includes("\0")) refuse("InvalidParameterException", `${attribute} contains U+0000.`);
    if (text !== undefined) mapped[attribute] = text;
  }
  // It vouches for the address that came with it, and for no other.
  for (const contact of contactAttributes)
    if (mapped[contact] === undefined) delete mapped[`${contact}_verified`];
  return mapped;
}

const own = (claims: ProviderClaims, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined;

/** A claim's value as text; undefined if there is none. Throws InvalidParameterException. */
function claimText(type: Provider["type"], value: unknown): string | undefined {
  try {
    return textIn(type, value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse("InvalidParameterException", "A claim of the identity provider is nested too deep.");
  }
}

function textIn(type: Provider["type"], value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return typeof value === "object" ? JSON.stringify(value) : String(value);
  const texts = value.flatMap((one) => textIn(type, one) ?? []);
  if (texts.length === 0) return undefined;
  if (type === "SAML") return texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return `[${texts.map(formEncoded).join(",")}]`;
}

/** "URL-form-encodes values that contain non-alphanumeric characters except for `.`, `-`, `*`, and `_`". */
const formEncoded = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);

/**
 * The e-mail address that the provider has verified; undefined if there is none. `email_verified` speaks of the claim `email`
 * (OpenID Connect Core 1.0 section 5.1), and of another claim only if the mapping says so.
 * @param claim the claim that has the address
 */
export function verifiedEmail(
  { type, mapping }: Mapping,
  claims: ProviderClaims,
  claim = mapping["email"] ?? "email",
): string | undefined {
  const isMapped = claim === mapping["email"];
  const verifiedBy =
    (isMapped ? mapping["email_verified"] : undefined) ?? (claim === "email" ? "email_verified" : undefined);
  const verified = verifiedBy === undefined ? undefined : claimText(type, own(claims, verifiedBy));
  return verified?.toLowerCase() === "true" ? claimText(type, own(claims, claim)) : undefined;
}

/** The attributes of a user who comes for the first time. Throws a refusal that says what is wrong with them. */
export function newAttributes(pool: Pool, client: Client, mapped: Attributes): Attributes {
  assertMayWrite(pool, client, mapped);
  const missing = requiredAttributes(pool).filter((name) => mapped[name] === undefined);
  if (missing.length > 0) refuse("InvalidParameterException", `attributes required: [${missing.join(", ")}]`);
  const attributes: Record<string, string> = { ...firstAttributes(pool, mapped, { required: false }) };
  for (const contact of contactAttributes)
    if (attributes[contact] !== undefined) attributes[`${contact}_verified`] ??= "false";
  return attributes;
}

/**
 * The attributes of a user who comes again. An address that stays the same stays verified, if it is; a new one is
 * unverified unless the provider says otherwise. Throws a refusal that says what is wrong with them.
 */
export function refreshedAttributes(
  pool: Pool,
  client: Client,
  before: Attributes,
  mapped: Attributes,
): Attributes {
  assertMayWrite(pool, client, mapped);
  const changed = Object.entries(mapped).filter(
    ([name, value]) => before[name] !== value || isMutable(pool, name),
  );
  return changeAttributes(pool, before, Object.fromEntries(changed));
}

/** Whether an address is verified is the provider's to say, not the client's. */
function assertMayWrite(pool: Pool, client: Client, mapped: Attributes): void {
  assertWritable(
    pool,
    client,
    Object.keys(mapped).filter((name) => !verifiedAttributes.has(name)),
  );
}
