/** Shared by the tests of the verifier: tokens of issuers of each kind, signed by an issuer that says what a test wants. */
import { after } from "node:test";
import { type CryptoKey, exportJWK, generateKeyPair } from "jose";
import {
  createVerifier,
  type IssuerOptions,
  type TokenError,
  type TokenProblem,
  type VerifierOptions,
} from "../../src/verify/index.ts";
import { type OwnProvider, startOwnProvider } from "../federation/own-provider.ts";

export type Claims = Record<string, unknown>;

/** Epoch seconds. */
export const seconds = () => Math.floor(Date.now() / 1000);

export const client = "the client";
export const api = "https://api.example.com";

/** The claims of an issuer's access token: as Cognito's, as RFC 9068 has them, as other providers'. */
export const accessClaims = {
  cognito: () => ({
    token_use: "access",
    client_id: client,
    username: "ann",
    "cognito:groups": ["admins"],
    scope: "openid orders/read",
  }),
  rfc9068: () => ({ client_id: client, aud: api, scope: "openid orders/read" }),
  keycloak: () => ({
    typ: "Bearer",
    azp: client,
    aud: "account",
    preferred_username: "ann",
    groups: ["admins"],
    scope: "openid orders/read",
  }),
  entra: () => ({ azp: client, aud: api, scp: "openid orders/read", groups: ["admins"], ver: "2.0" }),
  entra1: () => ({ appid: client, aud: api, scp: "openid orders/read", groups: ["admins"], ver: "1.0" }),
  okta: () => ({ cid: client, aud: api, scp: ["openid", "orders/read"], groups: ["admins"], ver: 1 }),
} satisfies Record<string, () => Claims>;

export const idClaims = {
  cognito: () => ({
    token_use: "id",
    aud: client,
    "cognito:username": "ann",
    "cognito:groups": ["admins"],
    nonce: "n",
  }),
  openid: () => ({ aud: client, nonce: "n", preferred_username: "ann" }),
  keycloak: () => ({ typ: "ID", aud: client, azp: client, preferred_username: "ann" }),
} satisfies Record<string, () => Claims>;

export interface Issuer extends OwnProvider {
  /** A token with the claims of every token; undefined leaves one out. */
  token(claims: Claims, header?: Claims, key?: CryptoKey | Uint8Array | "nothing"): Promise<string>;
  /** How often the keys were read. */
  readonly keyReads: () => number;
}

/** An issuer that closes after the tests. */
export async function startIssuer(): Promise<Issuer> {
  const own = await startOwnProvider();
  after(() => own.close());
  return {
    ...own,
    token: (claims, header = {}, key) => {
      const common = { iss: own.issuer, sub: "ann's id", iat: seconds(), exp: seconds() + 300 };
      const all = Object.entries({ ...common, ...claims }).filter(([, value]) => value !== undefined);
      return own.sign(Object.fromEntries(all), header as { alg?: string }, key);
    },
    keyReads: () => own.seen.filter((line) => line === "GET /jwks").length,
  };
}

/** Adds a key to those that an issuer publishes. @returns the private key */
export async function addKey(issuer: Issuer, alg: string, kid: string): Promise<CryptoKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  issuer.mood.keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: "sig" });
  return privateKey;
}

export const verifierOf = (
  { issuer }: { readonly issuer: string },
  change: Partial<IssuerOptions> = {},
  options: VerifierOptions = {},
) => createVerifier({ issuer, clientId: client, ...change }, options);

/** For `assert.rejects`: the token was refused for this. */
export const because = (problem: TokenProblem) => (error: TokenError) => {
  if (error.problem === problem) return true;
  throw error;
};
