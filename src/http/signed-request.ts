/** Requests that are signed with an access key, as they come in: their size limit, and what the signature covers. */
import type { IncomingMessage } from "node:http";
import type { Ctx } from "../app.ts";
import { isAccessKey } from "../domain/iam/access-keys.ts";
import { openSession } from "../domain/roles/session-credentials.ts";
import type { Refusal } from "../lib/refusal.ts";
import { credentialKeyId, headerPairs, type WireRequest } from "../lib/sigv4.ts";
import { collect } from "../lib/sigv4-canonical.ts";
import { refusal } from "../wire/refuse.ts";
import { announcedLength } from "./body.ts";
import { holdings } from "./holdings.ts";

/**
 * The size limit of a body: `largest` for callers who name an existing access key, and the limit of public calls for
 * others. Temporary credentials that have expired count as none. No key is looked up for a body that others could send, too.
 */
export async function largestSignedBody(
  ctx: Ctx,
  incoming: IncomingMessage,
  largest: number,
): Promise<number | Refusal> {
  const publicLimit = holdings.publicBody.limit.bytes;
  const { authorization } = incoming.headers;
  if (authorization === undefined) return publicLimit;
  if ((announcedLength(incoming) ?? Number.POSITIVE_INFINITY) <= publicLimit) return publicLimit;
  if (ctx.config.auth === "open") return largest;
  const keyId = credentialKeyId(authorization);
  if (keyId === undefined) return publicLimit;
  const token = incoming.headers["x-amz-security-token"];
  const exists =
    typeof token === "string"
      ? typeof openSession(ctx, keyId, token) === "object"
      : await isAccessKey(ctx, keyId);
  return exists ? largest : unknownKey();
}

/** The Refusal of a call that names an access key which does not exist. */
export const unknownKey = () =>
  refusal("UnrecognizedClientException", "The security token included in the request is invalid.");

/** The value of a header that policies look at; undefined if it is absent or repeated. @param name in lower case */
export function soleHeader({ headers }: Pick<WireRequest, "headers">, name: string): string | undefined {
  const values = collect(headers).get(name);
  return values?.length === 1 ? values[0] : undefined;
}

/** A request as its signature covers it: raw headers, which few operations look at, and raw target. */
export function wireRequest(
  { method = "POST", url = "/", rawHeaders }: IncomingMessage,
  body: Uint8Array,
): WireRequest {
  const end = url.indexOf("?");
  let pairs: ReturnType<typeof headerPairs> | undefined;
  return {
    method,
    path: end < 0 ? url : url.slice(0, end),
    query: end < 0 ? "" : url.slice(end + 1),
    get headers() {
      pairs ??= headerPairs(rawHeaders);
      return pairs;
    },
    body,
  };
}
