/**
 * THE table of ProviderDetails: which members each type of provider has, what they may contain, which ones are secret,
 * and what DescribeIdentityProvider adds (CreateIdentityProvider, Amazon Cognito User Pools API Reference). Pure.
 *
 * Of the social types the endpoints are read-only in AWS; here they can be given, to aim a provider at another server.
 */
import { suggestion } from "../../lib/closest.ts";
import type { ProviderType } from "../../store/identity-providers.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { facebookVersion, type SocialType, socialEndpoints } from "./social-endpoints.ts";

/**
 * What a member may contain. `secret` is text that is stored sealed; `hidden` is also never returned. `derived` is
 * found out by the server: given values are ignored, since programs send back what they read.
 */
type Kind =
  | "text"
  | "secret"
  | "hidden"
  | "endpoint"
  | "flag"
  | "method"
  | "version"
  | "algorithm"
  | "derived";

type Details = Readonly<Record<string, string>>;

interface Rules {
  readonly members: Readonly<Record<string, Kind>>;
  readonly required: readonly string[];
  /** Cognito's sentence if a required member is missing. */
  readonly sentence: string;
  /** What is added if it is not given. */
  readonly defaults: (given: Details) => Details;
}

const endpoints = {
  authorize_url: "endpoint",
  token_url: "endpoint",
  attributes_url: "endpoint",
  jwks_uri: "endpoint",
  oidc_issuer: "endpoint",
  attributes_url_add_attributes: "flag",
} as const;

const ofApplication = { client_id: "text", client_secret: "secret", authorize_scopes: "text" } as const;

const social = {
  members: { ...ofApplication, ...endpoints, token_request_method: "method" },
  required: ["client_id", "client_secret", "authorize_scopes"],
  sentence: "clientId, clientSecret and authorizeScopes are all required idp details.",
} as const;

/** What DescribeIdentityProvider adds for a social provider. */
const shownEndpoints =
  (type: SocialType, token_request_method: "GET" | "POST") =>
  (given: Details): Details => {
    const { jwks_uri: _, ...shown } = socialEndpoints[type](given);
    return { ...shown, token_request_method };
  };

const rules: Readonly<Record<ProviderType, Rules>> = {
  Google: {
    ...social,
    defaults: shownEndpoints("Google", "POST"),
  },
  Facebook: {
    ...social,
    members: { ...social.members, api_version: "version" },
    defaults: shownEndpoints("Facebook", "GET"),
  },
  LoginWithAmazon: {
    ...social,
    defaults: shownEndpoints("LoginWithAmazon", "POST"),
  },
  SignInWithApple: {
    members: {
      client_id: "text",
      team_id: "text",
      key_id: "text",
      private_key: "hidden",
      authorize_scopes: "text",
      ...endpoints,
      token_request_method: "method",
    },
    required: ["client_id", "private_key", "team_id", "key_id"],
    sentence: "clientId, privateKey, teamId, and keyId are all required idp details.",
    defaults: shownEndpoints("SignInWithApple", "POST"),
  },
  OIDC: {
    members: {
      ...ofApplication,
      ...endpoints,
      attributes_request_method: "method",
      IDPSignout: "flag",
    },
    required: ["client_id", "authorize_scopes", "oidc_issuer", "attributes_request_method"],
    sentence:
      "clientId, authorizeScopes, oidcIssuer and attributesRequestMethod are all required idp details.",
    defaults: () => ({ attributes_url_add_attributes: "false" }),
  },
  SAML: {
    members: {
      MetadataURL: "endpoint",
      MetadataFile: "text",
      MetadataSigningCertificate: "text",
      IDPSignout: "flag",
      IDPInit: "flag",
      EncryptedResponses: "flag",
      RequestSigningAlgorithm: "algorithm",
      ActiveEncryptionCertificate: "derived",
      SSORedirectBindingURI: "derived",
      SLORedirectBindingURI: "derived",
    },
    required: [],
    sentence: "",
    defaults: () => ({}),
  },
};

/** The endpoints of OpenID providers that are discovered unless all of them are given. */
export const discovered = {
  authorize_url: "authorization_endpoint",
  token_url: "token_endpoint",
  attributes_url: "userinfo_endpoint",
  jwks_uri: "jwks_uri",
} as const;

/**
 * The given details, checked, without members that the server derives. Throws InvalidParameterException.
 * @param checkEndpoint throws if a URL is not acceptable
 */
export function checkDetails(
  type: ProviderType,
  given: Details,
  checkEndpoint: (member: string, url: string) => void,
): Details {
  const { members, required, sentence } = rules[type];
  for (const member of Object.keys(given)) {
    if (!Object.hasOwn(members, member))
      refuse(
        "InvalidParameterException",
        `ProviderDetails of type ${type} has no member ${member}.${suggestion(member, Object.keys(members))}`,
      );
  }
  if (required.some((member) => !given[member])) refuse("InvalidParameterException", sentence);
  if (type === "SAML") checkSource(given);
  const kept = Object.entries(given).filter(([member]) => members[member] !== "derived");
  for (const [member, value] of kept) checkMember(member, members[member]!, value, checkEndpoint);
  return Object.fromEntries(kept);
}

/** Metadata comes from one place. */
function checkSource({ MetadataURL, MetadataFile }: Details): void {
  if (!MetadataURL && !MetadataFile)
    refuse(
      "InvalidParameterException",
      "At least one of the MetadataURL or MetadataFile should be provided.",
    );
  if (MetadataURL && MetadataFile)
    refuse("InvalidParameterException", "Only one of the MetadataURL or MetadataFile should be provided.");
}

/** The values of members that have a few. */
const choices: Partial<Readonly<Record<Kind, readonly string[]>>> = {
  flag: ["true", "false"],
  method: ["POST", "GET"],
  algorithm: ["rsa-sha256"],
};

function checkMember(
  member: string,
  kind: Kind,
  value: string,
  checkEndpoint: (member: string, url: string) => void,
): void {
  const values = choices[kind];
  if (values !== undefined && !values.includes(value)) refuseValue(member, value, values);
  if (kind === "version" && !/^v\d{1,3}\.\d{1,3}$/.test(value))
    refuse("InvalidParameterException", `${member} must be a version such as ${facebookVersion}.`);
  // An empty MetadataURL beside a MetadataFile is none.
  if (kind === "endpoint" && !(member === "MetadataURL" && value === "")) checkEndpoint(member, value);
}

function refuseValue(member: string, value: string, values: readonly string[]): never {
  const path = member.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (start) => start.toLowerCase());
  const name = path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return refuseFor("inputMalformed", {
    violations:
      `1 validation error detected: Value '${value.slice(0, 256)}' at '${name}' failed to satisfy constraint: ` +
      `Member must satisfy enum value set: [${values.join(", ")}]`,
    names: [member],
  });
}

/** The members of checked details in two parts: what may be read in the database, and what is sealed there. */
export function splitDetails(
  type: ProviderType,
  details: Details,
): { readonly open: Details; readonly secrets: Details } {
  const isSecret = ([member]: [string, string]) =>
    ["secret", "hidden"].includes(rules[type].members[member] ?? "text");
  const all = Object.entries(details);
  return {
    open: Object.fromEntries(all.filter((one) => !isSecret(one))),
    secrets: Object.fromEntries(all.filter(isSecret)),
  };
}

/** The details together with what is added where nothing is given. */
export function withDefaults(type: ProviderType, details: Details): Details {
  return { ...rules[type].defaults(details), ...details };
}

/** The members that are never returned, which an update therefore keeps if they are omitted. */
export function hiddenMembers(type: ProviderType): string[] {
  const { members } = rules[type];
  return Object.keys(members).filter((member) => members[member] === "hidden");
}

/** The details as DescribeIdentityProvider returns them. */
export function shownDetails(type: ProviderType, details: Details): Record<string, string> {
  const hidden = hiddenMembers(type);
  return Object.fromEntries(Object.entries(details).filter(([member]) => !hidden.includes(member)));
}
