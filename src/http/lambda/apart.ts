/**
 * Lambda's Invoke API without a database: for the server whose functions `poolhouse functions serve` runs, and which
 * signs its calls with the one key of the configuration.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { FunctionLog } from "../../integrations/functions/driver.ts";
import type { Functions } from "../../integrations/functions/functions.ts";
import type { FunctionKey } from "../../lib/function-settings.ts";
import { Refusal } from "../../lib/refusal.ts";
import { credentialKeyId, readSignedRequest } from "../../lib/sigv4.ts";
import { checkSignature } from "../../lib/sigv4-check.ts";
import { holdings } from "../holdings.ts";
import { unknownKey, wireRequest } from "../signed-request.ts";
import { errorAnswer, eventOf, type InvokeAnswer, noSuchFunction, runFunction, tooLarge } from "./answer.ts";
import { isInvocation, readInvocation } from "./invocation.ts";

export interface ApartOptions {
  readonly functions: Functions;
  /** The key that signs calls. */
  readonly key: FunctionKey;
  readonly region: string;
  readonly accountId: string;
  readonly log: FunctionLog & { error(fields: object, message: string): void };
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

/** Answers calls of functions, and `GET /healthz`, which needs no signature. */
export function createInvokeListener(options: ApartOptions): RequestListener {
  return (incoming, outgoing) => {
    if (isInvocation(incoming)) void answerCall(incoming, outgoing, options);
    else if (incoming.method === "GET" && incoming.url === "/healthz") outgoing.writeHead(200).end("ok\n");
    else outgoing.writeHead(404, { connection: "close" }).end();
  };
}

async function answerCall(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: ApartOptions,
): Promise<void> {
  const requestId = randomUUID();
  const { status, headers, body, refusal } = await answer(incoming, requestId, options);
  if (refusal !== undefined)
    options.log.warn({ requestId, error: refusal.code, detail: refusal.detail }, refusal.message);
  outgoing.writeHead(status, {
    "content-length": Buffer.byteLength(body),
    "x-amzn-requestid": requestId,
    // What is left of a body that was refused is not read.
    ...(!incoming.complete && { connection: "close" }),
    ...headers,
  });
  outgoing.end(body);
}

async function answer(incoming: IncomingMessage, id: string, options: ApartOptions): Promise<InvokeAnswer> {
  try {
    const { functions, log: _log, ...place } = options;
    const { arn, type } = readInvocation(incoming, place);
    const event = eventOf(await signedBody(incoming, options));
    if (functions.find(arn) === undefined) throw noSuchFunction(arn);
    if (type === "DryRun") return { status: 204, body: "", headers: {} };
    return await runFunction(functions, arn, { id, event });
  } catch (error) {
    if (!(error instanceof Refusal)) options.log.error({ err: error, requestId: id }, "internal error");
    return errorAnswer(error, id);
  }
}

/** The body, which is read only if the call names the key. Throws a Refusal unless its signature is right. */
async function signedBody(
  incoming: IncomingMessage,
  { key, region, clock }: ApartOptions,
): Promise<Uint8Array> {
  const { authorization } = incoming.headers;
  if (authorization === undefined)
    throw new Refusal("MissingAuthenticationTokenException", "Missing Authentication Token");
  if (credentialKeyId(authorization) !== key.accessKeyId) throw unknownKey();
  const request = wireRequest(incoming, await readBody(incoming));
  const reading = readSignedRequest(request);
  if (reading.kind !== "signed")
    throw new Refusal("IncompleteSignatureException", reading.kind === "malformed" ? reading.reason : "");
  const check = checkSignature(reading, request, key.secretAccessKey, {
    now: clock(),
    services: ["lambda"],
    region,
  });
  if (!check.ok) throw new Refusal("InvalidSignatureException", check.message);
  return request.body;
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array> {
  const { bytes } = holdings.event.limit;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > bytes) throw new Refusal("RequestTooLargeException", tooLarge);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("SerializationException", "The request body did not arrive.");
  }
  return Buffer.concat(chunks);
}
