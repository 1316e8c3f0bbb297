/**
 * Calls of the endpoints that programs ask: token, userInfo and revocation. A call and its answer are plain values, so
 * that Node's own objects carry them at the main host (door.ts), and Hono's at the pools' domains (routes.ts).
 */
import type { Posted } from "../form.ts";
import type { Addressed } from "../place.ts";

/** A request to such an endpoint: the pool in its path, and its headers, query and body. */
export interface Call extends Posted, Addressed {}

export interface Answer {
  readonly status: 200 | 400 | 401 | 403 | 404 | 429 | 500;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers of every answer that contains tokens or user data (RFC 6749 section 5.1). */
export const noStore = { "cache-control": "no-store", pragma: "no-cache" } as const;

const jsonHeaders = { ...noStore, "content-type": "application/json" };

export function json(
  status: Answer["status"],
  value: object,
  headers?: Readonly<Record<string, string>>,
): Answer {
  return {
    status,
    headers: headers === undefined ? jsonHeaders : { ...jsonHeaders, ...headers },
    body: JSON.stringify(value),
  };
}
