/**
 * Makes one file of each package here that is many small modules, in the node_modules of a clone: finding and linking them
 * costs a program 0.1 s of the processor's time at every start, and a test run starts hundreds. The package's other files
 * stay, and its first file under another name. An installation (npm ci) brings back what was there; without esbuild
 * (npm ci --omit=dev) nothing changes. What is published is not built from these files. test/one-file.test.ts
 *
 * Plain JavaScript: it runs before Node 24 is available.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The first file of each package, which imports all others. Programs import these packages by their plain names only. */
export const packages = { kysely: "dist/index.js", jose: "dist/webapi/index.js" };

const made = "// One file, made of this package's modules by tools/one-file.mjs";
/** Of this way to make them. */
const mark = `${made}, without spaces`;

/** Where the first file of a package is kept as it was published, next to it. */
export const asPublished = (file) => join(dirname(file), "index.as-published.js");

/** Replaces a file, rather than write into it: other clones may share it (cp -l), and programs may be reading it. */
function replace(file, content) {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, content);
  renameSync(fresh, file);
}

/**
 * Makes one file of each package that is not yet one.
 * @param modules the folder node_modules
 */
export async function makeOneFiles(modules) {
  const due = Object.entries(packages)
    .map(([name, first]) => join(modules, name, first))
    .flatMap((file) => (existsSync(file) ? [{ file, now: readFileSync(file, "utf8") }] : []))
    .filter(({ now }) => !now.startsWith(`${mark}\n`));
  if (due.length === 0 || !existsSync(join(modules, "esbuild"))) return;
  const { build } = await import("esbuild");
  for (const { file, now } of due) {
    if (!now.startsWith(made)) replace(asPublished(file), now);
    const { outputFiles } = await build({
      entryPoints: [asPublished(file)],
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      target: "node24",
      packages: "external",
      keepNames: true,
      // A process keeps the text for as long as it runs: 0.3 MB of ASCII instead of 1 MB of UTF-16.
      minifyWhitespace: true,
      legalComments: "none",
      banner: { js: mark },
    });
    replace(file, outputFiles[0].contents);
  }
}
