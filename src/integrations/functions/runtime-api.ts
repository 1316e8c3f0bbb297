/**
 * Lambda's Runtime API for one process ("Using the Lambda runtime API for custom runtimes", AWS Lambda Developer Guide):
 * the process asks for the next call and posts its answer.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { http } from "../../lib/node-http.ts";
import { failed, HandlerNotFound, type Invocation, largestPayload, NotBegun, tooLarge } from "./driver.ts";
import type { FunctionError } from "./functions.ts";
import { errorOf, objectOf } from "./post.ts";

export interface RuntimeApi {
  /** What the process finds as AWS_LAMBDA_RUNTIME_API. */
  listen(): Promise<string>;
  /** Resolves when the process asks for its first call. */
  readonly ready: Promise<void>;
  /** Has the process run a call. */
  run(invocation: Invocation): Promise<string>;
  /** The id of the call that runs, if one does. */
  readonly running: string | undefined;
  /** Ends what waits for the process, which has ended. */
  fail(error: FunctionError): void;
  close(): void;
}

const base = "/2018-06-01/runtime";

/** @param hidden whether the address has a secret path, which runtimes besides our own do not accept */
export function createRuntimeApi(hidden: boolean): RuntimeApi {
  const secret = hidden ? `/${randomBytes(16).toString("hex")}` : "";
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const exchange = createExchange();

  const server = http.createServer((request, response) => {
    const { method, url = "", headers } = request;
    // Pages in a browser on this machine could send requests, too, and say so.
    const isPage = headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
    if (isPage || !url.startsWith(`${secret}${base}/`))
      return answer(response, 403, { errorType: "Forbidden" });
    const path = url.slice(secret.length + base.length);
    if (method === "POST" && path === "/init/error")
      return void bodyOf(request).then((body) => {
        ready.reject(initError(body));
        answer(response, 202, accepted);
      }, ignore);
    if (method === "POST") return void exchange.posted(request, response, path).catch(ignore);
    if (method !== "GET" || path !== "/invocation/next")
      return answer(response, 404, { errorType: "NotFound" });
    ready.resolve();
    exchange.asked(response);
  });

  return {
    ready: ready.promise,
    listen: async () => {
      server.listen(0, loopbackAddress());
      await once(server, "listening");
      const { address, port } = server.address() as AddressInfo;
      return `${address}:${port}${secret}`;
    },
    get running() {
      return exchange.running;
    },
    run: exchange.run,
    fail: (error) => {
      ready.reject(error);
      exchange.fail(error);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const accepted = { status: "OK" };
/** For requests whose connection broke: whoever sent them is asked for nothing more. */
const ignore = () => {};

interface Running {
  readonly invocation: Invocation;
  resolve(answer: string): void;
  reject(error: FunctionError): void;
}

/** Hands calls to the process when it asks for them, and takes their answers. */
function createExchange() {
  let running: Running | undefined;
  /** The call that the process has not asked for yet, and the question that has no answer yet. */
  let next: Invocation | undefined;
  let asking: ServerResponse | undefined;
  const hand = () => {
    if (next === undefined || asking === undefined) return;
    asking.writeHead(200, headersOf(next)).end(next.event);
    next = undefined;
    asking = undefined;
  };
  return {
    get running() {
      return running?.invocation.id;
    },
    run: (invocation: Invocation): Promise<string> => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      running = { invocation, resolve, reject };
      next = invocation;
      hand();
      return promise;
    },
    asked: (response: ServerResponse) => {
      asking = response;
      response.once("close", () => {
        if (asking === response) asking = undefined;
      });
      hand();
    },
    posted: async (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> => {
      const body = await bodyOf(request);
      const [, id, what] = /^\/invocation\/([\w-]+)\/(response|error)$/.exec(path) ?? [];
      if (what === undefined) return answer(response, 404, { errorType: "NotFound" });
      const call = running;
      if (call === undefined || call.invocation.id !== id)
        return answer(response, 400, { errorType: "InvalidRequestID", errorMessage: "Invalid request ID" });
      running = undefined;
      if (what === "error") call.reject(reportedError(body));
      else if (body === undefined) call.reject(failed(tooLarge));
      else call.resolve(body);
      if (body !== undefined) return answer(response, 202, accepted);
      return answer(response, 413, { errorType: "RequestEntityTooLarge", errorMessage: tooLarge });
    },
    fail: (error: FunctionError) =>
      running?.reject(next === undefined ? error : new NotBegun("ServiceException", error)),
  };
}

/** An address that only this machine has; Linux has 16 million of them, among which it is not guessed. */
function loopbackAddress(): string {
  if (process.platform !== "linux") return "127.0.0.1";
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  return `127.${1 + (a % 254)}.${b}.${1 + (c % 254)}`;
}

function headersOf({ id, arn, deadline }: Invocation): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": id,
    "Lambda-Runtime-Deadline-Ms": String(deadline),
    "Lambda-Runtime-Invoked-Function-Arn": arn,
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

/** The body; undefined if it is too large, but read to its end, so that the sender hears of it. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= largestPayload) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= largestPayload ? Buffer.concat(chunks).toString() : undefined;
}

/** The error that a process reports. */
function reportedError(body: string | undefined): FunctionError {
  return errorOf(objectOf(body ?? ""));
}

function initError(body: string | undefined): FunctionError {
  const error = reportedError(body);
  return error.type === "Runtime.HandlerNotFound" ? new HandlerNotFound(error.message) : error;
}
