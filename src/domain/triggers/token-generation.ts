/**
 * PreTokenGeneration: a function changes the claims of tokens before they are signed ("Pre token generation Lambda
 * trigger", Amazon Cognito Developer Guide). V1_0 changes ID tokens, V2_0 access tokens as well, and V3_0 also those
 * that clients get for themselves.
 */
import type { User } from "../../store/users.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type Answered, type Form, isObject, membersOf, unrecognizable } from "./answer.ts";
import { type FiringCtx, fire } from "./fire.ts";
import { hasTrigger, type Metadata, type TokenSource } from "./trigger.ts";
import { given, userAttributes } from "./user-event.ts";

/** The groups and roles that tokens name. */
export interface GroupClaims {
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly preferredRole: string | undefined;
}

/** Changes of one token's claims. Claims that protect a token are among them too: whoever applies them leaves these. */
export interface ClaimChanges {
  readonly add: Readonly<Record<string, unknown>>;
  readonly suppress: readonly string[];
}

/** What a function wants changed. */
export interface TokenChanges {
  readonly id: ClaimChanges;
  readonly access: ClaimChanges;
  readonly addScopes: readonly string[];
  readonly suppressScopes: readonly string[];
  /** The groups in place of the user's own; undefined to leave those. */
  readonly groups: GroupClaims | undefined;
}

/** Why tokens are generated. */
export interface TokenOccasion {
  readonly source: TokenSource;
  /** ClientMetadata of RespondToAuthChallenge. */
  readonly clientMetadata?: Metadata | undefined;
}

type Version = "V1_0" | "V2_0" | "V3_0";

const versionOf = ({ document }: Pool): Version =>
  document.LambdaConfig?.PreTokenGenerationConfig?.LambdaVersion ?? "V1_0";

const eventVersions = { V1_0: "1", V2_0: "2", V3_0: "3" } as const;

/** The member of an answer that holds the changes. */
const members = {
  V1_0: "claimsOverrideDetails",
  V2_0: "claimsAndScopeOverrideDetails",
  V3_0: "claimsAndScopeOverrideDetails",
} as const;

/** Fires PreTokenGeneration for a user's tokens; undefined if nothing is to be changed. Throws as `fire` does. */
export async function preTokenGeneration(
  ctx: FiringCtx,
  about: {
    readonly pool: Pool;
    readonly client: Client;
    readonly user: User;
    readonly groups: () => GroupClaims;
    readonly scopes: readonly string[];
    readonly occasion: TokenOccasion;
  },
): Promise<TokenChanges | undefined> {
  const { pool, client, user, scopes, occasion } = about;
  if (!hasTrigger(pool, "PreTokenGeneration")) return undefined;
  const groups = about.groups();
  return ask(ctx, pool, {
    source: occasion.source,
    userName: user.username,
    clientId: client.id,
    request: {
      userAttributes: userAttributes(pool, user),
      groupConfiguration: {
        groupsToOverride: groups.groups,
        iamRolesToOverride: groups.roles,
        preferredRole: groups.preferredRole ?? null,
      },
      ...given("clientMetadata", occasion.clientMetadata),
    },
    scopes,
  });
}

/**
 * Fires PreTokenGeneration for a client's own access token, if it is of version V3_0; undefined if nothing is to be
 * changed. Throws as `fire` does.
 */
export async function preClientTokenGeneration(
  ctx: FiringCtx,
  pool: Pool,
  client: Client,
  scopes: readonly string[],
): Promise<TokenChanges | undefined> {
  if (!hasTrigger(pool, "PreTokenGeneration") || versionOf(pool) !== "V3_0") return undefined;
  const source = "TokenGeneration_ClientCredentials";
  const request = { userAttributes: {}, groupConfiguration: null };
  return ask(ctx, pool, { source, userName: client.id, clientId: client.id, request, scopes });
}

async function ask(
  ctx: FiringCtx,
  pool: Pool,
  asked: {
    readonly source: TokenSource;
    readonly userName: string;
    readonly clientId: string;
    readonly request: Readonly<Record<string, unknown>>;
    readonly scopes: readonly string[];
  },
): Promise<TokenChanges | undefined> {
  const { scopes, request, ...event } = asked;
  const version = versionOf(pool);
  const member = members[version];
  const form: Form = { [member]: "object" };
  const answer = await fire(ctx, pool, "PreTokenGeneration", {
    ...event,
    request: () => (version === "V1_0" ? request : { ...request, scopes }),
    form,
    version: eventVersions[version],
  });
  const details = answer?.[member] as Readonly<Record<string, unknown>> | undefined;
  if (details === undefined) return undefined;
  return version === "V1_0" ? firstVersion(details) : laterVersion(details);
}

const refused = (): never =>
  unrecognizable("PreTokenGeneration: a member is of another type than documented");

const noChanges: ClaimChanges = { add: {}, suppress: [] };

/** `claimsOverrideDetails`: claims of ID tokens, which are text. */
function firstVersion(details: Readonly<Record<string, unknown>>): TokenChanges {
  const form = { claimsToAddOrOverride: "map", claimsToSuppress: "texts" } as const;
  return {
    id: changesOf(membersOf(form, details, refused)),
    access: noChanges,
    addScopes: [],
    suppressScopes: [],
    groups: groupsOf(details),
  };
}

/** `claimsAndScopeOverrideDetails`: claims of both tokens, which may be any JSON, and scopes. */
function laterVersion(details: Readonly<Record<string, unknown>>): TokenChanges {
  const parts = { idTokenGeneration: "object", accessTokenGeneration: "object" } as const;
  const { idTokenGeneration, accessTokenGeneration } = membersOf(parts, details, refused);
  const claims = { claimsToAddOrOverride: "object", claimsToSuppress: "texts" } as const;
  const scopes = { scopesToAdd: "texts", scopesToSuppress: "texts" } as const;
  const { scopesToAdd = [], scopesToSuppress = [] } = membersOf(scopes, accessTokenGeneration ?? {}, refused);
  return {
    id: changesOf(membersOf(claims, idTokenGeneration ?? {}, refused)),
    access: changesOf(membersOf(claims, accessTokenGeneration ?? {}, refused)),
    addScopes: scopesToAdd,
    suppressScopes: scopesToSuppress,
    groups: groupsOf(details),
  };
}

function changesOf({
  claimsToAddOrOverride: add = {},
  claimsToSuppress: suppress = [],
}: Answered<{ claimsToAddOrOverride: "object"; claimsToSuppress: "texts" }>): ClaimChanges {
  return { add, suppress };
}

/** "If you pass an empty or null object, Amazon Cognito suppresses the groups"; without the member they stay. */
function groupsOf(details: Readonly<Record<string, unknown>>): GroupClaims | undefined {
  if (!Object.hasOwn(details, "groupOverrideDetails")) return undefined;
  const stated = details["groupOverrideDetails"] ?? {};
  if (!isObject(stated)) return refused();
  const form = { groupsToOverride: "texts", iamRolesToOverride: "texts", preferredRole: "text" } as const;
  const { groupsToOverride, iamRolesToOverride, preferredRole } = membersOf(form, stated, refused);
  return { groups: groupsToOverride ?? [], roles: iamRolesToOverride ?? [], preferredRole };
}
