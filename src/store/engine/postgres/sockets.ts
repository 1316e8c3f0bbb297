/** The sockets of a connection pool, so that all of them can be closed at once. */
import { Socket } from "node:net";

export class Sockets {
  readonly #open = new Set<Socket>();
  #abandoned = false;

  /** Whether all sockets were abandoned: open ones are destroyed, and no new connection is made. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** For pg's setting `stream`. */
  readonly make = (): Socket => {
    const socket = new Socket();
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    if (this.#abandoned) setImmediate(() => socket.destroy());
    return socket;
  };

  abandon(): void {
    this.#abandoned = true;
    for (const socket of this.#open) socket.destroy();
  }
}
