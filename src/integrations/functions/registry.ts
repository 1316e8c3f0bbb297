/** The configured functions: which one an ARN names, and how often and for how long it is tried. */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { FunctionSettings } from "../../lib/function-settings.ts";
import { OperatorError } from "../../lib/operator-error.ts";
import {
  type Driver,
  type FunctionHost,
  HandlerNotFound,
  largestPayload,
  NotReadable,
  TemporaryError,
} from "./driver.ts";
import { FunctionError, type FunctionFacts, type Functions } from "./functions.ts";
import { createCallQueue } from "./turns.ts";

interface Call {
  readonly id: string;
  readonly arn: string;
  readonly event: string;
  /** How often it is tried at most; by default as the settings say. */
  readonly attempts?: number;
}

interface Registered extends FunctionFacts {
  run(call: Call): Promise<string>;
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface FunctionRegistry extends Functions {
  /**
   * Loads each handler that runs on this machine. Throws OperatorError if its file does not export it; what fails in
   * another way may work by the first call, and is logged.
   */
  check(): Promise<void>;
}

/** How long the second attempt waits after a failure that is not a lack of time; the third waits twice as long. */
const pauseMs = 100;

/** Prepares the functions. What runs them is loaded here, so nothing is if there are none. */
export async function createFunctions(
  settings: readonly FunctionSettings[],
  host: FunctionHost,
): Promise<FunctionRegistry> {
  const registered = new Map<string, Registered>();
  for (const one of settings) registered.set(one.name, register(one, await driverOf(one, host), host));
  const find = (arn: string) =>
    namesOf(arn)
      .map((name) => registered.get(name))
      .find((one) => one !== undefined);
  const run = async (call: Call): Promise<string> => {
    const found = find(call.arn);
    if (found === undefined) throw new FunctionError("unreachable", "ResourceNotFoundException");
    if (Buffer.byteLength(call.event) > largestPayload)
      throw new FunctionError("unreachable", "RequestTooLargeException");
    return found.run(call);
  };
  return {
    find,
    invoke: async (arn, event) => parse(await run({ id: randomUUID(), arn, event: JSON.stringify(event) })),
    call: (arn, call) => run({ ...call, arn, attempts: 1 }),
    check: async () => {
      const checkOf = ({ name }: FunctionSettings) => registered.get(name)!.check();
      const isLocal = (one: FunctionSettings) => "file" in one;
      const local = settings.filter(isLocal);
      // All at once, those that share a processor would take longer than a handler may to load.
      const inTurn = async () => {
        for (let one = local.shift(); one !== undefined; one = local.shift()) await checkOf(one);
      };
      const elsewhere = settings.filter((one) => !isLocal(one)).map(checkOf);
      await Promise.all([...elsewhere, ...Array.from({ length: availableParallelism() }, inTurn)]);
    },
    close: async () => {
      await Promise.all([...registered.values()].map((one) => one.close()));
    },
  };
}

/** The names under which a function can be configured: the ARN, the ARN without a qualifier, the function's name. */
function namesOf(arn: string): string[] {
  const parts = arn.split(":");
  if (parts[0] !== "arn") return [arn, parts[0]!];
  return [arn, parts.slice(0, 7).join(":"), parts[6] ?? ""];
}

async function driverOf(settings: FunctionSettings, host: FunctionHost): Promise<Driver> {
  switch (settings.run) {
    case "worker":
      return (await import("./worker.ts")).createDriver(settings, host);
    case "child":
      return (await import("./child.ts")).createDriver(settings, host);
    case "invoke":
      return (await import("./invoke.ts")).createDriver(settings, host);
    case "webhook":
      return (await import("./webhook.ts")).createDriver(settings, host);
  }
}

function register(
  settings: FunctionSettings,
  driver: Driver,
  { log, part = (whole) => whole }: FunctionHost,
): Registered {
  const { name, where, timeoutMs } = settings;
  const [concurrency, waiting] = [part(settings.concurrency), part(settings.queue)];
  const queue = createCallQueue({ concurrency, queue: waiting, patienceMs: timeoutMs });
  const closing = new AbortController();
  const again = (error: FunctionError) => error instanceof TemporaryError || error.fault === "late";
  const run = async ({ attempts = settings.attempts, ...call }: Call): Promise<string> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await driver.run({ ...call, deadline: Date.now() + timeoutMs });
      } catch (error) {
        if (!(error instanceof FunctionError) || error.fault === "failed") throw error;
        const { fault, message, cause } = error;
        const why = cause instanceof Error ? { cause: cause.message } : {};
        const last = attempt >= attempts || !again(error) || closing.signal.aborted;
        log.warn({ function: name, requestId: call.id, fault, attempt, last, ...why }, message);
        if (last) throw error;
        if (fault !== "late")
          await pause(pauseMs * attempt, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  };
  return {
    name,
    plainTextCodes: settings.plainTextCodes,
    ownKeyId: "ownKeyId" in settings ? settings.ownKeyId : settings.key?.accessKeyId,
    run: (call) => queue.run(() => run(call)),
    check: async () => {
      try {
        await driver.check();
      } catch (error) {
        if (error instanceof HandlerNotFound || error instanceof NotReadable)
          throw new OperatorError(`The function ${name} (${where}) cannot run: ${error.message}`);
        if (!(error instanceof FunctionError)) throw error;
        const problem =
          "file" in settings
            ? "the handler cannot be loaded"
            : `${new URL(settings.url).origin} cannot be reached`;
        log.warn({ function: name }, `${problem}: ${error.message}`);
      }
    },
    close: async () => {
      closing.abort();
      await driver.close();
    },
  };
}

function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    throw new FunctionError("unreadable", "The answer is not JSON.");
  }
}
