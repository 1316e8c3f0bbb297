/**
 * The format of refresh tokens: `<pool and family>.<generation>.<authenticator>`, opaque to clients and within
 * TokenModelType's alphabet. The authenticator is an HMAC over the generation under the family's own sealed key. So the
 * successor of a rotated token follows from the row, nothing that could be presented as a token is stored, and a token
 * of an earlier generation can be distinguished from a made-up one: only the former is a replay
 * (docs/decisions/0002-refresh-tokens.md).
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

/** Parses a refresh token; undefined if it is not one of ours. Proves nothing yet. */
export function readRefreshToken(token: string): RefreshTokenParts | undefined {
  if (token.length > 512) return undefined;
  const [where, generation, authenticator, ...more] = token.split(".");
  if (!where || !generation || !authenticator || more.length > 0 || !/^\d{1,9}$/.test(generation))
    return undefined;
  const [poolId, familyId, ...rest] = (fromBase64url(where)?.toString("utf8") ?? "").split("/");
  if (!poolId || !familyId || rest.length > 0 || !isStorable(familyId)) return undefined;
  return { poolId, familyId, generation: Number(generation), authenticator };
}

/** Whether the family issued this token, in any generation. */
export function isRefreshTokenOf(family: TokenFamily, parts: RefreshTokenParts): boolean {
  return (
    parts.generation <= family.generation &&
    equalText(parts.authenticator, authenticator(family, parts.generation))
  );
}

function authenticator(family: Pick<TokenFamily, "key">, generation: number): string {
  return toBase64url(hmacSha256(family.key, `refresh:${generation}`));
}
