/** What endpoints are called with, and what they share in their answers. */
import type { AdmissionMeans } from "./admission.ts";
import type { Asked } from "./asked.ts";
import type { IdentityTokens } from "./identity-token.ts";
import type { Log } from "./log.ts";
import type { Seals } from "./sealing.ts";

export interface EndpointMeans extends AdmissionMeans {
  readonly seals: Seals;
  readonly tokens: IdentityTokens;
  readonly log: Log;
  /** The states with which a browser has come back to this process. */
  readonly usedStates: Map<string, true>;
  /** Whether the sessions can be read. */
  readonly isWell: () => Promise<boolean>;
}

/** Reads the body, of at most as many bytes. */
export type ReadBody = (most: number) => Promise<string>;

export interface Called {
  readonly asked: Asked;
  readonly query: URLSearchParams;
  /** The query as it was sent, without the question mark. */
  readonly rawQuery: string;
  readonly body: ReadBody;
}

/** A redirect that no cache keeps. */
export function redirect(location: string, cookies: readonly string[] = []): Response {
  const headers = new Headers({ location, "cache-control": "no-store", "referrer-policy": "no-referrer" });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}
