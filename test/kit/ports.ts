/** Ports of this machine. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give out by themselves, to programs that listen and to connections; above those named in tests. */
const [first, end] = [23_000, 32_000];

/**
 * A port for what must know its own beforehand or come back at the same place. It is this process's until it ends: while
 * nothing listens on it, nobody else gets it. The UDP port of the same number, which nothing else uses, says that it is taken.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, end);
    const taken = createSocket("udp4").unref();
    const listening = createServer();
    try {
      taken.bind({ port, address: "127.0.0.1", exclusive: true });
      await once(taken, "listening");
      listening.listen(port, "127.0.0.1");
      await once(listening, "listening");
      return port;
    } catch (error) {
      taken.close();
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    } finally {
      if (listening.listening) await new Promise((resolve) => listening.close(resolve));
    }
  }
}
