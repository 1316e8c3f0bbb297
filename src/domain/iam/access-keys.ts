/** iam: who calls as an administrator, and what they may do. This file creates and finds access keys. */
import { createSecretKey, type KeyObject } from "node:crypto";
import type { App, Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { OperatorError } from "../../lib/operator-error.ts";
import { lettersAndDigits, randomText, upperCaseBase32 } from "../../lib/random.ts";
import { deriveSigningKey, type KeyScope } from "../../lib/sigv4-canonical.ts";
import type { SigningKey } from "../../lib/sigv4-check.ts";
import { isStorable } from "../../lib/text.ts";
import { evaluateAll, keysAsked, type Policy, parsePolicy, type Verdict } from "../../policy/policy.ts";
import {
  type AccessKey,
  insertAccessKey,
  listAccessKeys,
  readAccessKey,
  readAccessKeyStatus,
  replaceAccessKeys,
  type StoredAccessKey,
  setAccessKeyPolicy,
} from "../../store/access-keys.ts";
import { refuse } from "../../wire/refuse.ts";
import { recorded } from "../audit/command.ts";
import { contextOf, type PolicyRequest } from "./condition-keys.ts";
import { checkPolicy } from "./policy-check.ts";
import type { Principal } from "./principal.ts";

export interface CreatedKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Predefined policies; `keys create --policy <name>`. */
export const namedPolicies = {
  admin: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
  readonly:
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cognito-idp:Describe*","cognito-idp:Get*",' +
    '"cognito-idp:List*","cognito-idp:AdminGet*","cognito-idp:AdminList*"],"Resource":"*"}]}',
} as const;

/** Creates a key under a name. Throws an Error if the policy has mistakes (policy-check.ts). */
export async function createAccessKey(
  app: Pick<App, "config" | "db" | "random" | "clock">,
  principal: string,
  policy: string,
): Promise<CreatedKey> {
  checkPolicy(policy, app.config);
  const made = makeKey(app);
  const inserted = await insertAccessKey(app.db, active(app, made, principal, policy));
  if (!inserted) throw new OperatorError("There is a root access key already.");
  return made;
}

/** Replaces the policy of a key. Returns false if there is no such key. Throws an Error if the policy has mistakes. */
export async function changePolicy(
  { config, db }: Pick<App, "config" | "db">,
  accessKeyId: string,
  policy: string,
): Promise<boolean> {
  checkPolicy(policy, config);
  return setAccessKeyPolicy(db, accessKeyId, policy);
}

function makeKey({ random }: Pick<App, "random">): CreatedKey {
  return {
    accessKeyId: `AKIA${randomText(random, upperCaseBase32, 16)}`,
    secretAccessKey: randomText(random, lettersAndDigits, 40),
  };
}

function active(app: Pick<App, "clock">, key: CreatedKey, principal: string, policy: string): AccessKey {
  return {
    id: key.accessKeyId,
    principal,
    secret: key.secretAccessKey,
    policy,
    status: "Active",
    createdAt: app.clock(),
  };
}

/** Keeps a created key for the operator before it is stored. If it throws, the key is not stored. */
export type BeforeStored = (key: CreatedKey) => void;

/**
 * Creates a new root key if the former one was lost: the former one is refused from now on. If a root key is configured
 * (POOLHOUSE_ROOT_ACCESS_KEY_ID), it becomes the root key instead.
 */
export async function resetRootKey(
  app: Pick<App, "db" | "random" | "clock">,
  configured: CreatedKey | undefined,
  beforeStored?: BeforeStored,
): Promise<CreatedKey> {
  const key = configured ?? makeKey(app);
  if (configured === undefined) beforeStored?.(key);
  await replaceAccessKeys(app.db, active(app, key, "root", namedPolicies.admin));
  return key;
}

/**
 * Makes sure that there is a root key: the configured one, or one created at the first start. Returns a key only if
 * this call created it, so that it is shown once.
 */
export async function ensureRootKey(
  app: Pick<App, "db" | "random" | "clock">,
  configured: CreatedKey | undefined,
  beforeStored?: BeforeStored,
): Promise<CreatedKey | undefined> {
  const keys = await listAccessKeys(app.db);
  const root = keys.find((key) => key.principal === "root");
  if (configured !== undefined) {
    await acceptConfiguredRoot(app, configured, root?.id);
    return undefined;
  }
  if (root !== undefined) return undefined;
  const key = makeKey(app);
  beforeStored?.(key);
  // Two servers may start at once: the unique index lets one insert, and the other then finds the key.
  return (await insertRootKey(app, key)) ? key : undefined;
}

/** Adds the root key. Returns false if there already is one, or the id is taken. */
function insertRootKey(app: Pick<App, "db" | "random" | "clock">, key: CreatedKey): Promise<boolean> {
  return recorded(
    app,
    "system",
    (tx) => insertAccessKey(tx, active(app, key, "root", namedPolicies.admin)),
    () => ({ operation: "CreateAccessKey", target: key.accessKeyId, details: { principal: "root" } }),
  );
}

async function acceptConfiguredRoot(
  app: Pick<App, "db" | "random" | "clock">,
  configured: CreatedKey,
  rootId: string | undefined,
): Promise<void> {
  if (rootId === undefined && (await insertRootKey(app, configured))) return;
  const stored = await readAccessKey(app.db, configured.accessKeyId);
  if (stored?.secret !== configured.secretAccessKey) {
    throw new OperatorError(
      "POOLHOUSE_ROOT_ACCESS_KEY_ID and POOLHOUSE_ROOT_SECRET_ACCESS_KEY are not the root key of this database. " +
        "Leave them out, or put them in its place with `poolhouse keys reset-root`.",
    );
  }
}

/** The active key with this id. */
export async function findAccessKey(ctx: Ctx, accessKeyId: string): Promise<StoredAccessKey | undefined> {
  if (!isStorable(accessKeyId)) return undefined;
  const key = await readAccessKey(ctx.db, accessKeyId);
  return key?.status === "Active" ? key : undefined;
}

/** Derived keys, by what they are derived from. */
const signingKeys = new CacheKind<KeyObject>(1_000);

/** The key with which an access key signs for a day, a region and a service: those of a day are derived once. */
export function signingKeyOf(
  { app }: Pick<Ctx, "app">,
  key: StoredAccessKey,
  { date, region, service }: KeyScope,
): SigningKey {
  const scope = { date, region, service };
  const derived = app.caches.obtain(signingKeys, `${date}/${region}/${service}/${key.sealedSecret}`, () =>
    createSecretKey(deriveSigningKey(key.secret, scope)),
  );
  return { ...scope, key: derived };
}

/** Whether there is an active key with this id; that the caller names it proves nothing. */
export async function isAccessKey(ctx: Ctx, accessKeyId: string): Promise<boolean> {
  return isStorable(accessKeyId) && (await readAccessKeyStatus(ctx.db, accessKeyId)) === "Active";
}

/** The account of an access key, whether or not it is active. Throws ValidationException if there is none. */
export async function accountOfKey(ctx: Ctx, accessKeyId: string): Promise<string> {
  const status = isStorable(accessKeyId) ? await readAccessKeyStatus(ctx.db, accessKeyId) : undefined;
  return status === undefined
    ? refuse("ValidationException", "There is no such access key.")
    : ctx.config.accountId;
}

export function principalOf(ctx: Ctx, key: Pick<AccessKey, "id" | "principal" | "policy">): Principal {
  const name = key.principal === "root" ? "root" : `user/${key.principal}`;
  const arn = `arn:aws:iam::${ctx.config.accountId}:${name}`;
  return { accessKeyId: key.id, name: key.principal, arn, policies: [key.policy] };
}

/** Policies by their text, compiled. */
const compiledPolicies = new CacheKind<Policy>(200);

const compiled = ({ app }: Ctx, text: string): Policy =>
  app.caches.obtain(compiledPolicies, text, () => parsePolicy(text));

/** Decides whether the principal's policies allow the call: that of its key or role, and those of its session. */
export async function decide(ctx: Ctx, principal: Principal, request: PolicyRequest): Promise<Verdict> {
  const identity = principal.policies.map((text) => compiled(ctx, text));
  const session = principal.session?.policies?.map((text) => compiled(ctx, text));
  const asked = keysAsked([...identity, ...(session ?? [])], request.action);
  const context = await contextOf(ctx, principal, request, asked);
  const { action, resource } = request;
  return evaluateAll({ identity, session }, { action, resource, context });
}
