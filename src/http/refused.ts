/** What the log says about refusals, as every room logs them, and the error page that leads to it. */
import type { Ctx } from "../app.ts";
import { equalBytes, fromBase64url, toBase64url } from "../lib/bytes.ts";
import type { Refusal } from "../lib/refusal.ts";
import type { Place } from "./place.ts";

/** Why something was refused, for the log alone; undefined if that says no more than the answer. */
export function hiddenFacts({
  detail,
  reason,
}: Refusal): { readonly detail: string; readonly reason: string | undefined } | undefined {
  return detail === undefined ? undefined : { detail, reason };
}

/** Logs the hidden facts of a refusal, for rooms whose requests have no line of their own. */
export function logRefusal({ log }: Pick<Ctx, "log">, refusal: Refusal): void {
  const facts = hiddenFacts(refusal);
  if (facts !== undefined) log.info({ ...facts, error: refusal.code }, "refused");
}

/** Parameters that an application gets wrong, by their names in the log, and how much of each is logged. */
const logged = {
  clientId: { name: "client_id", most: 128 },
  redirectUri: { name: "redirect_uri", most: 1024 },
  logoutUri: { name: "logout_uri", most: 1024 },
  postLogoutRedirectUri: { name: "post_logout_redirect_uri", most: 1024 },
} as const;

/** Logs the refusal of a request that brought a browser here: why, and what the application had asked for. */
export function logRefusedRequest({ log }: Pick<Ctx, "log">, refusal: Refusal, query: string): void {
  const parameters = new URLSearchParams(query);
  const asked = Object.entries(logged).flatMap(([as, { name, most }]) => {
    const value = parameters.get(name);
    return value === null ? [] : [[as, value.slice(0, most)]];
  });
  const facts = { error: refusal.code, description: refusal.message, ...hiddenFacts(refusal) };
  log.info({ ...facts, ...Object.fromEntries(asked) }, "refused");
}

type Refusing = Pick<Ctx, "db" | "requestId">;

/**
 * The URL of our error page, for errors that must not go to a redirect URI that may not be the client's. It refers to
 * the refused request, whose id the page shows.
 */
export function errorPageOf(ctx: Refusing, { pool, base }: Place, error: string, query: string): string {
  const parameters = new URLSearchParams(query);
  const shown = new URLSearchParams({ error });
  for (const name of ["client_id", "lang"]) {
    const value = parameters.get(name);
    if (value && !value.includes("\0")) shown.set(name, value.slice(0, 128));
  }
  shown.set("request_id", `${ctx.requestId}.${toBase64url(proofOf(ctx, pool.id, error, ctx.requestId))}`);
  return `${base}/error?${shown}`;
}

/** The id of the refused request that a link to the error page refers to; undefined unless we made this link. */
export function refusedRequestId(
  { db }: Pick<Ctx, "db">,
  { pool }: Place,
  parameters: URLSearchParams,
): string | undefined {
  const [requestId = "", proof = ""] = (parameters.get("request_id") ?? "").split(".");
  const given = fromBase64url(proof);
  if (given === undefined) return undefined;
  const made = proofOf({ db }, pool.id, parameters.get("error") ?? "", requestId);
  return equalBytes(given, made) ? requestId : undefined;
}

/** Shows that this installation made a link, so that nobody else can write on the page. */
function proofOf({ db }: Pick<Ctx, "db">, poolId: string, error: string, requestId: string): Uint8Array {
  return db.sealer.mac("refused request", poolId, error, requestId).subarray(0, 16);
}
