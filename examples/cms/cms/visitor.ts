/**
 * Who is asking. The gateway says so in a token that it signs, for this application and for a minute; nothing else in a
 * request is believed, so that whoever reaches the CMS without the gateway is nobody.
 */
import type { Request } from "express";
import { createVerifier, TokenError } from "poolhouse/verify";
import { setting } from "../../legacy-cms/settings.ts";

export const cmsUrl = new URL(setting("CMS_URL"));
const verifier = createVerifier({
  issuer: new URL(setting("AUTH_URL")).origin,
  clientId: cmsUrl.origin,
  use: "id",
  groupsClaim: "groups",
  algorithms: ["EdDSA"],
  jwksUri: new URL("auth/keys", setting("GATEWAY_URL")).href,
});

export interface Visitor {
  /** The pool's name for them. */
  readonly username: string;
  readonly isEditor: boolean;
  /** The id of their record; undefined if they have none yet. */
  readonly legacyId: number | undefined;
}

/** Undefined for somebody who is not signed in, or did not come by the gateway. */
export async function visitorOf(request: Request): Promise<Visitor | undefined> {
  const token = request.header("x-auth-request-token");
  if (token === undefined) return undefined;
  try {
    const { username, subject, groups, claims } = await verifier.verify(token);
    const legacyId = Number(claims["custom:legacy_id"]);
    return {
      username: username ?? subject,
      isEditor: groups.includes("editors"),
      legacyId: Number.isSafeInteger(legacyId) ? legacyId : undefined,
    };
  } catch (error) {
    if (error instanceof TokenError && error.status === 401) return undefined;
    throw error;
  }
}
