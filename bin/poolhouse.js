#!/usr/bin/env node
/**
 * The command `poolhouse`. Plain, old JavaScript, so that a Node.js too old for the program says so instead of failing
 * on its syntax. A clone runs its sources; the published package has dist/ only, since Node strips no types below
 * node_modules.
 */
import { existsSync } from "node:fs";

const oldest = 24;

if (Number(process.versions.node.split(".")[0]) < oldest) {
  console.error(
    `Poolhouse needs Node.js ${oldest} or newer; this is ${process.versions.node}. ` +
      `Install a newer one, or only for this folder: npm install node@${oldest}`,
  );
  process.exit(1);
}
const sources = new URL("../src/main.ts", import.meta.url);
await import(existsSync(sources) ? sources.href : new URL("../dist/main.js", import.meta.url).href);
