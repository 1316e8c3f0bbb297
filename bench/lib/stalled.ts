/** An attacker whose bodies stop short: as many as fill what there is for bodies, each begun anew when it is cut off. */
import { connect, type Socket } from "node:net";
import type { BenchServer } from "./server.ts";

/** One byte less is sent. */
const announced = 128 * 1024;

export class StalledBodies {
  readonly #server: BenchServer;
  readonly #from: string;
  readonly #sockets = new Set<Socket>();
  #running = false;
  /** How often one was cut off. */
  cut = 0;

  /** @param from the one address that they all come from */
  constructor(server: BenchServer, from: string) {
    this.#server = server;
    this.#from = from;
  }

  /** @param bytes that they hold together */
  start(bytes: number): void {
    this.#running = true;
    for (let sent = 0; sent < bytes; sent += announced) this.#begin();
  }

  stop(): void {
    this.#running = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  #begin(): void {
    const socket = connect({ host: "127.0.0.1", port: this.#server.port, localAddress: this.#from });
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.resume();
    socket.write(
      `POST / HTTP/1.1\r\nhost: localhost:${this.#server.port}\r\ncontent-type: application/x-amz-json-1.1\r\n` +
        `x-amz-target: AWSCognitoIdentityProviderService.CreateUserPool\r\ncontent-length: ${announced}\r\n\r\n`,
    );
    socket.write(Buffer.alloc(announced - 1, "a"));
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (!this.#running) return;
      this.cut += 1;
      setTimeout(() => this.#running && this.#begin(), 100);
    });
  }
}
