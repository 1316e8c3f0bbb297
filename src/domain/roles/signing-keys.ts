/**
 * Keys that verify signatures of calls to other services than ours. Whoever has one can verify, and make, signatures of its
 * access key for one day, region and service; the secret access key cannot be found from it ("Create a signed AWS API
 * request", IAM User Guide).
 */
import type { Ctx } from "../../app.ts";
import { deriveSigningKey, type KeyScope } from "../../lib/sigv4-canonical.ts";
import { refuse } from "../../wire/refuse.ts";
import { findAccessKey, principalOf } from "../iam/access-keys.ts";
import type { Principal } from "../iam/principal.ts";
import { openSession } from "./session-credentials.ts";
import { principalOfSession } from "./session-principal.ts";

/** The services of which this server itself takes signed calls. Nobody else gets a key that signs those. */
export const ownServices: readonly string[] = [
  "cognito-idp",
  "cognito-identity",
  "iam",
  "kms",
  "lambda",
  "poolhouse",
  "sts",
];

/** How long a key may be used before it is asked for again, and with it whether its credentials still count. Seconds. */
export const cacheSeconds = 60;

/** Which key is asked for. */
export interface KeyRequest extends KeyScope {
  readonly accessKeyId: string;
  readonly securityToken: string | undefined;
}

export interface FoundKey {
  readonly signingKey: Buffer;
  readonly principal: Principal;
  /** Epoch milliseconds; undefined for an access key. */
  readonly expiresAt: number | undefined;
}

/** Refuses what no key is given for, whoever asks. */
export function checkKeyScope(ctx: Pick<Ctx, "now">, { date, region, service }: KeyScope): void {
  const name = /^[a-z0-9][a-z0-9-]{0,62}$/;
  if (!name.test(service)) invalid("Service must be the name of a service, in lower case.");
  if (ownServices.includes(service)) invalid(`Calls of ${service} are verified by this server alone.`);
  if (!name.test(region)) invalid("Region must be the name of a region.");
  if (!daysAround(ctx.now).includes(date))
    invalid("Date must be a day from yesterday to tomorrow, YYYYMMDD.");
}

const invalid = (message: string): never => refuse("InvalidParameterException", message);

const day = 86_400_000;

/** Yesterday, today and tomorrow in UTC, `YYYYMMDD`. */
const daysAround = (now: number): string[] =>
  [now - day, now, now + day].map((at) => new Date(at).toISOString().slice(0, 10).replaceAll("-", ""));

/**
 * The key of credentials that count. Throws one and the same ResourceNotFoundException for all that do not: an unknown or
 * disabled access key, a session that has expired or was revoked, a session token of another access key.
 */
export async function findSigningKey(
  ctx: Ctx,
  { accessKeyId, securityToken, ...scope }: KeyRequest,
): Promise<FoundKey> {
  if (securityToken === undefined) {
    const key = (await findAccessKey(ctx, accessKeyId)) ?? unknown("no such access key, or not active");
    return {
      signingKey: deriveSigningKey(key.secret, scope),
      principal: principalOf(ctx, key),
      expiresAt: undefined,
    };
  }
  const opened = openSession(ctx, accessKeyId, securityToken);
  if (typeof opened === "string") return unknown(`the session token is ${opened}`);
  const { session, secretAccessKey } = opened;
  const principal = await principalOfSession(ctx, accessKeyId, session);
  if (principal === undefined) return unknown("what the session was issued for counts no more");
  return {
    signingKey: deriveSigningKey(secretAccessKey, scope),
    principal,
    expiresAt: session.facts.expiresAt,
  };
}

const unknown = (detail: string): never =>
  refuse("ResourceNotFoundException", "There are no such credentials.", detail);
