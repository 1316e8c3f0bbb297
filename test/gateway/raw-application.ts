/** An application that is no web server: it gets bytes, and says what it is told to. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after } from "node:test";

/** Calls `answer` with each connection's first bytes; it closes after the test. */
export async function rawApplication(
  answer: (socket: Socket, first: string) => void,
): Promise<{ readonly origin: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (part: Buffer) => answer(socket, part.toString("latin1")));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
