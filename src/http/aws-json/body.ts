/** Reads request bodies: each up to a limit, all together within a budget, whatever the clients send. */
import type { Refusal } from "../../lib/refusal.ts";
import { refusal } from "../../wire/refuse.ts";

export interface BodyReader {
  /** The raw bytes, which the signature covers; a refusal when there are too many or they never came. */
  read(request: Request, limit: number): Promise<Uint8Array | Refusal>;
}

/** @param budget bytes that all bodies together may hold */
export function createBodyReader(budget: number): BodyReader {
  let held = 0;

  async function collect(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array | Refusal> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of body) {
        length += chunk.length;
        held += chunk.length;
        if (length > limit)
          return refusal("SerializationException", `The request body has more than ${limit} bytes.`);
        if (held > budget)
          return refusal("TooManyRequestsException", "Rate exceeded", "too many bytes in flight");
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch {
      return refusal("SerializationException", "The request body did not arrive.");
    } finally {
      held -= length;
    }
  }

  return {
    read: async (request, limit) => {
      const declared = Number(request.headers.get("content-length") ?? 0);
      if (limit === 0 || request.body === null) return new Uint8Array();
      if (declared > limit)
        return refusal("SerializationException", `The request body has more than ${limit} bytes.`);
      return collect(request.body as unknown as AsyncIterable<Uint8Array>, limit);
    },
  };
}
