/** What the verifier needs to know about the runtime it is in. */

/**
 * Whether a request may wait for an answer that another one has asked for. Not in Cloudflare Workers and runtimes built like them:
 * what a request has asked for ends with it, such as when its client leaves, and whoever else waits for the answer waits for
 * ever ("Errors and exceptions: Cannot perform I/O on behalf of a different request", Cloudflare Workers documentation).
 */
export function requestsShareAnswers(): boolean {
  const { navigator, EdgeRuntime } = globalThis as {
    readonly navigator?: { readonly userAgent?: string };
    readonly EdgeRuntime?: unknown;
  };
  return navigator?.userAgent !== "Cloudflare-Workers" && EdgeRuntime === undefined;
}
