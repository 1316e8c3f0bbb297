/** Loaded into the server by dev.ts: Node would wait at its end until every debugger has left, and not start again. */
import { close } from "node:inspector";
import { isMainThread } from "node:worker_threads";

if (isMainThread) process.on("exit", () => close());
