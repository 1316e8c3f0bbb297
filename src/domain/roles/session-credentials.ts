/**
 * Temporary credentials ("Temporary security credentials in IAM", IAM User Guide). Nothing of them is stored: the session
 * token is sealed and says everything, and the secret access key is derived from it. Every server of an installation
 * accepts them. They end when they expire, when their role is deleted or its sessions are revoked, and with their
 * identity pool.
 */
import type { Ctx } from "../../app.ts";
import { fromBase64, toBase64, utf8 } from "../../lib/bytes.ts";
import { CacheKind } from "../../lib/caches.ts";
import { randomText, upperCaseBase32 } from "../../lib/random.ts";
import { open, SealError, seal } from "../../lib/seal.ts";

/** What credentials were issued for. */
export interface SessionFacts {
  /** The ARN of the role. */
  readonly roleArn: string;
  readonly roleName: string;
  /** The id that the role had; undefined if nobody has defined it, and the credentials may do nothing. */
  readonly roleId?: string | undefined;
  /** The name of the session. */
  readonly name: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  /** Epoch milliseconds, whole seconds. */
  readonly expiresAt: number;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The keys of the tags that sessions which are begun with these credentials inherit. */
  readonly transitiveTags?: readonly string[] | undefined;
  readonly sourceIdentity?: string | undefined;
  /** Session policies, JSON; undefined if there are none, which restricts nothing. */
  readonly policies?: readonly string[] | undefined;
  /** The provider that the user signed in with. */
  readonly federatedProvider?: string | undefined;
  /** The identity of an identity pool. */
  readonly identity?: SessionIdentity | undefined;
}

export interface SessionIdentity {
  readonly poolId: string;
  readonly identityId: string;
  readonly amr: readonly string[];
}

/** The session of an access key itself (GetSessionToken): it may do what the key may. */
interface KeySession {
  readonly accessKeyId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export type Session =
  | { readonly of: "role"; readonly facts: SessionFacts }
  | { readonly of: "key"; readonly facts: KeySession };

export interface SessionCredentials {
  /** `ASIA…`. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Epoch milliseconds, whole seconds. */
  readonly expiresAt: number;
}

/** In place of a data key's id: the key is derived from the one that no rotation changes. */
const keyName = "session";
const place = (accessKeyId: string) => `session_token:${accessKeyId}`;
/** The key that seals session tokens, of which there is one. */
const sealingKeys = new CacheKind<Uint8Array>(1);
const sealingKey = ({ app, db }: Pick<Ctx, "app" | "db">): Uint8Array =>
  app.caches.obtain(sealingKeys, keyName, () => db.sealer.mac("session-token"));

/** Issues credentials. */
export function issueCredentials(ctx: Ctx, session: Session): SessionCredentials {
  const accessKeyId = `ASIA${randomText(ctx.random, upperCaseBase32, 16)}`;
  const { expiresAt } = session.facts;
  const sealed = seal({
    dataKeyId: keyName,
    dataKey: sealingKey(ctx),
    associated: place(accessKeyId),
    plaintext: utf8(JSON.stringify(session)),
    random: ctx.random,
  });
  return {
    accessKeyId,
    secretAccessKey: secretOf(ctx, accessKeyId, expiresAt),
    sessionToken: toBase64(sealed),
    expiresAt,
  };
}

/** 40 characters, as secret access keys have. */
function secretOf(ctx: Pick<Ctx, "db">, accessKeyId: string, expiresAt: number): string {
  return toBase64(ctx.db.sealer.mac("session-secret", accessKeyId, String(expiresAt))).slice(0, 40);
}

/** The longest session token that is looked at, in characters. */
const longestToken = 16_384;

/**
 * Opens a session token. Whether what it was issued for still counts is for others to say.
 * @returns the session and its secret access key; `invalid` if it is not ours, or of another access key
 */
export function openSession(
  ctx: Pick<Ctx, "app" | "db" | "now">,
  accessKeyId: string,
  token: string,
): { readonly session: Session; readonly secretAccessKey: string } | "invalid" | "expired" {
  const sealed = token.length > longestToken ? undefined : fromBase64(token);
  if (sealed === undefined || sealed.length === 0) return "invalid";
  try {
    const plain = open({ dataKey: sealingKey(ctx), associated: place(accessKeyId), sealed });
    const session = JSON.parse(plain.toString("utf8")) as Session;
    const { expiresAt } = session.facts;
    if (expiresAt <= ctx.now) return "expired";
    return { session, secretAccessKey: secretOf(ctx, accessKeyId, expiresAt) };
  } catch (error) {
    if (error instanceof SealError) return "invalid";
    throw error;
  }
}
