/** User pools: settings, schema and MFA configuration. */
import type { Ctx } from "../../../app.ts";
import { createPool } from "../../../domain/user-pools/create-pool.ts";
import { shownDomains } from "../../../domain/user-pools/domains.ts";
import { loadPool, type Pool, poolArn } from "../../../domain/user-pools/load-pool.ts";
import { shownPool } from "../../../domain/user-pools/shown.ts";
import {
  addAttributes,
  removePool,
  setMfaConfig,
  updatePoolSettings,
} from "../../../domain/user-pools/update-pool.ts";
import { countUsers } from "../../../store/count-users.ts";
import { listPools } from "../../../store/user-pools.ts";
import type {
  GetUserPoolMfaConfigResponse,
  UserPoolDescriptionType,
  UserPoolType,
} from "../../../wire/generated/user-pools.types.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, readPage } from "../paging.ts";

export const CreateUserPool: Handler<"CreateUserPool"> = async (ctx, input) => {
  const pool = await createPool(ctx, input);
  return { UserPool: userPoolType(ctx, pool, 0) };
};

export const DescribeUserPool: Handler<"DescribeUserPool"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const described = userPoolType(ctx, pool, await countUsers(ctx.db, pool.id));
  return { UserPool: { ...described, ...(await shownDomains(ctx, pool.id)) } };
};

export const UpdateUserPool: Handler<"UpdateUserPool"> = async (ctx, input) => {
  await updatePoolSettings(ctx, input);
  return {};
};

export const DeleteUserPool: Handler<"DeleteUserPool"> = async (ctx, input) => {
  await removePool(ctx, input.UserPoolId);
  return {};
};

export const ListUserPools: Handler<"ListUserPools"> = async (ctx, input) => {
  const { items, nextToken } = await readPage(
    ctx,
    {
      binding: pageBinding("ListUserPools", input.MaxResults),
      token: input.NextToken,
      limit: input.MaxResults,
    },
    (page) => listPools(ctx.db, page),
    (pool) => pool.poolId,
  );
  const describe = (pool: (typeof items)[number]): UserPoolDescriptionType => ({
    Id: pool.poolId,
    Name: pool.name,
    LambdaConfig: (pool.document as Pool["document"]).LambdaConfig ?? {},
    LastModifiedDate: epochSeconds(pool.updatedAt),
    CreationDate: epochSeconds(pool.createdAt),
  });
  return { UserPools: items.map(describe), NextToken: nextToken };
};

export const AddCustomAttributes: Handler<"AddCustomAttributes"> = async (ctx, input) => {
  await addAttributes(ctx, input.UserPoolId, input.CustomAttributes);
  return {};
};

export const GetUserPoolMfaConfig: Handler<"GetUserPoolMfaConfig"> = async (ctx, input) =>
  mfaConfig(await loadPool(ctx, input.UserPoolId));

export const SetUserPoolMfaConfig: Handler<"SetUserPoolMfaConfig"> = async (ctx, input) =>
  mfaConfig(await setMfaConfig(ctx, input));

function userPoolType(ctx: Ctx, pool: Pool, users: number): UserPoolType {
  // MFA factors and sessions have their own operations and are not members of this shape.
  const {
    SmsMfaConfiguration: _sms,
    SoftwareTokenMfaConfiguration: _totp,
    EmailMfaConfiguration: _email,
    WebAuthnConfiguration: _passkeys,
    UserSessionTracking: _tracking,
    TokenSession: _tokenSession,
    ...settings
  } = shownPool(pool.document);
  return {
    ...settings,
    Id: pool.id,
    Name: pool.name,
    Arn: poolArn(ctx.config, pool.id),
    CreationDate: epochSeconds(pool.createdAt),
    LastModifiedDate: epochSeconds(pool.updatedAt),
    EstimatedNumberOfUsers: users,
  };
}

function mfaConfig({ document }: Pool): GetUserPoolMfaConfigResponse {
  return {
    SmsMfaConfiguration: document.SmsMfaConfiguration,
    SoftwareTokenMfaConfiguration: document.SoftwareTokenMfaConfiguration,
    EmailMfaConfiguration: document.EmailMfaConfiguration,
    MfaConfiguration: document.MfaConfiguration ?? "OFF",
    WebAuthnConfiguration: document.WebAuthnConfiguration,
  };
}
