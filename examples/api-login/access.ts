/** Who may do what with the API, by the groups in the access token of a request (RFC 6750). */
import type { RequestHandler } from "express";
import { createVerifier, TokenError } from "poolhouse/verify";
import { setting } from "./settings.ts";

const groupsFor = {
  read: ["readers", "editors"],
  write: ["editors"],
} as const satisfies Record<string, readonly string[]>;

const verifier = createVerifier({
  issuer: setting("ISSUER"),
  // Our own client, and that of the web application, which calls us with its users' tokens.
  clientId: [setting("API_CLIENT_ID"), setting("CLIENT_ID")],
});

/** Admits users who may do this, and passes the name on as `response.locals.user`. */
export function may(action: keyof typeof groupsFor): RequestHandler {
  const groups = groupsFor[action];
  return async (request, response, next) => {
    try {
      const { username, subject } = await verifier.verifyRequest(request, { groups });
      response.locals["user"] = username ?? subject;
    } catch (error) {
      // Keys that cannot be read say nothing about the token.
      if (!(error instanceof TokenError) || error.problem === "unavailable") throw error;
      if (error.problem === "group") return response.status(403).json({ error: "forbidden", needs: groups });
      response.set("www-authenticate", error.challenge);
      return response.status(401).json({ error: "invalid_token" });
    }
    return next();
  };
}
