/**
 * What the Describe operations show of stored settings, where that is more than was stored: defaults of members that
 * nobody set, and lists in Cognito's order. The settings themselves stay as they were given.
 */
import type { SchemaAttributeType } from "../../wire/generated/user-pools.types.ts";
import type { ClientDocument, PoolDocument } from "./load-pool.ts";

/** Cognito's order of the standard attributes; custom attributes follow in the order in which they were added. */
const schemaOrder = [
  "profile",
  "address",
  "birthdate",
  "gender",
  "preferred_username",
  "updated_at",
  "website",
  "picture",
  "identities",
  "sub",
  "phone_number",
  "phone_number_verified",
  "zoneinfo",
  "locale",
  "email",
  "email_verified",
  "given_name",
  "family_name",
  "middle_name",
  "name",
  "nickname",
];

function place({ Name = "" }: SchemaAttributeType): number {
  const index = schemaOrder.indexOf(Name);
  return index < 0 ? schemaOrder.length : index;
}

export function shownPool(document: PoolDocument): PoolDocument {
  return {
    ...document,
    SchemaAttributes: document.SchemaAttributes?.toSorted((a, b) => place(a) - place(b)),
    UserAttributeUpdateSettings: document.UserAttributeUpdateSettings ?? {
      AttributesRequireVerificationBeforeUpdate: [],
    },
    KeyConfiguration: { KeyType: "AWS_OWNED_KEY", ...document.KeyConfiguration },
    IssuerConfiguration: document.IssuerConfiguration ?? { Type: "ORIGINAL" },
  };
}

export function shownClient(document: ClientDocument): ClientDocument {
  return {
    ...document,
    TokenValidityUnits: document.TokenValidityUnits ?? {},
    CallbackURLs: document.CallbackURLs?.toSorted(),
    LogoutURLs: document.LogoutURLs?.toSorted(),
    AllowedOAuthFlows: document.AllowedOAuthFlows?.toSorted(),
    AllowedOAuthScopes: document.AllowedOAuthScopes?.toSorted(),
    ExplicitAuthFlows: document.ExplicitAuthFlows?.toSorted(),
    ReadAttributes: document.ReadAttributes?.toSorted(),
    WriteAttributes: document.WriteAttributes?.toSorted(),
  };
}

/** The scopes of a resource server, sorted by name. */
export function shownScopes<Scope extends { readonly name: string }>(scopes: readonly Scope[]): Scope[] {
  return scopes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
