/**
 * `npm run dev [-- flags of serve]`: runs the demo server and restarts it whenever a file of src/ changes, with a
 * debugger at 127.0.0.1:9229. Its data is in ./poolhouse-dev-data unless POOLHOUSE_DATA or --data says otherwise.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { heapFlags, threadPoolSize } from "../src/lib/node-flags.ts";
import { keepRunning } from "./restart.ts";

const root = join(import.meta.dirname, "..");
const folder = join(root, "src");
const debug = ["--inspect=127.0.0.1:9229", `--import=${new URL("let-debugger-go.ts", import.meta.url)}`];
const flags = [...debug, ...heapFlags];
const args = [...flags, join(folder, "main.ts"), "serve", "--demo", ...process.argv.slice(2)];
// With the size of the thread pool set, the server does not restart itself, which would lose the debugger.
const env = {
  NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "poolhouse"),
  POOLHOUSE_DATA: join(root, "poolhouse-dev-data"),
  UV_THREADPOOL_SIZE: threadPoolSize(),
  ...process.env,
};

const server = keepRunning({
  folder,
  start: () => spawn(process.execPath, args, { env, stdio: "inherit" }),
  say: (text) => console.log(`npm run dev: ${text}`),
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => void server.stop(signal).then((code) => process.exit(code)));
