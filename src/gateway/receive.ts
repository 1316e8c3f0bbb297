/** Requests as Node receives them: answered here, or passed. What serve.ts and the middleware have in common. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Decision } from "./admission.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import { type Received, UnclearRequest } from "./node-request.ts";
import { answerRefused } from "./refused.ts";
import { goOn, send } from "./send.ts";

/** A request that may go on to the application. */
export interface Passed {
  readonly received: Received;
  readonly decision: Decision & { readonly kind: "pass" };
}

/** Answers a request for the gateway itself, or one that is refused or has to sign in; else says as whom it passes. */
export async function answerOrPass(
  gateway: Gateway,
  received: Received,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Passed | undefined> {
  const own = await gateway.answer(received, (most) => {
    goOn(incoming, outgoing);
    return readBody(incoming, most);
  });
  if (own !== undefined) {
    await send(incoming, outgoing, own);
    return undefined;
  }
  const decision = await gateway.admit(received);
  switch (decision.kind) {
    case "pass":
      return { received, decision };
    case "sign-in":
      outgoing.writeHead(302, { location: decision.location, "cache-control": "no-store" }).end();
      return undefined;
    case "refused":
      await send(incoming, outgoing, answerRefused(received, decision));
      return undefined;
  }
}

/** A request's body is larger than may be. */
export class BodyTooLarge extends Error {
  override name = "BodyTooLarge";
}

/** How long the body of a request for the gateway itself may take. Milliseconds. */
const bodyPatience = 20_000;

async function readBody(
  incoming: IncomingMessage & { readonly body?: unknown },
  most: number,
): Promise<string> {
  if (incoming.readableEnded && incoming.body !== undefined)
    return parsedText(incoming.body, incoming.headers["content-type"]);
  const parts: Buffer[] = [];
  let length = 0;
  const patience = setTimeout(() => incoming.destroy(), bodyPatience).unref();
  try {
    for await (const part of incoming as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > most) throw new BodyTooLarge();
      parts.push(part);
    }
  } finally {
    clearTimeout(patience);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** The body as a parser has left it that stands before the gateway, and has read the request to its end. */
function parsedText(body: unknown, type = ""): string {
  if (typeof body === "string") return body;
  if (Buffer.isBuffer(body)) return body.toString("utf8");
  if (type.startsWith("application/json")) return JSON.stringify(body);
  return new URLSearchParams(body as Record<string, string>).toString();
}

/** The status of a request that could not be answered; what was not the client's fault is logged. */
export function failureStatus(log: Log, error: unknown): number {
  const status = error instanceof UnclearRequest ? error.status : error instanceof BodyTooLarge ? 413 : 500;
  if (status === 500) log.error({ detail: String(error) }, "A request failed.");
  return status;
}

/** Answers a request that could not be answered. */
export function answerFailure(log: Log, outgoing: ServerResponse, error: unknown): void {
  const status = failureStatus(log, error);
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing
    .writeHead(status, { "content-type": "text/plain", connection: "close" })
    .end(`${STATUS_CODES[status]}\n`);
}
