/** Loaded with --import: writes how many modules the program has loaded when it ends into the file BENCH_MODULES. */
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";

let count = 0;
registerHooks({
  load(url, context, next) {
    if (url.startsWith("file:")) count += 1;
    return next(url, context);
  },
});
process.on("exit", () => writeFileSync(process.env.BENCH_MODULES, String(count)));
