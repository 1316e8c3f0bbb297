/**
 * The form of a refresh token: `<pool and family>.<generation>.<authenticator>`, opaque to clients and within
 * TokenModelType's alphabet. The authenticator is an HMAC under the family's own sealed key over the generation, so a
 * rotated token's successor follows from the row, nothing presentable is stored, and a token of an earlier generation
 * is told from a made-up one: only the former is a replay (docs/decisions/0002-refresh-tokens.md).
 */
import { equalText, fromBase64url, hmacSha256, toBase64url, utf8 } from "../../lib/bytes.ts";
import { isStorable } from "../../lib/text.ts";
import type { TokenFamily } from "../../store/token-families.ts";

export interface RefreshTokenParts {
  readonly poolId: string;
  readonly familyId: string;
  readonly generation: number;
  readonly authenticator: string;
}

export function makeRefreshToken(
  family: Pick<TokenFamily, "poolId" | "id" | "key">,
  generation: number,
): string {
  const where = toBase64url(utf8(`${family.poolId}/${family.id}`));
  return `${where}.${generation}.${authenticator(family, generation)}`;
}

/** What a text says it is; undefined when it is no refresh token of ours. Proves nothing yet. */
export function readRefreshToken(token: string): RefreshTokenParts | undefined {
  if (token.length > 512) return undefined;
  const [where, generation, authenticator, ...more] = token.split(".");
  if (!where || !generation || !authenticator || more.length > 0 || !/^\d{1,9}$/.test(generation))
    return undefined;
  const [poolId, familyId, ...rest] = (fromBase64url(where)?.toString("utf8") ?? "").split("/");
  if (!poolId || !familyId || rest.length > 0 || !isStorable(familyId)) return undefined;
  return { poolId, familyId, generation: Number(generation), authenticator };
}

/** Whether the family made this token, at whatever generation. */
export function isRefreshTokenOf(family: TokenFamily, parts: RefreshTokenParts): boolean {
  return (
    parts.generation <= family.generation &&
    equalText(parts.authenticator, authenticator(family, parts.generation))
  );
}

function authenticator(family: Pick<TokenFamily, "key">, generation: number): string {
  return toBase64url(hmacSha256(family.key, `refresh:${generation}`));
}
