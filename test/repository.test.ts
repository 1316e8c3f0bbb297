/** What the repository contains beside its sources, and what it must not contain. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join, matchesGlob, relative, sep } from "node:path";
import { test } from "node:test";

const top = join(import.meta.dirname, "..");

test("every folder of tests has its script", () => {
  const { scripts } = JSON.parse(readFileSync(join(top, "package.json"), "utf8")) as {
    scripts: Readonly<Record<string, string>>;
  };
  const folders = new Set(
    globSync("*/**/*.test.ts", { cwd: import.meta.dirname }).map((file) => file.split(sep)[0]!),
  );
  assert.ok(folders.has("api"));
  const without = [...folders].filter(
    (folder) => !scripts[`test:${folder}`]?.endsWith(` 'test/${folder}/**/*.test.ts'`),
  );
  assert.deepEqual(without, []);
});

test("CONTRIBUTING.md says what each folder of tests is for", () => {
  const text = readFileSync(join(top, "CONTRIBUTING.md"), "utf8");
  const listed = [...text.matchAll(/^\| `test\/([\w-]+)\/` \|/gm)].map(([, folder]) => folder);
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true });
  assert.deepEqual(listed, folders.flatMap((one) => (one.isDirectory() ? one.name : [])).sort());
});

test("the files that the documents name exist", () => {
  const pages = globSync(["*.md", "docs/*.md", "src/**/*.md", ".github/*.md"], { cwd: top });
  assert.ok(pages.length > 40);
  const absent = pages.flatMap((page) => {
    const text = readFileSync(join(top, page), "utf8");
    const named = text.matchAll(/`((?:src|test|tools|docs|bench|examples|bin)\/[\w./-]+)`/g);
    return [...named].flatMap(([, path]) => (existsSync(join(top, path!)) ? [] : `${page}: ${path}`));
  });
  assert.deepEqual(absent, []);
});

test("git ignores the files that the README has newcomers save, and with it the linter", () => {
  const named = new Set(readFileSync(join(top, "README.md"), "utf8").match(/\b[\w-]+\.mjs\b/g));
  assert.ok(named.size > 0);
  const ignored = readFileSync(join(top, ".gitignore"), "utf8").split("\n");
  const kept = [...named].filter((name) => !ignored.some((pattern) => matchesGlob(`/${name}`, pattern)));
  assert.deepEqual(kept, []);
});

/** Of tests alone: a certificate for localhost that nobody trusts. */
const privateKeysOfTests = ["test/mail/localhost.pem"];

/** The files that git tracks; without git, or outside a clone, all that .gitignore does not name. */
function trackedFiles(): string[] {
  const listed = spawnSync("git", ["ls-files", "-z"], { cwd: top, encoding: "utf8", maxBuffer: 1 << 26 });
  if (listed.status === 0) return listed.stdout.split("\0").filter((file) => file !== "");
  const ignored = readFileSync(join(top, ".gitignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return globSync("**/*", {
    cwd: top,
    exclude: ignored.map((name) => `**/${name.replace(/^(?:\*\*)?\//, "").replace(/\/$/, "")}`),
    withFileTypes: true,
  }).flatMap((entry) => (entry.isFile() ? relative(top, join(entry.parentPath, entry.name)) : []));
}

test("no tracked file is or contains a private key, but those of tests", () => {
  const tracked = trackedFiles();
  assert.ok(tracked.includes("test/house.test.ts"));
  // Written so that this file does not find itself.
  const marks = [/-{5}BEGIN (?:[A-Z]+ )*PRIVATE KEY-{5}/, /"d": ?"[\w-]{40,}"/];
  const found = globSync(tracked, { cwd: top }).filter((file) => {
    const text = readFileSync(join(top, file), "latin1");
    return marks.some((mark) => mark.test(text));
  });
  assert.deepEqual(found, privateKeysOfTests);
  assert.deepEqual(
    tracked.filter((file) => /(?:^|\/)secrets\//.test(file)),
    [],
  );
});
