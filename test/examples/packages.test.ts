/** What the examples need to run is installed with them wherever they are copied to, also without development packages. */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { parseSync } from "oxc-parser";

const examples = join(import.meta.dirname, "..", "..", "examples");

/** The packages that a source loads when it runs: types are removed before. */
function loaded(path: string): string[] {
  const { staticImports, staticExports } = parseSync(path, readFileSync(path, "utf8")).module;
  const imports = staticImports
    .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
    .map(({ moduleRequest }) => moduleRequest.value);
  const exports = staticExports.flatMap(({ entries }) =>
    entries.filter(({ isType }) => !isType).map(({ moduleRequest }) => moduleRequest?.value ?? "."),
  );
  return [...imports, ...exports]
    .filter((name) => !name.startsWith(".") && !isBuiltin(name))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)![0]);
}

for (const file of globSync("*/package.json", { cwd: examples })) {
  const folder = join(examples, file, "..");
  test(`examples/${file}: dependencies are what runs, devDependencies what only the compiler needs`, () => {
    const {
      dependencies,
      devDependencies = {},
      engines,
    } = JSON.parse(readFileSync(join(examples, file), "utf8")) as { [name: string]: Record<string, string> };
    const sources = globSync("**/*.{ts,tsx}", { cwd: folder, exclude: (name) => name === "node_modules" });
    const needed = new Set(sources.flatMap((source) => loaded(join(folder, source))));
    assert.ok(needed.size > 0);
    assert.deepEqual([...needed].filter((name) => !Object.hasOwn(dependencies!, name)).sort(), []);
    const onlyTypes = Object.keys(devDependencies).filter((name) => !name.startsWith("@types/"));
    assert.deepEqual(onlyTypes, []);
    assert.equal(engines?.["node"], ">=24", "their TypeScript runs as it is");
  });
}
