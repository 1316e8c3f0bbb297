/** Where an application listens: its connections, of which there are only so many, and the requests that wait for one. */
import type { EventEmitter } from "node:events";
import { Agent, type ClientRequest, request } from "node:http";
import { request as requestByTls, Agent as TlsAgent } from "node:https";
import { isIP } from "node:net";
import type { GatewayUpstreams } from "../lib/gateway-settings.ts";

/** What an application is asked for. */
interface Question {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turns, with `host`. */
  readonly headers: readonly (string | readonly string[])[];
}

/**
 * How long a connection without requests is kept, if the application does not say so (`Keep-Alive: timeout=…`): less than the 5
 * seconds after which many servers close it, perhaps while a request is on its way. Milliseconds.
 */
const keptFor = 4000;

export class Upstream {
  readonly target: URL;
  readonly agent: Agent;
  readonly #place: { readonly host: string; readonly port: string };
  readonly #mostWaiting: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  /** @param origin as in `upstream` of the file */
  constructor(origin: string, { connections, waiting }: GatewayUpstreams) {
    this.target = new URL(origin);
    this.#free = connections;
    this.#mostWaiting = waiting;
    const { protocol, hostname, port } = this.target;
    const host = hostname.replace(/^\[|\]$/g, "");
    this.#place = { host, port };
    // The certificate is the application's, whatever host the request names. An address is in none by name.
    const servername = isIP(host) === 0 ? host : "";
    const kept = { keepAlive: true, timeout: keptFor };
    this.agent =
      protocol === "https:"
        ? new TlsAgent({ ...kept, servername, rejectUnauthorized: true })
        : new Agent(kept);
  }

  /** Begins a request on one of the connections. Throws if Node does not write what it is to say. */
  request({ method, path, headers }: Question): ClientRequest {
    const { agent } = this;
    const make = agent instanceof TlsAgent ? requestByTls : request;
    // As a list, headers are written as they are, at once.
    return make({ ...this.#place, agent, method, path, headers: headers as string[] });
  }

  /**
   * Takes a connection, for which it waits if there is none. Returns what gives it back, which also happens once `client`
   * closes; undefined if too many wait already, or the client is gone.
   */
  async take(client: EventEmitter & { readonly destroyed: boolean }): Promise<(() => void) | undefined> {
    if (this.#free === 0 && this.#waiting.size >= this.#mostWaiting) return undefined;
    if (this.#free > 0) this.#free -= 1;
    else if (!(await this.#turn(client))) return undefined;
    let isTaken = true;
    const giveBack = () => {
      if (!isTaken) return;
      isTaken = false;
      client.off("close", giveBack);
      this.#next();
    };
    client.once("close", giveBack);
    // Gone in the moment in which its turn came.
    if (client.destroyed) giveBack();
    return isTaken ? giveBack : undefined;
  }

  /** Closes the connections that are kept for later requests. */
  close(): void {
    this.agent.destroy();
  }

  /** Whether somebody has left a connection to the client, and it still wants one. */
  #turn(client: EventEmitter): Promise<boolean> {
    return new Promise((resolve) => {
      const left = () => {
        this.#waiting.delete(go);
        resolve(false);
      };
      const go = () => {
        client.off("close", left);
        resolve(true);
      };
      this.#waiting.add(go);
      client.once("close", left);
    });
  }

  /** Leaves a connection to whoever has waited longest. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) this.#free += 1;
    else {
      this.#waiting.delete(first);
      first();
    }
  }
}

/** Ends a request whose body stops coming, or is not taken, for as many milliseconds. */
export function endIdleUpload(
  incoming: EventEmitter & { readonly complete: boolean; readonly socket: SocketLike },
  outgoing: { readonly writableFinished: boolean },
  idle: number,
): void {
  if (incoming.complete) return;
  const { socket } = incoming;
  // Node closes the connection then.
  socket.setTimeout(idle);
  // Once it is answered, the same limit is that for the next request.
  incoming.once("end", () => outgoing.writableFinished || socket.setTimeout(0));
}

interface SocketLike {
  setTimeout(milliseconds: number): unknown;
}
