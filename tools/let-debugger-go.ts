/**
 * Loaded into the server by dev.ts: otherwise Node would wait at exit until every debugger has detached, and not
 * restart.
 */
import { close } from "node:inspector";
import { isMainThread } from "node:worker_threads";

if (isMainThread) process.on("exit", () => close());
