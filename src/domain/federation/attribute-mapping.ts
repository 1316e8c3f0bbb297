/**
 * AttributeMapping: attribute of the pool -> claim of the provider ("Mapping IdP attributes to profiles and tokens",
 * Amazon Cognito Developer Guide). Pure.
 */
import type { ProviderType } from "../../store/identity-providers.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { schemaAttribute } from "../user-pools/schema.ts";
import { internalAttributes } from "../user-pools/standard-attributes.ts";

/** The claim that names a user at the provider. SAML has NameID instead, which is none of the attributes. */
const subjectClaims: Readonly<Record<ProviderType, string | undefined>> = {
  OIDC: "sub",
  Google: "sub",
  Facebook: "id",
  LoginWithAmazon: "user_id",
  SignInWithApple: "sub",
  SAML: undefined,
};

/** The longest name of a claim. */
const longestClaim = 2048;

/**
 * The mapping as it is stored: with `username`, which is always the provider's own id of the user. Throws
 * InvalidParameterException.
 */
export function checkMapping(
  pool: Pick<Pool, "document">,
  type: ProviderType,
  given: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const subject = subjectClaims[type];
  const { username = subject, ...attributes } = given;
  const wrong = Object.entries(attributes)
    .filter(
      ([name, claim]) =>
        schemaAttribute(pool, name) === undefined ||
        internalAttributes.has(name) ||
        claim === "" ||
        claim.length > longestClaim,
    )
    .map(([name]) => name);
  if (wrong.length > 0) invalid(wrong);
  if (username !== subject)
    invalid(
      ["username"],
      subject === undefined
        ? " Users of SAML providers are named by their NameID."
        : ` It must be mapped to ${subject}.`,
    );
  return subject === undefined ? attributes : { ...attributes, username: subject };
}

function invalid(names: readonly string[], why = ""): never {
  const shown = names.slice(0, 20).join(", ");
  return refuse(
    "InvalidParameterException",
    `AttributeMapping contains invalid mapping: [${shown}]${why && `.${why}`}`,
  );
}
