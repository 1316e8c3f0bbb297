/**
 * Reads request bodies: each up to a size limit and no slower than a minimum rate, all of them within one memory
 * budget. When the budget is spent, the address whose bodies take most of it gives way to one whose take less
 * (lib/shares.ts): its body that has been silent longest is dropped. So stalled bodies cost nobody but their sender.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refusal } from "../lib/refusal.ts";
import { type Holding, Shares } from "../lib/shares.ts";
import { refusal, refusalFor } from "../wire/refuse.ts";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

/** A request and its response, as Node's objects. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** Why a body was not read: it is too long, came too slowly or not at all, or was dropped in favor of others. */
export type Unread = "too long" | "late" | "others first";

export interface Bodies {
  /**
   * The raw bytes, which the signature covers. If they are late or dropped in favor of others, the connection is closed
   * after the answer.
   * @param address the client's address, which the bytes are counted for
   */
  read(exchange: Exchange, address: string, limit: number): Promise<Uint8Array | Unread>;
  /**
   * The raw bytes of a body that has arrived whole, as most have by the time they are asked for; undefined if it has not, is
   * empty, or `read` has to decide about it.
   */
  readAtOnce(incoming: IncomingMessage, limit: number): Uint8Array | undefined;
  /** Bytes held now. */
  readonly held: number;
  /** Bodies dropped in favor of others since the start. */
  readonly gaveWay: number;
  /** Stops the timers. */
  close(): void;
}

/** A body that is being read. */
interface Reading extends Holding {
  /** Bytes received so far. */
  length: number;
  /** Start of the current rate check, and the bytes received by then. */
  since: number;
  lengthThen: number;
  readonly giveUp: (why: Unread) => void;
}

const nothing = new Uint8Array();

/** How often rates are checked. Milliseconds. */
const checkEvery = 1_000;

/** Creates the reader. @param budget bytes that all bodies together may hold */
export function createBodies(budget: number, { elapsed, every }: MonotonicClock): Bodies {
  const shares = new Shares<Reading>(budget);
  const readings = new Set<Reading>();
  const { bytes, seconds } = holdings.bodyPace.limit;

  const readAtOnce = (incoming: IncomingMessage, limit: number) => {
    const { readableLength: length } = incoming;
    // Nobody has to make room for what is there already.
    const fits = length > 0 && length <= limit && shares.total + length <= budget;
    return fits && hasArrived(incoming) ? takeAll(incoming) : undefined;
  };

  const stop = every(checkEvery, () => {
    const now = elapsed();
    for (const reading of readings) {
      if (reading.length - reading.lengthThen >= bytes) {
        reading.since = now;
        reading.lengthThen = reading.length;
      } else if (now - reading.since >= seconds * 1000) reading.giveUp("late");
    }
  });

  return {
    readAtOnce,
    read: async (exchange, address, limit) => {
      if (limit === 0) return nothing;
      const whole = readAtOnce(exchange.incoming, limit);
      if (whole !== undefined) return whole;
      const announced = announcedLength(exchange.incoming) ?? 0;
      if (announced > limit) return "too long";
      if (shares.isFullFor(address, announced)) {
        endWithAnswer(exchange);
        return "others first";
      }
      const { reading, body } = collect(exchange, { address, limit, since: elapsed(), shares });
      readings.add(reading);
      const read = await body;
      readings.delete(reading);
      return read;
    },
    get held() {
      return shares.total;
    },
    get gaveWay() {
      return shares.gaveWay;
    },
    close: stop,
  };
}

/**
 * Whether all of a body is here and nobody has begun to read it. If it came along with the headers, Node has it before it
 * notices that it was the last of the request.
 */
function hasArrived(incoming: IncomingMessage): boolean {
  if (incoming.destroyed || incoming.readableFlowing !== null) return false;
  return incoming.complete || incoming.readableLength === announcedLength(incoming);
}

/** Takes all that has arrived, so that the request is at its end. */
function takeAll(incoming: IncomingMessage): Uint8Array {
  const body = incoming.read() as Buffer;
  // Otherwise Node would keep the request until the connection's next one.
  if (!incoming.complete) incoming.resume();
  return body;
}

interface Collecting {
  readonly address: string;
  readonly limit: number;
  readonly since: number;
  readonly shares: Shares<Reading>;
}

function collect(
  { incoming, outgoing }: Exchange,
  { address, limit, since, shares }: Collecting,
): { readonly reading: Reading; readonly body: Promise<Uint8Array | Unread> } {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | Unread>();
  const chunks: Buffer[] = [];
  const finish = (result: Uint8Array | Unread) => {
    shares.drop(reading);
    incoming.off("data", take).off("end", end).off("close", lost);
    resolve(result);
  };
  const giveUp = (why: Unread) => {
    endWithAnswer({ outgoing });
    finish(why);
  };
  const take = (chunk: Buffer) => {
    reading.length += chunk.length;
    if (reading.length > limit) return finish("too long");
    if (!shares.take(reading, chunk.length)) return giveUp("others first");
    chunks.push(chunk);
  };
  const end = () => finish(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  const lost = () => finish("late");
  const giveWay = () => giveUp("others first");
  const reading: Reading = { address, length: 0, since, lengthThen: 0, giveUp, giveWay };
  incoming.on("data", take).on("end", end).on("close", lost);
  return { reading, body: promise };
}

function endWithAnswer({ outgoing }: Pick<Exchange, "outgoing">): void {
  if (!outgoing.headersSent) outgoing.setHeader("connection", "close");
}

/** The announced length of a body in bytes; undefined if it is not announced. */
export function announcedLength({ headers }: IncomingMessage): number | undefined {
  return headers["transfer-encoding"] === undefined ? Number(headers["content-length"] ?? 0) : undefined;
}

/** The Refusal with which the AWS API answers. */
export function refusalOf(why: Unread, limit: number): Refusal {
  switch (why) {
    case "too long":
      return refusal("SerializationException", `The request body has more than ${limit} bytes.`);
    case "late":
      return refusal("SerializationException", "The request body did not arrive in time.");
    case "others first":
      return refusalFor("tooMany", { detail: "others go first with bodies" });
  }
}
