/**
 * Verifies calls that are signed with credentials of Poolhouse (Signature Version 4), for services of one's own on Node.js:
 * `import { createVerifier } from "poolhouse/sigv4"`. Also signs requests, and has the parts of which the verifier is made.
 */
export {
  headerPairs,
  readSignedRequest,
  type SignatureReading,
  type Signed,
  signRequest,
  type WireRequest,
} from "../lib/sigv4.ts";
export { deriveSigningKey, type KeyScope, type PathRule } from "../lib/sigv4-canonical.ts";
export {
  checkSignature,
  type SignatureCheck,
  type SignatureTerms,
  type SigningKey,
} from "../lib/sigv4-check.ts";
export type { Credentials, Identity, Principal } from "./ask.ts";
export { keepRawBody } from "./body.ts";
export type { Caller, MoreFacts, RequestContext } from "./caller.ts";
export { type Arrival, verifyIncoming, verifyRequest } from "./calls.ts";
export type { Api, ApiIdentity } from "./invoke.ts";
export { callerOf, forExpress, forFastify, forFetch, type SignedHandler } from "./middleware.ts";
export { type SignatureAnswer, SignatureError, type SignatureProblem } from "./signature-error.ts";
export { createVerifier, type SignedCall, type Verifier, type VerifierOptions } from "./verifier.ts";
