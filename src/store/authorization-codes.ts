/**
 * Authorization codes (RFC 6749 section 4.1.2). A row count decides that a code is used only once; used codes are kept,
 * so that their reuse is recognized.
 */

import type { Db } from "./db.ts";
import { lookup, preparedWrite, slots } from "./prepared.ts";
import type { AuthorizationCodesTable } from "./schema/schema-tokens.ts";

export interface AuthorizationCode<Grant> {
  readonly poolId: string;
  /** SHA-256 of the code, base64url. */
  readonly hash: string;
  readonly clientId: string;
  readonly userId: string;
  /** What the authorization request asked for and was granted. */
  readonly grant: Grant;
  readonly methods: readonly string[];
  /** The user's sign-out count and credential version at issue: the code is exchanged only while both are unchanged. */
  readonly signOuts: number;
  readonly credentialVersion: number;
  /** When the user authenticated, here or at the identity provider. Epoch milliseconds. */
  readonly authTime: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The family of the tokens issued for it; empty if it was used up without any; undefined while unused. */
  readonly familyId: string | undefined;
  /** The tracked browser session that it was issued in. */
  readonly sessionId: string | undefined;
  /** The browser session that it was issued in; undefined if an earlier version of the program issued it. */
  readonly browserHash: string | undefined;
}

export const codeColumns = [
  "pool_id",
  "code_hash",
  "client_id",
  "user_id",
  "grant_json",
  "methods",
  "sign_outs",
  "credential_version",
  "auth_time",
  "created_at",
  "expires_at",
  "family_id",
  "session_id",
  "browser_hash",
] as const satisfies readonly (keyof AuthorizationCodesTable)[];

const insertQuery = preparedWrite<AuthorizationCodesTable>((kysely, slot) =>
  kysely.insertInto("authorization_codes").values(slots(slot, codeColumns)),
);

/** Adds a code. */
export async function insertCode<Grant>(db: Db, code: AuthorizationCode<Grant>): Promise<void> {
  await insertQuery(db, {
    pool_id: code.poolId,
    code_hash: code.hash,
    client_id: code.clientId,
    user_id: code.userId,
    grant_json: JSON.stringify(code.grant),
    methods: JSON.stringify(code.methods),
    sign_outs: code.signOuts,
    credential_version: code.credentialVersion,
    auth_time: code.authTime,
    created_at: code.createdAt,
    expires_at: code.expiresAt,
    family_id: code.familyId ?? null,
    session_id: code.sessionId ?? null,
    browser_hash: code.browserHash ?? null,
  });
}

const readQuery = lookup<{ poolId: string; hash: string }, AuthorizationCodesTable>((kysely, slot) =>
  kysely
    .selectFrom("authorization_codes")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("code_hash", "=", slot("hash")),
);

/** A code by its hash, also one that is used or has expired. */
export async function readCode<Grant>(
  db: Db,
  poolId: string,
  hash: string,
): Promise<AuthorizationCode<Grant> | undefined> {
  const [row] = await readQuery(db, { poolId, hash });
  return row && codeFromRow<Grant>(row);
}

export function codeFromRow<Grant>(row: AuthorizationCodesTable): AuthorizationCode<Grant> {
  return {
    poolId: row.pool_id,
    hash: row.code_hash,
    clientId: row.client_id,
    userId: row.user_id,
    grant: JSON.parse(row.grant_json) as Grant,
    methods: JSON.parse(row.methods),
    signOuts: row.sign_outs,
    credentialVersion: row.credential_version,
    authTime: row.auth_time,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    familyId: row.family_id ?? undefined,
    sessionId: row.session_id ?? undefined,
    browserHash: row.browser_hash ?? undefined,
  };
}

const useQuery = preparedWrite<{ poolId: string; hash: string; familyId: string; now: number }>(
  (kysely, slot) =>
    kysely
      .updateTable("authorization_codes")
      .set({ family_id: slot("familyId") })
      .where("pool_id", "=", slot("poolId"))
      .where("code_hash", "=", slot("hash"))
      .where("family_id", "is", null)
      .where("expires_at", ">", slot("now"))
      .where((where) =>
        where.or([
          where("browser_hash", "is", null),
          where.exists(
            where
              .selectFrom("browser_sessions")
              .select("session_hash")
              .whereRef("browser_sessions.pool_id", "=", "authorization_codes.pool_id")
              .whereRef("browser_sessions.browser_hash", "=", "authorization_codes.browser_hash")
              .whereRef("browser_sessions.user_id", "=", "authorization_codes.user_id"),
          ),
        ]),
      ),
);

/**
 * Uses a code up, for a token family or for none. Returns false if it was used before, has expired, or the browser
 * session that it was issued in has ended.
 */
export async function useCode(
  db: Db,
  code: { readonly poolId: string; readonly hash: string },
  use: { readonly familyId: string | undefined; readonly now: number },
): Promise<boolean> {
  const { poolId, hash } = code;
  return (await useQuery(db, { poolId, hash, familyId: use.familyId ?? "", now: use.now })) === 1;
}

const deleteUnusedQuery = preparedWrite<{ poolId: string; userId: string; sessionId: string }>(
  (kysely, slot) =>
    kysely
      .deleteFrom("authorization_codes")
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId"))
      .where("session_id", "=", slot("sessionId"))
      .where("family_id", "is", null),
);

/**
 * Deletes the unused codes of a tracked session. Waits for codes that are just being used, so that later statements of
 * the transaction see their tokens.
 */
export async function deleteUnusedCodes(
  tx: Db,
  { poolId, userId }: { readonly poolId: string; readonly userId: string },
  sessionId: string,
): Promise<void> {
  await deleteUnusedQuery(tx, { poolId, userId, sessionId });
}
