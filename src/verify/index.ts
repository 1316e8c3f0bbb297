/**
 * Verifies tokens of Poolhouse, Amazon Cognito and OpenID providers: `import { createVerifier } from "poolhouse/verify"`.
 * Works in Node.js and wherever there are `fetch` and WebCrypto.
 */
export type { Access } from "./access.ts";
export { type RevokedAtUserInfoOptions, revokedAtUserInfo } from "./revocation.ts";
export type { IssuerOptions } from "./signed.ts";
export { TokenError, type TokenProblem } from "./token-error.ts";
export {
  bearerToken,
  createVerifier,
  type VerifiedToken,
  type Verifier,
  type VerifierOptions,
} from "./verifier.ts";
