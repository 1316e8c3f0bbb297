/** Who may do what: reading needs an access token of the user pool, writing one of a user in the group Admin. */
import type { RequestHandler } from "express";
import { createVerifier, TokenError } from "poolhouse/verify";
import { setting } from "../settings.ts";
import { Problem } from "./problems.ts";

const verifier = createVerifier({
  issuer: setting("ISSUER"),
  // Tokens that the pool has issued to other applications are not for us.
  clientId: [setting("CLIENT_ID"), setting("SCRIPT_CLIENT_ID")],
});

const words = {
  401: "The access token is missing, not valid here, or has expired.",
  403: "The access token does not allow this.",
  503: "The user pool cannot be reached. Please try again in a moment.",
} as const;

export const mayRead: RequestHandler = async (request, response, next) => {
  try {
    response.locals["groups"] = (await verifier.verifyRequest(request)).groups;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    if (error.status === 503) console.error(error);
    else response.set("www-authenticate", error.challenge);
    throw new Problem(error.status, words[error.status]);
  }
  next();
};

/** Comes after mayRead. */
export const mayWrite: RequestHandler = (_request, response, next) => {
  if (!response.locals["groups"].includes("Admin"))
    throw new Problem(403, "Only users in the group Admin can change people.");
  next();
};
