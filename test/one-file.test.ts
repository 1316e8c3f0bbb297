/** What tools/one-file.mjs makes of a package is the package: the same exports, from one file. */
import assert from "node:assert/strict";
import { cpSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { asPublished, makeOneFiles, packages } from "../tools/one-file.mjs";
import { temporaryFolder } from "./kit/databases.ts";

const installed = join(import.meta.dirname, "..", "node_modules");
const published = (file: string) => (existsSync(asPublished(file)) ? asPublished(file) : file);

/** A folder node_modules with the packages as they were published. */
function freshModules(): string {
  const modules = join(temporaryFolder(), "node_modules");
  for (const [name, first] of Object.entries(packages)) {
    cpSync(join(installed, name), join(modules, name), { recursive: true });
    cpSync(published(join(installed, name, first)), join(modules, name, first));
    rmSync(asPublished(join(modules, name, first)), { force: true });
  }
  return modules;
}

test("the exports are those of the package, and no other file of it is loaded", async () => {
  const modules = freshModules();
  symlinkSync(join(installed, "esbuild"), join(modules, "esbuild"));
  await makeOneFiles(modules);
  for (const [name, first] of Object.entries(packages)) {
    const file = join(modules, name, first);
    assert.doesNotMatch(readFileSync(file, "utf8"), /^(?:import|export) .*from ["']\./m, name);
    const [one, many] = await Promise.all(
      [file, asPublished(file)].map((path) => import(pathToFileURL(path).href)),
    );
    const kinds = (module: object) =>
      Object.entries(module).map(([key, value]) => [key, typeof value, value?.name]);
    assert.deepEqual(kinds(one), kinds(many), name);
  }
});

test("a package that is one file stays as it is, and other clones that share its files keep theirs", async () => {
  const modules = freshModules();
  const file = join(modules, "kysely", packages.kysely);
  const elsewhere = join(dirname(modules), "shared.js");
  linkSync(file, elsewhere);
  const before = readFileSync(file, "utf8");
  await makeOneFiles(modules);
  assert.equal(readFileSync(file, "utf8"), before, "without esbuild nothing changes");

  symlinkSync(join(installed, "esbuild"), join(modules, "esbuild"));
  await makeOneFiles(modules);
  const made = readFileSync(file, "utf8");
  assert.notEqual(made, before);
  assert.equal(readFileSync(elsewhere, "utf8"), before);
  await makeOneFiles(modules);
  assert.equal(readFileSync(file, "utf8"), made);
});

test("a package that is not installed is left out", async () => {
  const modules = join(temporaryFolder(), "node_modules");
  mkdirSync(modules);
  await makeOneFiles(modules);
});
