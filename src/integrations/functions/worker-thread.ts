/** The thread of worker.ts: loads one handler, and runs one call at a time. */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import {
  callHandler,
  loadHandler,
  onUncaught,
  report,
  uncaughtStatus,
  watchEventLoop,
  watchModules,
} from "./handler.ts";
import type { FromThread, ThreadData, ToThread } from "./worker.ts";

// On Linux this lowers the priority of this thread only, below that of the one that answers requests.
if (process.platform === "linux") setPriority(0, 5);

const { file, handler: name, facts, outputBytes } = workerData as ThreadData;
const port = parentPort!;
const send = (message: FromThread) => port.postMessage(message);

onUncaught(({ errorMessage }) => {
  send({ died: errorMessage });
  process.exit(uncaughtStatus);
});

const loop = watchEventLoop(() => port.ref());
const output = limitOutput();
const files = watchModules(file);

try {
  const handler = await loadHandler(file, name);
  port.on("message", async ({ event, ...call }: ToThread) => {
    output.begin();
    // Only what the handler does keeps the event loop busy while it runs.
    port.unref();
    try {
      send({ answer: await callHandler(handler, event, call, { facts, loop }) });
    } catch (error) {
      const { errorType: type, errorMessage } = report(error);
      send({ failed: errorMessage, type });
    }
    port.ref();
  });
  send({ loaded: [...files] });
} catch (error) {
  const { errorType, errorMessage } = report(error);
  send({ notLoaded: errorMessage, missing: errorType === "Runtime.HandlerNotFound" });
}

/** Discards what a call prints beyond its share. It would pile up before the server's thread can discard it. */
function limitOutput(): { begin(): void } {
  let left = outputBytes;
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      left -= chunk.length;
      if (left >= 0) return write(chunk, ...rest);
      const done = rest.at(-1);
      if (typeof done === "function") process.nextTick(done);
      return true;
    }) as typeof stream.write;
  }
  return {
    begin: () => {
      left = outputBytes;
    },
  };
}
