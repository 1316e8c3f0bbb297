/**
 * /oauth2/userInfo ("The userInfo endpoint", Amazon Cognito Developer Guide; OpenID Connect Core 1.0 section 5.3; RFC
 * 6750).
 */
import type { Ctx } from "../../app.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { userInfo } from "../../domain/grants/user-info.ts";
import { Refusal } from "../../lib/refusal.ts";
import { headerLines, joinedHeader } from "../headers.ts";
import { placeAt, poolIdAt, queryOf } from "../place.ts";
import { type Answer, type Call, json } from "./call.ts";
import { readForm } from "./form.ts";

export async function answerUserInfo(ctx: Ctx, call: Call): Promise<Answer> {
  try {
    return await answerToken(ctx, call);
  } catch (error) {
    // A missing pool is reported first. A token that is accepted has found its pool itself.
    await placeAt(ctx, call);
    return refused(error);
  }
}

async function answerToken(ctx: Ctx, call: Call): Promise<Answer> {
  const token =
    (await bearerToken(call)) ?? refuseOAuth("invalid_request", "Bad OAuth2 request at UserInfo Endpoint");
  return json(200, await userInfo(ctx, poolIdAt(call), token));
}

/** The answer to a token that is not accepted, or not there; rethrows other errors. */
function refused(error: unknown): Answer {
  const { code, message } = error instanceof Refusal ? error : { code: "", message: "" };
  if (code === "invalid_request") return challenge(400, code, message);
  if (code === "insufficient_scope") return challenge(403, code, message);
  if (code === "invalid_token") return challenge(401, code, message);
  throw error;
}

/**
 * The bearer token (RFC 6750 sections 2.1 and 2.2): from the header, or from the form of a POST; never from the query.
 * Throws invalid_request if it is given twice.
 */
async function bearerToken(call: Call): Promise<string | undefined> {
  const { incoming } = call;
  const query = queryOf(incoming);
  const inQuery = query !== "" && new URLSearchParams(query).has("access_token");
  const headers = headerLines(incoming, "authorization");
  const [header] = headers;
  if (headers.length > 1 || (inQuery && header !== undefined)) return twice();
  const inHeader = header === undefined ? undefined : /^Bearer +([\w.~+/=-]+)$/i.exec(header)?.[1];
  if (incoming.method !== "POST" || !joinedHeader(incoming, "content-type")) return inHeader;
  const inBody = (await readForm(call)).get("access_token");
  if (inBody !== undefined && header !== undefined) return twice();
  if (inBody !== undefined && inQuery) return twice();
  return inBody ?? inHeader;
}

function twice(): never {
  return refuseOAuth("invalid_request", "The access token is given in two ways at once.");
}

function challenge(status: 400 | 401 | 403, error: string, description: string): Answer {
  const header = `Bearer error="${error}", error_description="${description}"`;
  return json(status, { error, error_description: description }, { "www-authenticate": header });
}
