/** Builds dist/, which is published: the sources without their types, and the declarations of the exports. */
import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makeOneFiles } from "./one-file.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

// Remains of an earlier build would be published, too.
rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
const argv = [compiler, "-p", "tsconfig.build.json"];
const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: "inherit" });
// Styles and scripts of the pages, which are served unchanged, and the program that runs handlers in Python.
const rooms = ["hosted-ui", "inbox", "kit", "welcome"].map((room) => `http/${room}/public`);
for (const files of [...rooms, "integrations/functions/python"]) {
  const to = new URL(`../dist/${files}`, import.meta.url);
  cpSync(new URL(`../src/${files}`, import.meta.url), to, { recursive: true });
}
// For a container, which is made of these node_modules. A tarball has the packages as they were published.
await makeOneFiles(fileURLToPath(new URL("../node_modules", import.meta.url)));
process.exit(status ?? 1);
