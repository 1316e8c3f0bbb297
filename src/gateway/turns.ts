/** Requests that a client sends on one connection before it has its answer (pipelining, RFC 9112 section 9.3.2). */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export class Turns {
  readonly #last = new WeakMap<Socket, ServerResponse>();

  /** What a request waits for: the answer to the one before it. Undefined if it is its turn. Meanwhile nothing more is read. */
  wait({ socket }: IncomingMessage, outgoing: ServerResponse): Promise<void> | undefined {
    const before = this.#last.get(socket);
    this.#last.set(socket, outgoing);
    if (before === undefined || before.writableFinished || before.destroyed) return undefined;
    socket.pause();
    return new Promise((resolve) => {
      before.once("close", () => {
        if (this.#last.get(socket) === outgoing) socket.resume();
        resolve();
      });
    });
  }
}
