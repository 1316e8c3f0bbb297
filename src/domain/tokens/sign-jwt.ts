/**
 * Signs tokens: JWS in compact form (RFC 7515 section 3.1) with RS256 (RFC 7518 section 3.3). JOSE libraries sign by Web
 * Crypto, whose calls cost the thread several times as much as node:crypto's; both compute in libuv's pool.
 */
import { type KeyObject, sign } from "node:crypto";

/** The protected header besides `alg`. */
export interface JwtHeader {
  readonly kid: string;
  readonly typ?: string;
}

/** The token of these claims, which must be complete. @param key a private RSA key */
export function signJwt(
  key: KeyObject,
  header: JwtHeader,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  const signed = `${encoded({ ...header, alg: "RS256" })}.${encoded(claims)}`;
  return new Promise((resolve, reject) => {
    sign("sha256", Buffer.from(signed, "latin1"), key, (error, signature) => {
      if (error) reject(error);
      else resolve(`${signed}.${signature.toString("base64url")}`);
    });
  });
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
