/**
 * Creates pools. This decides what can never change afterwards: the id, names, case sensitivity and standard
 * attributes.
 */
import type { Ctx } from "../../app.ts";
import { firstVersion, lettersAndDigits, randomText } from "../../lib/random.ts";
import { isUniqueViolation } from "../../store/db.ts";
import { NameRetired } from "../../store/retired-names.ts";
import { insertPool } from "../../store/user-pools.ts";
import type {
  AccountRecoverySettingType,
  CreateUserPoolRequest,
  DcrConfigurationType,
  SchemaAttributeType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { newSchema } from "./define-schema.ts";
import { checkFactors, noFactors, smsIsMissing } from "./factor-rules.ts";
import { type Pool, type PoolDocument, poolArn } from "./load-pool.ts";
import { authorizeSettings } from "./permissions.ts";
import { poolSettings } from "./pool-settings.ts";
import { pinnedPoolId } from "./tags.ts";

/** Creates a pool under the id that its tags set, or under a new one. Throws InvalidParameterException. */
export async function createPool(ctx: Ctx, request: CreateUserPoolRequest): Promise<Pool> {
  const document = newDocument(request, ctx.config.region);
  const pinned = pinnedPoolId(document.UserPoolTags ?? {});
  await authorizeSettings(ctx, pinned, {}, document);
  let reuse = false;
  for (let attempt = 1; ; attempt++) {
    const pool: Pool = {
      id: pinned ?? `${ctx.config.region}_${randomText(ctx.random, lettersAndDigits, 9)}`,
      version: firstVersion(ctx.random),
      name: request.PoolName,
      document,
      fakeSecret: ctx.random(32),
      createdAt: ctx.now,
      updatedAt: ctx.now,
    };
    try {
      noteTarget(ctx, { poolId: pool.id });
      await insertPool(ctx.db, { poolId: pool.id, ...pool }, { reuse });
      return pool;
    } catch (error) {
      if (error instanceof NameRetired && pinned !== undefined) {
        await ctx.authorize("ReuseUserPoolId", poolArn(ctx.config, pinned));
        reuse = true;
        continue;
      }
      if (!isUniqueViolation(error) || attempt === 3) throw error;
      if (pinned !== undefined) refuse("InvalidParameterException", `User pool ${pinned} already exists.`);
    }
  }
}

/** The checked document of a new pool, in the shape of DescribeUserPool. */
export function newDocument(request: CreateUserPoolRequest, region: string): PoolDocument {
  const { AliasAttributes: aliases, UsernameAttributes: usernames } = request;
  if (aliases?.length && usernames?.length)
    refuse(
      "InvalidParameterException",
      "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
    );
  const SchemaAttributes = newSchema(request.Schema ?? []);
  checkPreferredUsername(aliases ?? [], SchemaAttributes);
  const settings = poolSettings(request, { region, factors: noFactors });
  const document: PoolDocument = {
    ...settings,
    AccountRecoverySetting: settings.AccountRecoverySetting ?? defaultRecovery,
    SchemaAttributes,
    AliasAttributes: aliases?.length ? [...new Set(aliases)] : undefined,
    UsernameAttributes: usernames?.length ? [...new Set(usernames)] : undefined,
    UsernameConfiguration: request.UsernameConfiguration,
    DcrConfiguration: dcrConfiguration(request.DcrConfiguration),
  };
  checkFactors(document, { withoutFactor: smsIsMissing });
  return document;
}

/** What new pools recover passwords by, unless the request says so. Pools from before are shown without. */
const defaultRecovery: AccountRecoverySettingType = {
  RecoveryMechanisms: [
    { Name: "verified_email", Priority: 1 },
    { Name: "verified_phone_number", Priority: 2 },
  ],
};

/** Refuses preferred_username as a required attribute if it is an alias, since SignUp does not accept it then. */
function checkPreferredUsername(aliases: readonly string[], schema: readonly SchemaAttributeType[]): void {
  const required = schema.some(({ Name, Required }) => Name === "preferred_username" && Required === true);
  if (required && aliases.includes("preferred_username"))
    refuse(
      "InvalidParameterException",
      "preferred_username can not be a required attribute when it is an alias of the user pool.",
    );
}

/**
 * DcrConfiguration with its defaults: "Members that you omit revert to their default values, and an omitted
 * EnableStatus turns [it] on."
 */
export function dcrConfiguration(given: DcrConfigurationType | undefined): DcrConfigurationType | undefined {
  if (given === undefined) return undefined;
  return {
    EnableStatus: given.EnableStatus ?? "Enabled",
    OpenDcrEnabled: given.OpenDcrEnabled ?? false,
    AuthenticatedGrantTypes: given.AuthenticatedGrantTypes ?? ["code", "client_credentials"],
    OpenDcrGrantTypes: given.OpenDcrGrantTypes ?? ["code"],
    AllowedScopes: given.AllowedScopes,
  };
}
