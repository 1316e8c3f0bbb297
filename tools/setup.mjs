/**
 * Installs the dependencies of a clone if they are missing or differ from package-lock.json, so that `npm start` and
 * `npm test` work with nothing installed but npm, and makes them quick to load (one-file.mjs). Plain JavaScript: it runs
 * before Node 24 is available.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeOneFiles } from "./one-file.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "node_modules", ".poolhouse-lock");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const installed = existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;

if (!installed) {
  console.log("Installing dependencies (once) …");
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  const options = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status } = spawnSync(command, [...first, ...options], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  if (!existsSync(join(root, "node_modules", ".bin", "node"))) {
    console.error(
      "npm ci did not install Node 24 (package `node`). Allow its install script and run npm ci again.",
    );
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

// All works without, a little slower.
await makeOneFiles(join(root, "node_modules")).catch(({ message }) =>
  console.error(`Packages stay as they were published: ${message}`),
);
