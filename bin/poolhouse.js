#!/usr/bin/env node
/**
 * The command `poolhouse`. Plain, old JavaScript, so that a Node.js too old for the program says so instead of failing
 * on its syntax. A clone runs its sources; the published package has dist/ only, since Node strips no types below
 * node_modules.
 */
import fs from "node:fs";
import module from "node:module";

const oldest = 24;

if (Number(process.versions.node.split(".")[0]) < oldest) {
  console.error(
    `Poolhouse needs Node.js ${oldest} or newer; this is ${process.versions.node}. ` +
      `Install a newer one, or only for this folder: npm install node@${oldest}`,
  );
  process.exit(1);
}
// What Node compiles is kept in the package's own folder, where nobody else may write; if the account that runs it may not
// either, nothing is kept. Without it a start takes up to twice the processor's time (src/main.ts).
module.enableCompileCache?.(new URL("../node_modules/.cache/poolhouse", import.meta.url).pathname);
const sources = new URL("../src/main.ts", import.meta.url);
await import(fs.existsSync(sources) ? sources.href : new URL("../dist/main.js", import.meta.url).href);
