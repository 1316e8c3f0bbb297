/**
 * Connections that a worker has not yet taken when it is killed. node:cluster hands each worker one at a time and keeps it open
 * until the worker answers (lib/internal/cluster/round_robin_handle.js of Node.js): without this, its client would wait for ever.
 */
import type { Worker } from "node:cluster";

interface Connection {
  close(): void;
}

/** What node:cluster sends along with a connection, and a worker's answer. */
interface ClusterMessage {
  readonly act?: string;
  readonly seq?: number;
  /** The `seq` that it answers. */
  readonly ack?: number;
}

/** Has the connections that a worker was handed and has not answered closed when it ends, so that clients try again. */
export function closeUntaken(worker: Worker): void {
  const untaken = new Map<number, Connection>();
  const { process: child } = worker;
  const send = child.send.bind(child) as (message: unknown, ...rest: unknown[]) => boolean;
  child.send = ((message: ClusterMessage, connection?: Connection, ...rest: unknown[]) => {
    if (message.act === "newconn" && message.seq !== undefined && connection)
      untaken.set(message.seq, connection);
    return send(message, connection, ...rest);
  }) as typeof child.send;
  child.on("internalMessage", ({ ack }: ClusterMessage) => {
    if (ack !== undefined) untaken.delete(ack);
  });
  worker.once("exit", () => {
    for (const connection of untaken.values()) connection.close();
  });
}
