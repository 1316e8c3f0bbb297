/** A network between a program and its database, or another program, that can be cut and comes back at the same port. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface Relay {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Lets connections through again. */
  join(): Promise<void>;
}

/**
 * @param target where the database is
 * @param passes gets every piece that goes to the database, which is only passed on if it is to be, and once it is
 */
export async function openRelay(
  target: { readonly host: string; readonly port: number },
  passes: (piece: Buffer) => boolean | Promise<boolean> = () => true,
): Promise<Relay> {
  let server: Server | undefined;
  let port = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    // What one side has ended is no error of the other.
    socket.on("error", () => {});
    socket.once("close", () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const join = async () => {
    server = createServer((near) => {
      const far = connect(target);
      keep(near, far);
      keep(far, near);
      near.on("data", async (piece) => (await passes(piece)) && far.write(piece));
      far.pipe(near);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  };
  await join();
  return {
    port,
    join,
    cut: async () => {
      const closed = once(server!, "close");
      server!.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The same database, behind a relay. */
export function behind(relay: Relay, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(relay.port);
  return url.href;
}

export const addressOf = (databaseUrl: string) => {
  const { protocol, hostname, port } = new URL(databaseUrl);
  return { host: hostname, port: Number(port || (protocol === "mysql:" ? 3306 : 5432)) };
};
