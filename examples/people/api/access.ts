/** Who may do what: reading needs an access token of the user pool, writing one of a user in the group Admin. */
import type { RequestHandler } from "express";
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { setting } from "../settings.ts";
import { Problem } from "./problems.ts";

const issuer = setting("ISSUER");
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
/** Tokens that the pool has issued to other applications are not for us. */
const clients: readonly unknown[] = [setting("CLIENT_ID"), setting("SCRIPT_CLIENT_ID")];

export const mayRead: RequestHandler = async (request, response, next) => {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    response.set("www-authenticate", "Bearer");
    throw new Problem(401, "An access token is required.");
  }
  const claims = await claimsOf(/^Bearer ([\w.~+/=-]+)$/i.exec(authorization)?.[1] ?? "");
  if (claims === undefined) {
    response.set("www-authenticate", 'Bearer error="invalid_token"');
    throw new Problem(401, "The access token is not valid here, or has expired.");
  }
  response.locals["groups"] = claims["cognito:groups"] ?? [];
  next();
};

/** Comes after mayRead. */
export const mayWrite: RequestHandler = (_request, response, next) => {
  if (!response.locals["groups"].includes("Admin"))
    throw new Problem(403, "Only users in the group Admin can change people.");
  next();
};

/** What a token says; undefined if it is forged, expired, not an access token, or not for us. */
async function claimsOf(token: string): Promise<JWTPayload | undefined> {
  try {
    const options = { issuer, algorithms: ["RS256"], requiredClaims: ["exp"] };
    const { payload } = await jwtVerify(token, keys, options);
    return payload["token_use"] === "access" && clients.includes(payload["client_id"]) ? payload : undefined;
  } catch (error) {
    if (!keysAreMissing(error)) return undefined;
    console.error(error);
    throw new Problem(503, "The user pool cannot be reached. Please try again in a moment.");
  }
}

/** Whether the keys could not be loaded, which says nothing about the token. */
const keysAreMissing = (error: unknown) =>
  !(error instanceof errors.JOSEError) ||
  [errors.JWKSTimeout.code, errors.JWKSInvalid.code, errors.JOSEError.code].includes(error.code);
