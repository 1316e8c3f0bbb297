/**
 * Who is asking. The gateway says so in a token that it signs, for this application and for a minute; nothing else in a
 * request is believed, so that whoever reaches the CMS without the gateway is nobody.
 */
import type { Request } from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { setting } from "../../legacy-cms/settings.ts";

export const cmsUrl = new URL(setting("CMS_URL"));
const gateway = new URL(setting("AUTH_URL")).origin;
const keys = createRemoteJWKSet(new URL("auth/keys", setting("GATEWAY_URL")));

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
    const { payload } = await jwtVerify(token, keys, {
      issuer: gateway,
      audience: cmsUrl.origin,
      algorithms: ["EdDSA"],
    });
    const legacyId = Number(payload["custom:legacy_id"]);
    return {
      username: String(payload["preferred_username"] ?? payload.sub),
      isEditor: Array.isArray(payload["groups"]) && payload["groups"].includes("editors"),
      legacyId: Number.isSafeInteger(legacyId) ? legacyId : undefined,
    };
  } catch (error) {
    if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) return undefined;
    throw error;
  }
}
