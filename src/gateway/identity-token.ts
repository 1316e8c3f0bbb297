/** The signed token that tells an application who is asking, and that it was the gateway who said so (RFC 7519, RFC 8037). */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { type JWK, SignJWT } from "jose";
import { BoundedMap } from "../lib/bounded-map.ts";
import { fromHex, sha256Base64url } from "../lib/bytes.ts";
import type { Identity } from "./identity.ts";
import type { Seals } from "./sealing.ts";

/** What comes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 section 7). */
const pkcs8Start = fromHex("302e020100300506032b657004220420")!;

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
}

interface Made {
  readonly token: string;
  /** Epoch milliseconds: when another one is made. */
  readonly until: number;
}

export interface IdentityTokens {
  /** @param audience the application's origin */
  sign(identity: Identity, audience: string): Promise<string>;
  /** The public keys, for `paths.keys`. */
  readonly keySet: { readonly keys: readonly JWK[] };
}

export interface IdentityTokenOptions {
  readonly seals: Seals;
  /** The gateway's public URL: `iss`. */
  readonly issuer: string;
  /** How long a token counts. Seconds. */
  readonly seconds: number;
  /** The provider's claims that it has besides those of its own, which come first. */
  readonly claims: readonly string[];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What the gateway says itself, or not at all. */
const said: readonly string[] = ["email", "preferred_username", "groups", "scope", "idp"];

/** The keys are derived from those of the cookies, so that all gateways that share these sign alike. */
export function createIdentityTokens({
  seals,
  issuer,
  seconds,
  claims,
  now,
}: IdentityTokenOptions): IdentityTokens {
  const keys = seals.derived("identity token").map(keyOf);
  const made = new BoundedMap<string, Made>(1000);
  /** The newest token about an identity that is in memory. */
  const latest = new WeakMap<Identity, Made & { readonly audience: string }>();
  const sign = async (identity: Identity, audience: string): Promise<Made> => {
    const id = sha256Base64url(JSON.stringify([identity, audience]));
    const known = made.get(id);
    if (known !== undefined && now() < known.until) return known;
    const { kid, privateKey } = keys[0]!;
    const { subject, username, email, groups, scopes } = identity;
    const at = Math.floor(now() / 1000);
    const more = claims
      .filter((name) => !said.includes(name))
      .map((name) => [name, identity.claims[name]] as const);
    const token = await new SignJWT({
      ...Object.fromEntries(more.filter(([, value]) => value !== undefined)),
      ...(username !== undefined && { preferred_username: username }),
      ...(email !== undefined && { email }),
      groups,
      scope: scopes.join(" "),
      idp: identity.issuer,
    })
      .setProtectedHeader({ alg: "EdDSA", kid, typ: "JWT" })
      .setSubject(subject)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(at)
      .setExpirationTime(at + seconds)
      .sign(privateKey);
    // Half of its life is left to whoever gets it last.
    const next = { token, until: now() + seconds * 500 };
    made.set(id, next);
    return next;
  };
  return {
    keySet: { keys: keys.map(({ jwk }) => jwk) },
    async sign(identity, audience) {
      const last = latest.get(identity);
      if (last?.audience === audience && now() < last.until) return last.token;
      const next = await sign(identity, audience);
      latest.set(identity, { ...next, audience });
      return next.token;
    },
  };
}

function keyOf(seed: Buffer): Key {
  const der = Buffer.concat([pkcs8Start, seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const kid = sha256Base64url(x).slice(0, 16);
  return { kid, privateKey, jwk: { kty: "OKP", crv: "Ed25519", x, kid, use: "sig", alg: "EdDSA" } };
}
