/** Reads request bodies: each up to a limit, all together within a budget, whatever the clients send. */
import type { IncomingMessage } from "node:http";
import type { Refusal } from "../lib/refusal.ts";
import { refusal } from "../wire/refuse.ts";

export interface BodyReader {
  /** The raw bytes, which the signature covers; a refusal when there are too many or they never came. */
  read(incoming: IncomingMessage, limit: number): Promise<Uint8Array | Refusal>;
}

const nothing = new Uint8Array();

/** @param budget bytes that all bodies together may hold */
export function createBodyReader(budget: number): BodyReader {
  let held = 0;

  const collect = (incoming: IncomingMessage, limit: number) =>
    new Promise<Uint8Array | Refusal>((resolve) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const finish = (result: Uint8Array | Refusal) => {
        held -= length;
        length = 0;
        incoming.off("data", take).off("end", end).off("close", lost);
        resolve(result);
      };
      const take = (chunk: Buffer) => {
        length += chunk.length;
        held += chunk.length;
        if (length > limit) return finish(tooLong(limit));
        if (held > budget)
          return finish(refusal("TooManyRequestsException", "Rate exceeded", "too many bytes in flight"));
        chunks.push(chunk);
      };
      const end = () => finish(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      const lost = () => finish(refusal("SerializationException", "The request body did not arrive."));
      incoming.on("data", take).on("end", end).on("close", lost);
    });

  return {
    read: async (incoming, limit) => {
      if (limit === 0) return nothing;
      if (Number(incoming.headers["content-length"] ?? 0) > limit) return tooLong(limit);
      return collect(incoming, limit);
    },
  };
}

const tooLong = (limit: number): Refusal =>
  refusal("SerializationException", `The request body has more than ${limit} bytes.`);
