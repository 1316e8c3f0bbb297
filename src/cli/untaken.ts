/**
 * Connections that no worker takes. node:cluster hands each worker one at a time and keeps it open until the worker answers
 * (lib/internal/cluster/round_robin_handle.js of Node.js). If the worker is killed before that, or refuses because all workers
 * stop, the client would wait until this process ends.
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
  /** Whether the worker has taken the connection; if not, it goes to another worker. */
  readonly accepted?: boolean;
}

/**
 * Closes connections that a worker was handed and has not taken, so that clients try again: when it ends, and when it refuses them
 * and no other will take them.
 * @param isStopping whether all workers stop
 */
export function closeUntaken(worker: Worker, isStopping: () => boolean): void {
  const untaken = new Map<number, Connection>();
  const { process: child } = worker;
  const send = child.send.bind(child) as (message: unknown, ...rest: unknown[]) => boolean;
  child.send = ((message: ClusterMessage, connection?: Connection, ...rest: unknown[]) => {
    if (message.act === "newconn" && message.seq !== undefined && connection)
      untaken.set(message.seq, connection);
    return send(message, connection, ...rest);
  }) as typeof child.send;
  child.on("internalMessage", ({ ack, accepted }: ClusterMessage) => {
    if (ack === undefined) return;
    if (accepted === false && isStopping()) untaken.get(ack)?.close();
    untaken.delete(ack);
  });
  worker.once("exit", () => {
    for (const connection of untaken.values()) connection.close();
  });
}
