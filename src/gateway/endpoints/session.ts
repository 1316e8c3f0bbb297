/** Who is signed in, for applications in any language. */

import { TokenError } from "../../verify/token-error.ts";
import { bearerToken } from "../../verify/verifier.ts";
import { sessionOf } from "../admission.ts";
import type { Called, EndpointMeans } from "../called.ts";
import { ProviderAway } from "../discover.ts";
import type { Identity } from "../identity.ts";
import { isServedHost } from "../return-url.ts";
import { AmbiguousCookies } from "../sessions/sessions.ts";

/** GET `paths.session`: 200 with who the cookies of the request belong to, else 401. */
export async function session(means: EndpointMeans, { asked }: Called): Promise<Response> {
  const headers = new Headers({ "cache-control": "no-store", vary: "Cookie, Origin" });
  const origin = asked.header("origin");
  if (origin !== undefined && isOurOrigin(means, origin)) {
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-allow-credentials", "true");
  }
  try {
    const current = await sessionOf(means, asked.header("cookie"));
    if (current === undefined) return Response.json({ active: false }, { status: 401, headers });
    for (const cookie of current.cookies) headers.append("set-cookie", cookie);
    return Response.json(told(current.session.identity), { headers });
  } catch (error) {
    if (error instanceof AmbiguousCookies)
      return Response.json({ active: false, error: "ambiguous-cookies" }, { status: 401, headers });
    if (error instanceof ProviderAway)
      return Response.json({ active: false, error: "provider-away" }, { status: 503, headers });
    throw error;
  }
}

/** The largest body that is read. Bytes. */
const largest = 20_000;

/**
 * POST `paths.validate`: whether an access token counts that an application was sent, in `token` of a form or of JSON, or
 * as a bearer token. 200 with `active` false if not (as RFC 7662 section 2.2); 503 if nobody can tell.
 */
export async function validate(means: EndpointMeans, { asked, body }: Called): Promise<Response> {
  const headers = { "cache-control": "no-store" };
  const bearer = bearerToken(asked.header("authorization"));
  const sent = tokenIn(await body(largest), asked.header("content-type"));
  const token = bearer ?? sent;
  // Of two nobody could say which one the answer is about.
  if (token === undefined || (bearer !== undefined && sent !== undefined))
    return Response.json({ error: "invalid_request" }, { status: 400, headers });
  try {
    return Response.json(told(await means.provider.identify(token)), { headers });
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const status = error.status === 503 ? 503 : 200;
    return Response.json({ active: false, error: error.problem }, { status, headers });
  }
}

function told({ subject, username, email, groups, scopes, issuer, expiresAt, claims }: Identity) {
  return {
    active: true,
    sub: subject,
    iss: issuer,
    username,
    email,
    groups,
    scope: scopes.join(" "),
    exp: expiresAt,
    claims,
  };
}

function tokenIn(body: string, type = ""): string | undefined {
  if (!type.startsWith("application/json")) return new URLSearchParams(body).get("token") ?? undefined;
  try {
    const { token } = JSON.parse(body) as { readonly token?: unknown };
    return typeof token === "string" ? token : undefined;
  } catch {
    return undefined;
  }
}

function isOurOrigin({ settings }: EndpointMeans, origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  return protocol === new URL(settings.publicUrl).protocol && isServedHost(settings, host);
}
