/** Identities: what applications ask for, and what administrators see. */

import type { Ctx } from "../../../app.ts";
import { noteTarget } from "../../../domain/audit/call.ts";
import { credentialsFor, openIdTokenFor } from "../../../domain/identities/credentials.ts";
import { identityOf, newGuest, noSuchIdentity } from "../../../domain/identities/find-identity.ts";
import { verifyLogins } from "../../../domain/identities/logins.ts";
import { removeLogins } from "../../../domain/identities/unlink.ts";
import { findPoolOfIdentity, loadIdentityPool } from "../../../domain/identity-pools/load-identity-pool.ts";
import { deleteIdentity, listIdentities, loginsOf, readIdentity } from "../../../store/identities.ts";
import type {
  IdentityDescription,
  UnprocessedIdentityId,
} from "../../../wire/generated/identity-pools.types.ts";
import { epochSeconds, type IdentityHandler } from "../operation.ts";
import { pageBinding, readPage } from "../paging.ts";

export const GetId: IdentityHandler<"GetId"> = async (ctx, input) => {
  const pool = await loadIdentityPool(ctx, input.IdentityPoolId);
  const logins = await verifyLogins(ctx, pool, input.Logins ?? {});
  return { IdentityId: await (logins.length === 0 ? newGuest(ctx, pool) : identityOf(ctx, pool, logins)) };
};

const poolOf = async (ctx: Ctx, identityId: string) =>
  (await findPoolOfIdentity(ctx, identityId)) ?? noSuchIdentity(identityId);

export const GetCredentialsForIdentity: IdentityHandler<"GetCredentialsForIdentity"> = async (ctx, input) => {
  const { identityId, credentials } = await credentialsFor(ctx, await poolOf(ctx, input.IdentityId), {
    identityId: input.IdentityId,
    logins: input.Logins ?? {},
    wanted: input.CustomRoleArn,
  });
  return {
    IdentityId: identityId,
    Credentials: {
      AccessKeyId: credentials.accessKeyId,
      SecretKey: credentials.secretAccessKey,
      SessionToken: credentials.sessionToken,
      Expiration: epochSeconds(credentials.expiresAt),
    },
  };
};

export const GetOpenIdToken: IdentityHandler<"GetOpenIdToken"> = async (ctx, input) => {
  const pool = await poolOf(ctx, input.IdentityId);
  const { identityId, token } = await openIdTokenFor(ctx, pool, input.IdentityId, input.Logins ?? {});
  return { IdentityId: identityId, Token: token };
};

export const UnlinkIdentity: IdentityHandler<"UnlinkIdentity"> = async (ctx, input) => {
  const pool = await poolOf(ctx, input.IdentityId);
  await removeLogins(ctx, pool, {
    identityId: input.IdentityId,
    logins: input.Logins,
    names: input.LoginsToRemove,
  });
  return {};
};

export const DescribeIdentity: IdentityHandler<"DescribeIdentity"> = async (ctx, { IdentityId }) => {
  const pool = await poolOf(ctx, IdentityId);
  const row = (await readIdentity(ctx.db, pool.id, IdentityId)) ?? noSuchIdentity(IdentityId);
  const logins = await loginsOf(ctx.db, pool.id, IdentityId);
  return described(
    row,
    logins.map(({ provider }) => provider),
  );
};

export const ListIdentities: IdentityHandler<"ListIdentities"> = async (ctx, input) => {
  const { id } = await loadIdentityPool(ctx, input.IdentityPoolId);
  const { MaxResults: limit, HideDisabled: hideDisabled = false } = input;
  const { items, nextToken } = await readPage(
    ctx,
    { binding: pageBinding("ListIdentities", id, limit, hideDisabled), token: input.NextToken, limit },
    (page) => listIdentities(ctx.db, id, { ...page, hideDisabled }),
    (row) => row.id,
  );
  return {
    IdentityPoolId: id,
    Identities: items.map((row) => described(row, row.providers)),
    NextToken: nextToken,
  };
};

/** Identities that do not exist are deleted already. */
export const DeleteIdentities: IdentityHandler<"DeleteIdentities"> = async (ctx, input) => {
  const unprocessed: UnprocessedIdentityId[] = [];
  for (const IdentityId of new Set(input.IdentityIdsToDelete)) {
    try {
      const pool = await findPoolOfIdentity(ctx, IdentityId);
      if (pool === undefined) continue;
      if (ctx.audited?.poolId === undefined) noteTarget(ctx, { poolId: pool.id });
      await deleteIdentity(ctx.db, { poolId: pool.id, id: IdentityId });
    } catch (error) {
      ctx.log.error({ err: error, identity: IdentityId }, "deleting an identity failed");
      unprocessed.push({ IdentityId, ErrorCode: "InternalServerError" });
    }
  }
  return { UnprocessedIdentityIds: unprocessed };
};

function described(
  row: { readonly id: string; readonly createdAt: number; readonly updatedAt: number },
  providers: readonly string[],
): IdentityDescription {
  return {
    IdentityId: row.id,
    Logins: providers.length === 0 ? undefined : [...new Set(providers)],
    CreationDate: epochSeconds(row.createdAt),
    LastModifiedDate: epochSeconds(row.updatedAt),
  };
}
