/**
 * Loads and calls a handler as Lambda's Node.js runtimes do ("Define Lambda function handler in Node.js", AWS Lambda
 * Developer Guide): asynchronous ones, and those of earlier runtimes that answer by a callback or by context.done.
 * Part of the programs that run handlers, not of the server.
 */
import { registerHooks } from "node:module";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { largestPayload, tooLarge } from "./driver.ts";

type Callback = (error: unknown, answer?: unknown) => void;
export type Handler = (event: unknown, context: object, callback: Callback) => unknown;

/** What the context object tells the handler. */
export interface Call {
  readonly id: string;
  readonly arn: string;
  /** Epoch milliseconds. */
  readonly deadline: number;
}

export interface FunctionFacts {
  readonly name: string;
  readonly memoryMb: number;
}

/** An error as Lambda reports it. */
export interface ReportedError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** @param name the name of the export, or of a member of an exported object: `a.b` */
export async function loadHandler(file: string, name: string): Promise<Handler> {
  const address = pathToFileURL(file).href;
  const module = (await import(address)) as Record<string, unknown>;
  for (const exports of [module, module["default"]]) {
    let found: unknown = exports;
    let owner: unknown;
    for (const part of name.split(".")) {
      owner = found;
      const inside = (typeof found === "object" && found !== null) || typeof found === "function";
      found = inside ? (found as Record<string, unknown>)[part] : undefined;
    }
    if (typeof found === "function") return found.bind(owner) as Handler;
  }
  const missing = new Error(`${basename(file)} exports no function ${name}.`);
  missing.name = "Runtime.HandlerNotFound";
  throw missing;
}

export interface EventLoop {
  /** Calls back once the handler has left nothing to do; a later call of `whenEmpty` replaces it. */
  whenEmpty(callback: (() => void) | undefined): void;
}

/**
 * The event loop of this thread, in which nothing may be pending while a handler runs but what the handler does.
 * @param stay keeps the thread alive, called before anybody learns that the event loop is empty
 */
export function watchEventLoop(stay: () => void): EventLoop {
  let waiting: (() => void) | undefined;
  process.on("beforeExit", () => {
    const callback = waiting;
    waiting = undefined;
    if (callback === undefined) return;
    stay();
    callback();
  });
  return {
    whenEmpty: (callback) => {
      waiting = callback;
    },
  };
}

/** Calls back with the first error that nothing caught. Whoever gets it ends the process, as Lambda does. */
export function onUncaught(callback: (error: ReportedError) => void): void {
  const uncaught = (error: unknown) => {
    const described = reported(error);
    process.stderr.write(`Uncaught ${printed(described)}\n`);
    callback(described);
  };
  process.on("uncaughtException", uncaught);
  process.on("unhandledRejection", uncaught);
}

/** The exit status of a process that ends over an error that nothing caught, as with Lambda. */
export const uncaughtStatus = 129;

/** The modules that a handler consists of, besides packages, from now on. */
export function watchModules(file: string): ReadonlySet<string> {
  const files = new Set([file]);
  registerHooks({
    load: (url, context, next) => {
      if (url.startsWith("file:") && !url.includes("/node_modules/")) files.add(fileURLToPath(url));
      return next(url, context);
    },
  });
  return files;
}

/** Calls the handler once, and resolves with its answer as JSON. */
export async function callHandler(
  handler: Handler,
  event: string,
  call: Call,
  { facts, loop }: { readonly facts: FunctionFacts; readonly loop: EventLoop },
): Promise<string> {
  const answer = await new Promise<unknown>((resolve, reject) => {
    let answered = false;
    const settle = (error: unknown, value: unknown) => {
      loop.whenEmpty(undefined);
      if (error === undefined || error === null) resolve(value);
      else reject(error);
    };
    const context = {
      ...contextOf(call, facts),
      callbackWaitsForEmptyEventLoop: true,
      done: (error?: unknown, value?: unknown) => {
        context.callbackWaitsForEmptyEventLoop = false;
        callback(error, value);
      },
      succeed: (value?: unknown) => context.done(null, value),
      fail: (error?: unknown) => context.done(error ?? new Error("handled"), undefined),
    };
    const callback: Callback = (error, value) => {
      if (answered) return;
      answered = true;
      if (context.callbackWaitsForEmptyEventLoop) loop.whenEmpty(() => settle(error, value));
      else settle(error, value);
    };
    // Nothing can answer any more once the event loop is empty.
    loop.whenEmpty(() => settle(undefined, null));
    const returned = handler(JSON.parse(event), context, callback);
    if (isPromise(returned)) {
      const ended = () => settle(neverSettled(), undefined);
      if (!answered) loop.whenEmpty(ended);
      returned.then(
        (value) => settle(undefined, value),
        (error) => settle(error ?? new Error(String(error)), undefined),
      );
    } else if (returned !== undefined && handler.length < 3) settle(undefined, returned);
  });
  return jsonOf(answer);
}

function contextOf({ id, arn, deadline }: Call, { name, memoryMb }: FunctionFacts) {
  return {
    functionName: name,
    functionVersion: "$LATEST",
    invokedFunctionArn: arn,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: id,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: `poolhouse/[$LATEST]${process.pid}`,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function neverSettled(): Error {
  const error = new Error(
    "The handler's promise was never settled, and nothing is left that could settle it.",
  );
  error.name = "Runtime.NodeJsExit";
  return error;
}

/** An answer as JSON; undefined becomes null. */
function jsonOf(answer: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(answer) ?? "null";
  } catch (cause) {
    throw new Error("Unable to stringify response body", { cause });
  }
  if (Buffer.byteLength(text) > largestPayload) throw new Error(tooLarge);
  return text;
}

/** Whatever was thrown, as Lambda reports it. */
function reported(error: unknown): ReportedError {
  if (error instanceof Error || (typeof error === "object" && error !== null && "message" in error)) {
    const { name, message, stack } = error as Error;
    return {
      errorType: String(name ?? "Error"),
      errorMessage: String(message),
      trace: String(stack ?? "").split("\n"),
    };
  }
  const text = typeof error === "object" && error !== null ? inspect(error) : String(error);
  return { errorType: typeof error, errorMessage: text, trace: [] };
}

/** Prints an error and describes it. */
export function report(error: unknown): ReportedError {
  const described = reported(error);
  process.stderr.write(`${printed(described)}\n`);
  return described;
}

/** What a runtime prints about an error. */
function printed({ errorType, errorMessage, trace }: ReportedError): string {
  return trace.length > 0 ? trace.join("\n") : `${errorType}: ${errorMessage}`;
}
