/**
 * Who has how many connections open, and how much of the server waits for them to go on: TLS handshakes that have not
 * ended, answers that are not taken. Of each there is so much (holdings.ts), and whoever holds most gives way.
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

/** How often it is looked at what waits to be taken. Milliseconds. */
const lookEvery = 500;

export interface ConnectionsOptions {
  readonly limits: Pick<Limits, "connections" | "answer-bytes">;
  /** Connections of trusted proxies are many clients': they are followed, and held to no share. */
  readonly proxies: Pick<Proxies, "trusts" | "clientAddress">;
  readonly clock: Pick<MonotonicClock, "every">;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Connection>();
  /** By the socket that requests come by. */
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #counted: Shares<Connection>;
  readonly #handshakes: Shares<Connection>;
  /** Those by both ends, since the socket that TLS makes is another than the one that came. */
  readonly #shaking = new Map<string, Connection>();
  readonly #stop: () => void;
  #untaken = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const limit = Math.min(options.limits.connections, connectionsOf(openFiles()));
    this.#counted = new Shares(limit);
    this.#handshakes = new Shares(Math.ceil(limit / holdings.handshakes.limit.part));
    this.#stop = options.clock.every(lookEvery, () => this.#lookAtAnswers());
  }

  /** How many are open, trusted proxies' included. */
  get open(): number {
    return this.#all.size;
  }

  /** How many were closed for others, since the start. */
  get gaveWay(): number {
    return this.#counted.gaveWay + this.#handshakes.gaveWay + this.#untaken;
  }

  /** One has come; it is closed again where there is no room. */
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

  /** One for https has come: a handshake begins. */
  openedForTls(socket: Socket): void {
    const connection = this.opened(socket);
    const ends = endsOf(socket);
    this.#shaking.set(ends, connection);
    socket.once("close", () => {
      this.#handshakes.drop(connection);
      if (this.#shaking.get(ends) === connection) this.#shaking.delete(ends);
    });
    if (connection.hasShare && !this.#handshakes.take(connection, 1)) socket.destroy();
  }

  /** @param socket the one that TLS has made */
  handshakeEnded(socket: Socket): void {
    const ends = endsOf(socket);
    const connection = this.#shaking.get(ends);
    if (connection === undefined) return;
    this.#shaking.delete(ends);
    this.#handshakes.drop(connection);
    this.#bySocket.set(socket, connection);
    connection.stream = socket;
  }

  /**
   * A request has come. False: it is not to be answered, since as many are under way on its connection as may be. The
   * answer to the last of those says so, and the connection is closed after it: what was not answered may be sent again
   * (RFC 9112 §9.3.2, §9.6).
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
    // Most have fewer, and nobody looks closer.
    if (answers.size <= requests || [...answers].filter(isUnderWay).length <= requests) {
      connection.last = response;
      return true;
    }
    if (connection.last?.headersSent === false) connection.last.setHeader("connection", "close");
    else connection.giveWay();
    return false;
  }

  /** Whether an answer has begun to go out by it. */
  isAnswering(socket: Socket): boolean {
    const { answers } = this.#bySocket.get(socket) ?? {};
    return answers !== undefined && [...answers].some(({ headersSent }) => headersSent);
  }

  /** Closes those that have never asked anything. */
  closeUnused(): void {
    for (const connection of this.#all) if (!connection.hasAsked) connection.giveWay();
  }

  /** Ends the measuring. */
  close(): void {
    this.#stop();
  }

  /** Answers cost nothing to count until it is looked at them. */
  #lookAtAnswers(): void {
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

  /** An answer that a trusted proxy passes on is its client's. */
  #ofClient(connection: Connection, { req }: ServerResponse): Holding {
    const address = networkOf(this.#options.proxies.clientAddress(req));
    return { address, giveWay: () => connection.giveWay() };
  }
}

/** What was answered and waits for its turn to go out takes nothing but its bytes. */
const isUnderWay = ({ writableEnded }: ServerResponse) => !writableEnded;

class Connection implements Holding {
  readonly address: string;
  /** Whether it counts: those of trusted proxies do not. */
  readonly hasShare: boolean;
  /** Of the requests that are being answered. */
  readonly answers = new Set<ServerResponse>();
  /** Whether anything was asked yet: browsers open connections in advance. */
  hasAsked = false;
  /** The answer to the latest request that is answered. */
  last: ServerResponse | undefined;
  /** What requests come by and answers go out by: that of TLS, where there is one. */
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

  /** Has Node close it when nothing of its answers is taken for too long; with the next request Node forgets that. */
  limitSilence(): void {
    if (this.stream.timeout !== silence) this.stream.setTimeout(silence);
  }

  /** It waits for a next request, and whoever asks that would connect again. */
  isSpare(): boolean {
    return this.hasAsked && this.answers.size === 0;
  }
}

const silence = holdings.answerTime.limit.seconds * 1000;

/** What a connection is told by on both its ends. */
const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

function connectionsOf(files: number): number {
  const { kept, least } = holdings.files.limit;
  return Math.max(least, files - kept);
}

/** How many files the system lets this process open, as far as it says so (Linux). */
function openFiles(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(limit ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
