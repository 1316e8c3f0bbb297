/**
 * Changes pools. Every change reads the document, makes the next one, and writes it only if it has not changed in the
 * meantime; otherwise it starts over, a few times.
 */
import type { Ctx } from "../../app.ts";
import { listDomains } from "../../store/domains.ts";
import { deletePool } from "../../store/pool-removal.ts";
import { updatePool } from "../../store/user-pools.ts";
import type {
  SchemaAttributeType,
  SetUserPoolMfaConfigRequest,
  SetUserPoolSessionConfigurationRequest,
  UpdateUserPoolRequest,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { dcrConfiguration } from "./create-pool.ts";
import { addCustomAttributes } from "./define-schema.ts";
import { checkFactors, mfaFactors, noFactors } from "./factor-rules.ts";
import { keptPoolSettings } from "./kept-settings.ts";
import { forgetPool, loadPool, type Pool, type PoolDocument } from "./load-pool.ts";
import { withMfaConfig } from "./mfa-config.ts";
import { authorizeSettings } from "./permissions.ts";
import { poolSettings } from "./pool-settings.ts";
import { withSessionConfiguration } from "./session-settings.ts";
import { checkTags, type Tags } from "./tags.ts";

const MOST_ATTEMPTS = 10;

/** The error after too many concurrent updates; operations that declare no conflict use TooManyRequestsException. */
type Conflict = "ConcurrentModificationException" | "TooManyRequestsException";

async function changePool(
  ctx: Ctx,
  poolId: string,
  conflict: Conflict,
  change: (pool: Pool) => { name?: string | undefined; document: PoolDocument },
): Promise<Pool> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const pool = await loadPool(ctx, poolId);
    const next = { name: pool.name, ...withoutUndefined(change(pool)) };
    await authorizeSettings(ctx, poolId, pool.document, next.document);
    if (await updatePool(ctx.db, { poolId, version: pool.version, now: ctx.now, ...next }))
      return { ...pool, ...next, version: pool.version + 1, updatedAt: ctx.now };
  }
  return refuse(conflict, "The user pool was changed by another request at the same time. Please try again.");
}

function withoutUndefined<T extends { name?: string | undefined; document: PoolDocument }>(change: T) {
  const { name, document } = change;
  return name === undefined ? { document } : { name, document };
}

/** UpdateUserPool; see `updatedDocument`. */
export async function updatePoolSettings(ctx: Ctx, request: UpdateUserPoolRequest): Promise<void> {
  await changePool(ctx, request.UserPoolId, "ConcurrentModificationException", (pool) => ({
    name: request.PoolName,
    document: updatedDocument(pool.document, request, ctx.config.region),
  }));
}

/**
 * The document after UpdateUserPool. What the operation cannot set is kept (schema, names, case sensitivity, passkeys),
 * as are MFA factors, unless it turns MFA off.
 */
export function updatedDocument(
  existing: PoolDocument,
  request: UpdateUserPoolRequest,
  region: string,
): PoolDocument {
  const settings = keptPoolSettings(existing, request);
  const factors = request.MfaConfiguration === "OFF" ? noFactors : mfaFactors(existing);
  const document = {
    ...existing,
    ...poolSettings(settings, { region, factors, existing }),
    DcrConfiguration: dcrConfiguration(settings.DcrConfiguration),
  };
  checkFactors(document, {
    before: existing,
    withoutFactor: "Cannot turn MFA functionality ON, once the user pool has been created.",
  });
  return document;
}

/** Adds attributes to the schema. Throws InvalidParameterException. */
export async function addAttributes(
  ctx: Ctx,
  poolId: string,
  attributes: readonly SchemaAttributeType[],
): Promise<void> {
  await changePool(ctx, poolId, "TooManyRequestsException", ({ document }) => ({
    document: {
      ...document,
      SchemaAttributes: addCustomAttributes(document.SchemaAttributes ?? [], attributes),
    },
  }));
}

/** SetUserPoolMfaConfig; returns the changed pool. */
export function setMfaConfig(ctx: Ctx, request: SetUserPoolMfaConfigRequest): Promise<Pool> {
  return changePool(ctx, request.UserPoolId, "ConcurrentModificationException", ({ document }) => ({
    document: withMfaConfig(document, request, ctx.config.region),
  }));
}

/** SetUserPoolSessionConfiguration; returns the changed pool. Throws InvalidParameterException. */
export function setSessions(ctx: Ctx, request: SetUserPoolSessionConfigurationRequest): Promise<Pool> {
  return changePool(ctx, request.UserPoolId, "ConcurrentModificationException", ({ document }) => ({
    document: withSessionConfiguration(document, request),
  }));
}

/** Adds tags, replacing those with the same keys. Throws InvalidParameterException. */
export async function addTags(ctx: Ctx, poolId: string, tags: Tags): Promise<void> {
  await changePool(ctx, poolId, "TooManyRequestsException", ({ document }) => {
    const UserPoolTags = { ...document.UserPoolTags, ...tags };
    checkTags(UserPoolTags);
    return { document: { ...document, UserPoolTags } };
  });
}

export async function removeTags(ctx: Ctx, poolId: string, keys: readonly string[]): Promise<void> {
  await changePool(ctx, poolId, "TooManyRequestsException", ({ document }) => {
    const kept = Object.entries(document.UserPoolTags ?? {}).filter(([key]) => !keys.includes(key));
    return { document: { ...document, UserPoolTags: Object.fromEntries(kept) } };
  });
}

/** DeleteUserPool. A protected pool cannot be deleted ("You must deactivate this feature"), nor one with a domain. */
export async function removePool(ctx: Ctx, poolId: string): Promise<void> {
  const pool = await loadPool(ctx, poolId);
  if (pool.document.DeletionProtection === "ACTIVE")
    refuse(
      "InvalidParameterException",
      "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.",
    );
  // A domain created in between is deleted with the pool: store/user-pools.ts.
  if ((await listDomains(ctx.db, poolId)).length > 0)
    refuse(
      "InvalidParameterException",
      "User pool cannot be deleted. It has a domain configured that should be deleted first.",
    );
  await deletePool(ctx.db, poolId, ctx.now);
  forgetPool(ctx, poolId);
}
