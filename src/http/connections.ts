/**
 * Limits on open connections, and on what waits for clients: unfinished TLS handshakes and answers that they have not
 * read. The limits are in holdings.ts; when one is reached, the address that holds most gives way.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Limits } from "../config/limits.ts";
import { networkOf } from "../lib/network.ts";
import { type Holding, Shares } from "../lib/shares.ts";
import type { Proxies } from "./client-address.ts";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

/** How often unread answers are measured. Milliseconds. */
const measureEvery = 500;

export interface ConnectionsOptions {
  readonly limits: Pick<Limits, "connections" | "answer-bytes">;
  /** Connections of trusted proxies carry requests of many clients: they are tracked but have no share. */
  readonly proxies: Pick<Proxies, "trusts" | "clientAddress">;
  readonly clock: Pick<MonotonicClock, "every">;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Connection>();
  /** Connections by the socket that their requests arrive on. */
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #counted: Shares<Connection>;
  readonly #handshakes: Shares<Connection>;
  /** Connections in a TLS handshake, by both ends: TLS makes a new socket, different from the accepted one. */
  readonly #shaking = new Map<string, Connection>();
  readonly #stop: () => void;
  #untaken = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const limit = Math.min(options.limits.connections, connectionsOf(openFiles()));
    this.#counted = new Shares(limit);
    this.#handshakes = new Shares(Math.ceil(limit / holdings.handshakes.limit.part));
    this.#stop = options.clock.every(measureEvery, () => this.#measureAnswers());
  }

  /** Number of open connections, including those of trusted proxies. */
  get open(): number {
    return this.#all.size;
  }

  /** Number of connections closed in favor of others since the start. */
  get gaveWay(): number {
    return this.#counted.gaveWay + this.#handshakes.gaveWay + this.#untaken;
  }

  /** Registers an accepted connection; closes it if there is no room. */
  opened(socket: Socket): Connection {
    const connection = new Connection(socket, !this.#options.proxies.trusts(socket.remoteAddress));
    this.#all.add(connection);
    this.#bySocket.set(socket, connection);
    socket.once("close", () => {
      this.#all.delete(connection);
      this.#counted.drop(connection);
    });
    if (connection.hasShare && !this.#counted.take(connection, 1)) socket.destroy();
    return connection;
  }

  /** Registers an accepted https connection, whose handshake begins. */
  openedForTls(socket: Socket): void {
    const connection = this.opened(socket);
    const endpoints = endpointsOf(socket);
    this.#shaking.set(endpoints, connection);
    socket.once("close", () => {
      this.#handshakes.drop(connection);
      if (this.#shaking.get(endpoints) === connection) this.#shaking.delete(endpoints);
    });
    if (connection.hasShare && !this.#handshakes.take(connection, 1)) socket.destroy();
  }

  /** Marks a TLS handshake as finished. @param socket the one that TLS has made */
  handshakeEnded(socket: Socket): void {
    const endpoints = endpointsOf(socket);
    const connection = this.#shaking.get(endpoints);
    if (connection === undefined) return;
    this.#shaking.delete(endpoints);
    this.#handshakes.drop(connection);
    this.#bySocket.set(socket, connection);
    connection.stream = socket;
  }

  /**
   * Registers a request. Returns false if it must not be answered, since too many are under way on its connection. The
   * last answer before it then says so, and the connection is closed after that; unanswered requests may be sent again
   * (RFC 9112 sections 9.3.2 and 9.6).
   */
  asked({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined || socket.destroyed) return !socket.destroyed;
    const { answers } = connection;
    connection.hasAsked = true;
    answers.add(response);
    response.once("close", () => {
      answers.delete(response);
      if (answers.size === 0) this.#counted.touch(connection);
    });
    const { requests } = holdings.pipeline.limit;
    // Most have fewer, and need no closer look.
    if (answers.size <= requests || [...answers].filter(isInProgress).length <= requests) {
      connection.last = response;
      return true;
    }
    if (connection.last?.headersSent === false) connection.last.setHeader("connection", "close");
    else connection.giveWay();
    return false;
  }

  /** Whether an answer is being sent on this connection. */
  isAnswering(socket: Socket): boolean {
    const { answers } = this.#bySocket.get(socket) ?? {};
    return answers !== undefined && [...answers].some(({ headersSent }) => headersSent);
  }

  /** Closes connections that have never sent a request. */
  closeUnused(): void {
    for (const connection of this.#all) if (!connection.hasAsked) connection.giveWay();
  }

  /** Stops the timers. */
  close(): void {
    this.#stop();
  }

  /** Measures unread answers; they are counted only here, so that sending them costs nothing extra. */
  #measureAnswers(): void {
    const answers = new Shares<Holding>(this.#options.limits["answer-bytes"]);
    for (const connection of this.#all) {
      for (const answer of connection.answers) {
        if (answer.writableLength === 0) continue;
        connection.limitSilence();
        answers.add(
          connection.hasShare ? connection : this.#ofClient(connection, answer),
          answer.writableLength,
        );
      }
    }
    answers.settle();
    this.#untaken += answers.gaveWay;
  }

  /** Counts an answer through a trusted proxy for its client. */
  #ofClient(connection: Connection, { req }: ServerResponse): Holding {
    const address = networkOf(this.#options.proxies.clientAddress(req));
    return { address, giveWay: () => connection.giveWay() };
  }
}

/** Whether an answer is still being produced; afterwards it takes nothing but its bytes. */
const isInProgress = ({ writableEnded }: ServerResponse) => !writableEnded;

class Connection implements Holding {
  readonly address: string;
  /** Whether it counts towards a share; those of trusted proxies do not. */
  readonly hasShare: boolean;
  /** Responses to the requests that are being answered. */
  readonly answers = new Set<ServerResponse>();
  /** Whether it has sent a request yet: browsers open connections in advance. */
  hasAsked = false;
  /** The response to the latest request that is answered. */
  last: ServerResponse | undefined;
  /** The socket for requests and answers: the TLS socket if there is one. */
  stream: Socket;
  readonly #socket: Socket;

  constructor(socket: Socket, hasShare: boolean) {
    this.address = networkOf(socket.remoteAddress ?? "");
    this.hasShare = hasShare;
    this.#socket = socket;
    this.stream = socket;
  }

  giveWay(): void {
    this.#socket.destroy();
  }

  /**
   * Has Node close the connection if none of its answers is read for too long; Node resets this with the next request.
   */
  limitSilence(): void {
    if (this.stream.timeout !== silence) this.stream.setTimeout(silence);
  }

  /** Whether it is idle between requests: its client would simply connect again. */
  isSpare(): boolean {
    return this.hasAsked && this.answers.size === 0;
  }
}

const silence = holdings.answerTime.limit.seconds * 1000;

/** Identifies a connection by both of its ends. */
const endpointsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

function connectionsOf(files: number): number {
  const { kept, least } = holdings.files.limit;
  return Math.max(least, files - kept);
}

/** How many files the system lets this process open (Linux); infinite if it does not say. */
function openFiles(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(limit ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
