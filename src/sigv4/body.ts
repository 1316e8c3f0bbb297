/** Reads raw bodies, which signatures cover, and leaves them to the application. */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { SignatureError } from "./signature-error.ts";

/** A request of Node.js whose body was read, by `keepRawBody` or by a verifier. */
export interface WithRawBody {
  /** The bytes of the body as they were sent. */
  rawBody?: Uint8Array;
}

/**
 * Keeps the raw body for the verifier, where a parser comes before it: `express.json({ verify: keepRawBody })`. What was sent
 * compressed (Content-Encoding) was signed compressed, and cannot be verified then.
 */
export function keepRawBody(
  request: IncomingMessage & WithRawBody,
  _response: unknown,
  body: Uint8Array,
): void {
  request.rawBody = body;
}

/** The error of a body that is too large. */
const tooLarge = () => new SignatureError("too large", "Request Too Long");

/**
 * The raw body of a request of Node.js.
 * @param stream where it is read, if not from the request itself
 * @throws TypeError if somebody else has read it and kept nothing: without it nobody can say whether it was signed
 */
export async function readIncoming(
  request: IncomingMessage & WithRawBody,
  largest: number,
  stream: Readable = request,
): Promise<Uint8Array> {
  const { rawBody, headers } = request;
  if (rawBody !== undefined) {
    if (!(rawBody instanceof Uint8Array)) throw new TypeError("rawBody must be the bytes of the body.");
    return rawBody;
  }
  const hasNone =
    request.httpVersionMajor < 2 &&
    headers["transfer-encoding"] === undefined &&
    Number(headers["content-length"] ?? 0) === 0;
  if (hasNone) return new Uint8Array();
  if (stream.readableDidRead || stream.readableEnded || stream.destroyed)
    throw new TypeError(
      "The body was read before its signature was verified. Put the verifier before parsers of bodies, or give them keepRawBody.",
    );
  if (Number(headers["content-length"] ?? 0) > largest) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > largest) throw tooLarge();
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  request.rawBody = body;
  return body;
}

/** The raw body of a request of the Fetch standard, which can still be read afterwards. */
export async function readRequest(request: Request, largest: number): Promise<Uint8Array> {
  if (request.bodyUsed)
    throw new TypeError("The body was read before its signature was verified. Verify a request first.");
  if (request.body === null) return new Uint8Array();
  if (Number(request.headers.get("content-length") ?? 0) > largest) throw tooLarge();
  const reader = request.clone().body!.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.length;
    if (size > largest) {
      // The other half of the body is the request's own, which nobody will read.
      void reader.cancel();
      throw tooLarge();
    }
    chunks.push(read.value);
  }
  return Buffer.concat(chunks);
}
