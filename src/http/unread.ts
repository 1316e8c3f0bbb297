/** What happens to the rest of a request that was answered before it had arrived whole. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** How long the rest of a request may still take to arrive once it was answered. Milliseconds. */
const patience = 500;

/**
 * Called before a request is answered whose body has not been read to its end. What still comes is thrown away, so that
 * the connection can serve the next request; if that takes too long, the connection is closed.
 */
export function discardRest(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once("close", () => {
    // Sent along with the headers, as most bodies are, it has arrived by now.
    if (incoming.complete || incoming.destroyed) return;
    incoming.resume();
    const timer = setTimeout(() => incoming.socket.destroySoon(), patience).unref();
    for (const event of ["end", "close"]) incoming.once(event, () => clearTimeout(timer));
  });
}
