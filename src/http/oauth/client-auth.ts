/** Client authentication: client_secret_basic, client_secret_post, or none for public clients. */
import type { Ctx } from "../../app.ts";
import { clientSecretFits } from "../../domain/credentials/check-secret-hash.ts";
import { clientOf, findClientOf } from "../../domain/grants/client.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { isStrict } from "../../domain/user-pools/client-tags.ts";
import type { Client, Pool } from "../../domain/user-pools/load-pool.ts";
import { fromBase64 } from "../../lib/bytes.ts";
import { Refusal } from "../../lib/refusal.ts";
import { joinedHeader } from "../headers.ts";
import { placeAt, poolIdAt } from "../place.ts";
import type { Answer, Call } from "./call.ts";
import { failureAnswer, failureOf } from "./errors.ts";

/**
 * The authenticated client and its pool. Throws invalid_client, invalid_request if two methods contradict each other,
 * and ResourceNotFoundException if the pool does not exist.
 */
export async function authenticateClient(
  ctx: Ctx,
  call: Call,
  form: ReadonlyMap<string, string>,
): Promise<{ pool: Pool; client: Client }> {
  const basic = readBasic(authorizationOf(call));
  const named = form.get("client_id");
  if (basic !== undefined && form.has("client_secret"))
    return refuseOAuth("invalid_request", "The client authenticates in two ways at once.");
  if (basic !== undefined && named !== undefined && named !== basic.id)
    return refuseOAuth("invalid_request", "client_id is another one than in the Authorization header.");
  const { pool, client } = await namedClient(ctx, call, basic?.id ?? named);
  const secret = basic?.secret ?? form.get("client_secret");
  if (!clientSecretFits(client, secret)) return wrongClient();
  // A secret for a client that has none is a mix-up of clients.
  if (client.secrets.length === 0 && secret !== undefined) return wrongClient();
  return { pool, client };
}

/** 401, with the scheme by which the client tried to authenticate (RFC 6749 section 5.2). */
export function unauthenticated(ctx: Ctx, call: Call, refusal: Refusal): Answer {
  const failure = failureAnswer({ ...failureOf(ctx, refusal), status: 401 });
  if (authorizationOf(call) === undefined) return failure;
  return { ...failure, headers: { ...failure.headers, "www-authenticate": 'Basic realm="oauth2"' } };
}

export function isFailedBasic(call: Call, error: unknown): error is Refusal {
  const isRefused = error instanceof Refusal && error.code === "invalid_client";
  return isRefused && authorizationOf(call) !== undefined;
}

const authorizationOf = ({ incoming }: Call) => joinedHeader(incoming, "authorization");

/** Whether the client that the Authorization header names wants the standard, whether or not it exists. */
export async function wantsStandard(ctx: Ctx, call: Call): Promise<boolean> {
  const { pool } = await placeAt(ctx, call);
  const basic = credentialsOf(authorizationOf(call) ?? "");
  return isStrict(pool, { id: basic?.id ?? "" });
}

async function namedClient(
  ctx: Ctx,
  call: Call,
  clientId: string | undefined,
): Promise<{ pool: Pool; client: Client }> {
  const found = clientId === undefined ? undefined : await findClientOf(ctx, poolIdAt(call), clientId);
  if (found !== undefined) return found;
  // A missing pool is reported first.
  const { pool } = await placeAt(ctx, call);
  return { pool, client: await clientOf(ctx, { pool }, clientId) };
}

/**
 * Parses Basic credentials. RFC 6749 section 2.3.1 wants id and secret form-encoded first; Cognito takes them raw. Both
 * are accepted: encoded ones contain a percent sign, which no id or secret does.
 */
function readBasic(header: string | undefined): { id: string; secret: string } | undefined {
  return header === undefined ? undefined : (credentialsOf(header) ?? wrongClient());
}

function credentialsOf(header: string): { id: string; secret: string } | undefined {
  const [, encoded = ""] = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(header) ?? [];
  const text = encoded === "" ? undefined : fromBase64(encoded)?.toString("utf8");
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return undefined;
  const plain = (part: string) =>
    part.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { id: plain(text.slice(0, colon)), secret: plain(text.slice(colon + 1)) };
}

function wrongClient(): never {
  return refuseOAuth("invalid_client", "The client is unknown, or its secret is missing or wrong.");
}
