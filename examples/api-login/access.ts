/** Who may do what with the API, by the groups in the access token of a request (RFC 6750). */
import type { Request, RequestHandler } from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { setting } from "./settings.ts";

const groupsFor = {
  read: ["readers", "editors"],
  write: ["editors"],
} as const satisfies Record<string, readonly string[]>;

const issuer = setting("ISSUER");
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
/** Our own client, and that of the web application, which calls us with its users' tokens. */
const clients: readonly unknown[] = [setting("API_CLIENT_ID"), setting("CLIENT_ID")];

interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The user of an access token; undefined if it is forged, expired, of another kind, or not for us. */
async function userOf(token: string): Promise<User | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      algorithms: ["RS256"],
      requiredClaims: ["exp"],
    });
    if (payload["token_use"] !== "access" || !clients.includes(payload["client_id"])) return undefined;
    const groups = payload["cognito:groups"];
    return { name: String(payload["username"]), groups: Array.isArray(groups) ? groups : [] };
  } catch (error) {
    const keysAreMissing =
      error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || isGeneric(error);
    if (error instanceof errors.JOSEError && !keysAreMissing) return undefined;
    throw error;
  }
}

/** What jose throws if the answer with the keys was not 200. */
const isGeneric = (error: unknown) =>
  error instanceof errors.JOSEError && error.code === errors.JOSEError.code;

const bearer = ({ headers }: Request) => /^Bearer ([\w.~+/=-]+)$/i.exec(headers.authorization ?? "")?.[1];

/** Admits users who may do this, and passes the name on as `response.locals.user`. */
export function may(action: keyof typeof groupsFor): RequestHandler {
  return async (request, response, next) => {
    const token = bearer(request);
    const user = token === undefined ? undefined : await userOf(token);
    if (user === undefined) {
      response.set("www-authenticate", token === undefined ? "Bearer" : 'Bearer error="invalid_token"');
      return response.status(401).json({ error: "invalid_token" });
    }
    const allowed: readonly string[] = groupsFor[action];
    if (!user.groups.some((group) => allowed.includes(group)))
      return response.status(403).json({ error: "forbidden", needs: allowed });
    response.locals["user"] = user.name;
    return next();
  };
}
