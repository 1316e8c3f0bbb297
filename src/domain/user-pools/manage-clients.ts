/** Creates and changes app clients and their secrets. */
import type { Ctx } from "../../app.ts";
import { firstVersion, lowerCaseAndDigits, randomText } from "../../lib/random.ts";
import { deleteClient } from "../../store/client-removal.ts";
import {
  type ClientSecretRow,
  deleteSecret,
  insertClient,
  insertSecret,
  readSecrets,
  updateClient,
} from "../../store/clients.ts";
import { type Db, inTransaction, isUniqueViolation } from "../../store/db.ts";
import { NameRetired } from "../../store/retired-names.ts";
import { allClients } from "../../store/ui-customizations.ts";
import type {
  CreateUserPoolClientRequest,
  UpdateUserPoolClientRequest,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { checkProviders } from "./client-providers.ts";
import { clientSettings } from "./client-settings.ts";
import { keptClientSettings } from "./kept-settings.ts";
import {
  type Client,
  forgetClient,
  isClientId,
  loadPool,
  loadPoolClient,
  noSuchPool,
  poolArn,
} from "./load-pool.ts";
import { existingScopes } from "./resource-servers.ts";
import { authorizeReuse } from "./retired.ts";

const MOST_ATTEMPTS = 10;
/** "Supports up to 2 active secrets per app client" (AddUserPoolClientSecret). */
const MOST_SECRETS = 2;

/** Creates a client under the id that its name sets, or under a new one. */
export async function createClient(ctx: Ctx, request: CreateUserPoolClientRequest): Promise<Client> {
  const pool = await loadPool(ctx, request.UserPoolId);
  if (request.GenerateSecret === true && request.ClientSecret !== undefined)
    refuse("InvalidParameterException", "GenerateSecret and ClientSecret can not be given together.");
  await checkProviders(ctx, pool.id, request.SupportedIdentityProviders);
  const secret = request.ClientSecret ?? (request.GenerateSecret === true ? newSecret(ctx) : undefined);
  const document = clientSettings(pool, request, {
    doing: "creating",
    hasSecret: secret !== undefined,
    scopes: await existingScopes(ctx, pool, request.AllowedOAuthScopes ?? []),
  });
  const pinned = pinnedClientId(request.ClientName);
  if (pinned !== undefined) await ctx.authorize("PinClientId", poolArn(ctx.config, pool.id));
  let reuse = false;
  const created = { createdAt: ctx.now, updatedAt: ctx.now };
  for (let attempt = 1; ; attempt++) {
    const id = pinned ?? randomText(ctx.random, lowerCaseAndDigits, 26);
    const row = {
      poolId: pool.id,
      name: request.ClientName,
      document,
      version: firstVersion(ctx.random),
      ...created,
    };
    try {
      const first = secret === undefined ? undefined : secretRow(id, secret, ctx.now);
      noteTarget(ctx, { target: id });
      const options = { reuse, chosen: pinned !== undefined };
      if (!(await insertClient(ctx.db, { ...row, clientId: id }, first, options))) noSuchPool(pool.id);
      return { ...row, id, secrets: secret === undefined ? [] : [secret] };
    } catch (error) {
      if (error instanceof NameRetired) {
        await authorizeReuse(ctx, error, pool.id);
        reuse = true;
        continue;
      }
      if (!isUniqueViolation(error) || attempt === 3) throw error;
      if (pinned !== undefined)
        refuse("InvalidParameterException", `User pool client ${pinned} already exists.`);
    }
  }
}

/**
 * The client id in a name of the form `_custom_id_:<id>` (as in other emulators), if any; the name is kept as given.
 */
export function pinnedClientId(name: string): string | undefined {
  const prefix = "_custom_id_:";
  if (!name.startsWith(prefix)) return undefined;
  const id = name.slice(prefix.length);
  if (!isClientId(id))
    refuse(
      "InvalidParameterException",
      `The client id ${id} must be 1 to 128 letters, digits, underscores and plus signs.`,
    );
  // SetUICustomization uses this id.
  if (id === allClients) refuse("InvalidParameterException", `The client id ${id} stands for all clients.`);
  return id;
}

interface Named {
  readonly name: string;
}

/** What people know an application by: the client's name, or the pool's if the client's only sets its id. */
export function applicationName(pool: Named, client: Named | undefined): string {
  return client === undefined || pinnedClientId(client.name) !== undefined ? pool.name : client.name;
}

function newSecret(ctx: Ctx): string {
  return randomText(ctx.random, lowerCaseAndDigits, 51);
}

/**
 * A new secret's row. "This identifier follows the format <client-id>--<epoch-timestamp>"; the model allows 128
 * characters.
 */
function secretRow(clientId: string, secret: string, createdAt: number): ClientSecretRow {
  return { secretId: `${clientId.slice(0, 113)}--${createdAt}`, secret, createdAt };
}

/** UpdateUserPoolClient: omitted.ts lists the omitted settings that are kept; so are the secrets. */
export async function updateClientSettings(ctx: Ctx, request: UpdateUserPoolClientRequest): Promise<Client> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const { pool, client } = await loadPoolClient(ctx, request.UserPoolId, request.ClientId);
    if (attempt === 1) await checkProviders(ctx, pool.id, request.SupportedIdentityProviders);
    const settings = keptClientSettings(client, request);
    const document = clientSettings(pool, settings, {
      doing: "updating",
      hasSecret: client.secrets.length > 0,
      scopes: await existingScopes(ctx, pool, settings.AllowedOAuthScopes ?? []),
    });
    const next = { name: settings.ClientName, document };
    if (await updateClient(ctx.db, { ...rowKey(client), now: ctx.now, ...next }))
      return { ...client, ...next, version: client.version + 1, updatedAt: ctx.now };
  }
  return refuse(
    "ConcurrentModificationException",
    "The user pool client was changed by another request at the same time. Please try again.",
  );
}

export async function removeClient(ctx: Ctx, poolId: string, clientId: string): Promise<void> {
  const { client } = await loadPoolClient(ctx, poolId, clientId);
  await deleteClient(ctx.db, poolId, client.id, ctx.now);
  forgetClient(ctx, clientId);
}

/** Adds a secret, either the caller's own or a new one. */
export async function addSecret(
  ctx: Ctx,
  request: { UserPoolId: string; ClientId: string; ClientSecret?: string | undefined },
): Promise<ClientSecretRow> {
  const secret = request.ClientSecret ?? newSecret(ctx);
  return changeSecrets(ctx, request.UserPoolId, request.ClientId, (client, secrets) => {
    const newest = secrets.at(-1);
    if (newest === undefined)
      refuse("InvalidParameterException", `User pool client ${client.id} is not configured with a secret.`);
    if (secrets.length >= MOST_SECRETS)
      refuse("LimitExceededException", `Client secrets cannot exceed limit of ${MOST_SECRETS} secrets.`);
    // Ids contain the time, so no two secrets may have the same.
    const row = secretRow(client.id, secret, Math.max(ctx.now, newest.createdAt + 1));
    return { result: row, write: (tx) => insertSecret(tx, client.poolId, client.id, row) };
  });
}

/** "You cannot delete the last remaining secret for an app client" (DeleteUserPoolClientSecret). */
export async function removeSecret(
  ctx: Ctx,
  request: { UserPoolId: string; ClientId: string; ClientSecretId: string },
): Promise<void> {
  const { ClientSecretId } = request;
  await changeSecrets(ctx, request.UserPoolId, request.ClientId, (client, secrets) => {
    if (!secrets.some(({ secretId }) => secretId === ClientSecretId))
      refuse("ResourceNotFoundException", `Client secret ${ClientSecretId} does not exist.`);
    if (secrets.length === 1)
      refuse("InvalidParameterException", "The last client secret of a client cannot be deleted.");
    return {
      result: undefined,
      write: async (tx) => void (await deleteSecret(tx, client.poolId, client.id, ClientSecretId)),
    };
  });
}

/**
 * Changes a client's secrets. They are cached with the client's version, so it is incremented in the same transaction,
 * which also ensures that the secrets have not changed since they were read.
 */
async function changeSecrets<T>(
  ctx: Ctx,
  poolId: string,
  clientId: string,
  change: (
    client: Client,
    secrets: readonly ClientSecretRow[],
  ) => { result: T; write: (tx: Db) => Promise<void> },
): Promise<T> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const { client } = await loadPoolClient(ctx, poolId, clientId);
    const { result, write } = change(client, await readSecrets(ctx.db, poolId, clientId));
    const { name, document } = client;
    const done = await inTransaction(ctx.db, async (tx) => {
      const isFirst = await updateClient(tx, { ...rowKey(client), name, document, now: ctx.now });
      if (isFirst) await write(tx);
      return isFirst;
    });
    if (done) return result;
  }
  return refuse(
    "TooManyRequestsException",
    "The user pool client was changed by another request at the same time. Please try again.",
  );
}

function rowKey(client: Client): { poolId: string; clientId: string; version: number } {
  return { poolId: client.poolId, clientId: client.id, version: client.version };
}
