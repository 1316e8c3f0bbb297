/**
 * /oauth2/userInfo ("The userInfo endpoint", Amazon Cognito Developer Guide; OpenID Connect Core 1.0 section 5.3; RFC
 * 6750).
 */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { userInfo } from "../../domain/grants/user-info.ts";
import { Refusal } from "../../lib/refusal.ts";
import { type Bindings, type Place, rawQuery } from "../place.ts";
import { failureOf, noStore } from "./errors.ts";
import { readForm } from "./form.ts";

export async function answerUserInfo(ctx: Ctx, c: Context<Bindings>, { pool }: Place): Promise<Response> {
  const token = await bearerToken(c).catch((error: unknown) => {
    if (error instanceof Refusal && error.code === "invalid_request") return error;
    throw error;
  });
  if (token instanceof Refusal) return challenge(c, 400, "invalid_request", token.message);
  if (token === undefined)
    return challenge(c, 400, "invalid_request", "Bad OAuth2 request at UserInfo Endpoint");
  try {
    return c.json(await userInfo(ctx, pool, token), 200, noStore);
  } catch (error) {
    const { code, message } = error instanceof Refusal ? error : { code: "", message: "" };
    if (code === "insufficient_scope") return challenge(c, 403, code, message);
    if (code === "invalid_token") return challenge(c, 401, code, message);
    failureOf(ctx, error);
    throw error;
  }
}

/**
 * The bearer token (RFC 6750 sections 2.1 and 2.2): from the header, or from the form of a POST; never from the query.
 * Throws invalid_request if it is given twice.
 */
async function bearerToken(c: Context<Bindings>): Promise<string | undefined> {
  const header = c.req.header("authorization");
  const inQuery = new URLSearchParams(rawQuery(c)).has("access_token");
  // Of several headers Node shows the first alone.
  const headers = c.env.incoming.rawHeaders.filter((one, at) => at % 2 === 0 && /^authorization$/i.test(one));
  if (headers.length > 1 || (inQuery && header !== undefined)) return twice();
  const inHeader = header === undefined ? undefined : /^Bearer +([\w.~+/=-]+)$/i.exec(header)?.[1];
  if (c.req.method !== "POST" || !c.req.header("content-type")) return inHeader;
  const inBody = (await readForm(c)).get("access_token");
  if (inBody !== undefined && header !== undefined) return twice();
  if (inBody !== undefined && inQuery) return twice();
  return inBody ?? inHeader;
}

function twice(): never {
  return refuseOAuth("invalid_request", "The access token is given in two ways at once.");
}

function challenge(
  c: Context<Bindings>,
  status: 400 | 401 | 403,
  error: string,
  description: string,
): Response {
  const header = `Bearer error="${error}", error_description="${description}"`;
  return c.json({ error, error_description: description }, status, {
    ...noStore,
    "www-authenticate": header,
  });
}
