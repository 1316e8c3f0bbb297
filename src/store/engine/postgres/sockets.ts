/** The sockets of a pool of connections, so that all of them can be let go at once. */
import { Socket } from "node:net";

export class Sockets {
  readonly #open = new Set<Socket>();
  #abandoned = false;

  /** From then on no connection comes about, and those that were open are broken. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** What pg's setting `stream` takes. */
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
