/**
 * Reads request bodies: each up to a limit and no slower than a pace, all together within a budget. When that is spent, the
 * address whose bodies take most of it gives way to one whose take less (lib/shares.ts): the body of which nothing came for
 * longest is given up. So bodies that stop short cost nobody but their sender.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refusal } from "../lib/refusal.ts";
import { type Holding, Shares } from "../lib/shares.ts";
import { refusal, refusalFor } from "../wire/refuse.ts";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

/** A request and the answer to it, as Node has them. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: Pick<ServerResponse, "headersSent" | "setHeader">;
}

/** Why there is no body: it has too many bytes, they came too slowly or never, or others go first with theirs. */
export type Unread = "too long" | "late" | "others first";

export interface Bodies {
  /**
   * The raw bytes, which the signature covers. Where they are late, or others go first, the connection ends with the answer.
   * @param address whose bytes they are
   */
  read(exchange: Exchange, address: string, limit: number): Promise<Uint8Array | Unread>;
  /** Bytes that are held now. */
  readonly held: number;
  /** Bodies that were given up for others, since the start. */
  readonly gaveWay: number;
  /** Ends the measuring. */
  close(): void;
}

/** A body that is under way. */
interface Reading extends Holding {
  /** Bytes until now. */
  length: number;
  /** Until when it kept its pace, and what had come by then. */
  since: number;
  lengthThen: number;
  readonly giveUp: (why: Unread) => void;
}

const nothing = new Uint8Array();

/** How often paces are looked at. Milliseconds. */
const lookEvery = 1_000;

/** @param budget bytes that all bodies together may hold */
export function createBodies(budget: number, { elapsed, every }: MonotonicClock): Bodies {
  const shares = new Shares<Reading>(budget);
  const readings = new Set<Reading>();
  const { bytes, seconds } = holdings.bodyPace.limit;

  const stop = every(lookEvery, () => {
    const now = elapsed();
    for (const reading of readings) {
      if (reading.length - reading.lengthThen >= bytes) {
        reading.since = now;
        reading.lengthThen = reading.length;
      } else if (now - reading.since >= seconds * 1000) reading.giveUp("late");
    }
  });

  return {
    read: async (exchange, address, limit) => {
      if (limit === 0) return nothing;
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

/** Bytes that a body is said to have; undefined where that is not said. */
export function announcedLength({ headers }: IncomingMessage): number | undefined {
  return headers["transfer-encoding"] === undefined ? Number(headers["content-length"] ?? 0) : undefined;
}

/** The refusal of the AWS API. */
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
