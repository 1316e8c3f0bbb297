/** The rules of docs/the-house.md, read from the source itself. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { test } from "node:test";
import { type Node, parseSync, Visitor } from "oxc-parser";

const root = join(import.meta.dirname, "..", "src");
const files = globSync("**/*.ts", { cwd: root }).sort();

/** Left may import right, never back; rooms of one step never import each other. */
const domainSteps = [
  ["signin", "federation", "signup", "import"],
  ["grants"],
  ["users"],
  ["mfa", "identities"],
  ["tokens"],
  ["notices"],
  ["credentials", "messages", "roles"],
  ["risk", "triggers"],
  ["branding", "events"],
  ["user-pools", "identity-pools", "iam", "saml"],
  ["audit"],
];

/** The rooms of http. `kit` is HTML that several of them share. */
const httpRooms = [
  ...["aws-json", "oauth", "hosted-ui", "inbox", "federation", "sts", "lambda", "kms", "uploads", "console"],
  ...["account", "kit", "welcome", "signing-keys"],
];

/** Within store, the sign-in and the hosted pages: a folder may import those after it, and what lies directly in it none above. */
const inner: Readonly<Record<string, readonly RegExp[]>> = {
  "store/": [
    /^rotation\//,
    /^open\.ts$/,
    /^(?!db\.ts$)[\w-]+\.ts$|^migrations\//,
    /^db\.ts$/,
    /^keys\//,
    /^engine\//,
    /^schema\//,
  ],
  "domain/signin/": [
    /^(?:start|respond|by-passkey|set-up-by-session)\.ts$/,
    /^(?:proceed|still-valid)\.ts$/,
    /^challenges\.ts$/,
    /^challenges\//,
    /^[\w-]+\.ts$/,
  ],
  "http/hosted-ui/": [/^routes\.ts$/, /^pages\//, /^(?:overload|not-found)-page\.ts$/, /^kit\//, /^words\//],
};

/** Folders whose files import none of each other: what two of them share lies beside the folder. */
const alone = ["domain/signin/challenges/"];

/** Lower may not import higher. `store`, `integrations` and `config` lie side by side, as do the http rooms. */
const layers: readonly (readonly RegExp[])[] = [
  [/^(?:main|index|routes|server|jobs)\.ts$/, /^cli\//],
  [/^http\//, /^gateway\//],
  [/^domain\//],
  [/^app\.ts$/],
  [/^store\//, /^integrations\//, /^config\//],
  [/^wire\//],
  [/^verify\//, /^sigv4\//],
  [/^policy\//],
  [/^lib\//],
];

/** Each dependency has one home. */
const homes: Readonly<Record<string, RegExp>> = {
  hono: /^(?:http\/|gateway\/|routes\.ts$)/,
  "@hono/node-server": /^(?:http\/|gateway\/|routes\.ts$)/,
  kysely: /^(?:store|gateway\/sessions)\//,
  "node:sqlite": /^store\//,
  pg: /^store\//,
  "@node-rs/argon2": /^domain\/credentials\//,
  jose: /^(?:domain\/(?:federation|identities|tokens)|verify|gateway)\//,
  httpxy: /^gateway\/websockets\.ts$/,
  "css-tree": /^domain\/branding\//,
  culori: /^lib\/color\.ts$/,
  saxes: /^lib\/(?:svg|xml)\.ts$/,
  "@aws-crypto/encrypt-node": /^lib\/encryption-sdk\.ts$/,
  "@aws-crypto/material-management-node": /^lib\/encryption-sdk\.ts$/,
  "libphonenumber-js": /^lib\/phone-number\.ts$/,
  pino: /^(?:app\.ts$|cli\/|server\.ts$)/,
  yaml: /^(?:config|gateway|domain\/messages)\//,
  "openid-client": /^(?:domain\/federation\/|gateway\/(?:discover|provider)\.ts$)/,
  "@node-saml/node-saml": /^domain\/(?:federation|saml)\//,
  "xml-crypto": /^domain\/saml\/signature\.ts$/,
  nodemailer: /^integrations\//,
  "@aws-sdk/client-sesv2": /^integrations\/senders\/ses\.ts$/,
  "@aws-sdk/client-sns": /^integrations\/senders\/sns\.ts$/,
  "@peculiar/x509": /^integrations\//,
  "reflect-metadata": /^integrations\//,
  bowser: /^lib\/device-type\.ts$/,
  otpauth: /^domain\/mfa\//,
  "@simplewebauthn/server": /^domain\/mfa\//,
  "prom-client": /^lib\/prometheus\.ts$/,
  "qrcode-generator": /^http\/hosted-ui\//,
};

/** Large, and needed by few servers: loaded when first used, so that a start does without them. */
const loadedLate = /^@aws-(?:crypto|sdk)\/|^libphonenumber-js|^openid-client|^@node-saml|^xml-crypto/;

/** Each file, read and parsed once. */
const sources = files.map((file) => {
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  const { program, module, errors } = parseSync(path, text);
  assert.deepEqual(errors, [], `${file} does not parse`);
  return { file, text, program, module };
});
type Source = (typeof sources)[number];
const written = sources.filter(({ file }) => !file.startsWith("wire/generated/"));

/** Imports of what is not ours: the handlers that an operator configures. */
const computedImports: ReadonlySet<string> = new Set(["integrations/functions/handler.ts: address"]);

function importsOf({ file, text, module }: Source): string[] {
  const fixed = module.staticImports.map((one) => one.moduleRequest.value);
  const passedOn = module.staticExports.flatMap((one) =>
    one.entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
  );
  const dynamic = module.dynamicImports
    .map(({ moduleRequest }) => text.slice(moduleRequest.start, moduleRequest.end))
    .filter((request) => !computedImports.has(`${file}: ${request}`))
    .map((request) => request.slice(1, -1));
  return [...fixed, ...passedOn, ...dynamic];
}

const firstFolder = (path: string) => path.split(sep)[0]!;
const layerOf = (file: string) => layers.findIndex((layer) => layer.some((part) => part.test(file)));
const stepOf = (room: string) => domainSteps.findIndex((step) => step.includes(room));

/** What is wrong within one of the folders that have an order of their own. */
function brokenWithin(from: string, to: string): string | undefined {
  for (const [folder, order] of Object.entries(inner)) {
    if (!from.startsWith(folder) || !to.startsWith(folder)) continue;
    const [upper, lower] = [from, to].map((file) =>
      order.findIndex((part) => part.test(file.slice(folder.length))),
    );
    if (upper === -1 || lower === -1) return `is missing from the order of ${folder}`;
    if (upper! > lower!) return `is above it in the order of ${folder}`;
  }
  return undefined;
}

/** What is wrong with one file importing another of ours. */
function broken(from: string, to: string): string | undefined {
  if (from.startsWith("gateway/"))
    return /^(?:lib|verify|gateway|store\/engine)\/|^config\/gateway-file\.ts$/.test(to)
      ? undefined
      : "gateway imports lib, verify, store/engine and its own file of config only";
  if (to.startsWith("gateway/")) return from.startsWith("cli/") ? undefined : "only cli imports gateway";
  if (from.startsWith("sigv4/"))
    return /^(?:sigv4|policy|lib)\//.test(to) ? undefined : "sigv4 imports policy and lib only";
  if (to.startsWith("sigv4/")) return "is for other programs: nothing of ours imports it";
  if (/^(?:main|index)\.ts$/.test(to)) return "is an entry point, which nothing imports";
  if (to === "routes.ts") return from === "server.ts" ? undefined : "only server.ts imports routes.ts";
  const [upper, lower] = [layerOf(from), layerOf(to)];
  if (upper < 0 || lower < 0) return "belongs to no layer";
  if (upper > lower) return "imports go down only";
  if (upper !== lower) return undefined;
  if (alone.some((folder) => from.startsWith(folder) && to.startsWith(folder)))
    return "files of this folder never import each other";
  const within = brokenWithin(from, to);
  if (within !== undefined) return within;
  const [fromTop, fromRoom] = from.split("/");
  const [toTop, toRoom] = to.split("/");
  if (fromTop === "http" && from.split("/").length > 2 && to.split("/").length > 2 && fromRoom !== toRoom) {
    return toRoom === "kit" ? undefined : "http rooms never import each other";
  }
  if (layerOf(from) === 4 && fromTop !== toTop)
    return "store, integrations and config never import each other";
  if (fromTop !== "domain" || fromRoom === toRoom) return undefined;
  return stepOf(fromRoom!) < stepOf(toRoom!)
    ? undefined
    : `domain/${fromRoom} may not import domain/${toRoom}`;
}

test("imports go down only, and every dependency has one home", () => {
  const findings: string[] = [];
  for (const source of sources) {
    const { file } = source;
    for (const name of importsOf(source)) {
      if (name.startsWith(".")) {
        const target = normalize(join(dirname(file), name)).replace(/^\.\.\//, "../");
        const finding = target.startsWith("..") ? "is outside src" : broken(file, target);
        if (finding) findings.push(`${file} -> ${target}: ${finding}`);
        if (!name.endsWith(".ts")) findings.push(`${file} -> ${name}: imports end in .ts`);
        continue;
      }
      const dependency = name.startsWith("node:")
        ? name
        : name
            .split("/")
            .slice(0, name.startsWith("@") ? 2 : 1)
            .join("/");
      const home = homes[dependency];
      if (home === undefined && !name.startsWith("node:"))
        findings.push(`${file}: ${dependency} has no home in the table of this file`);
      if (home !== undefined && !home.test(file))
        findings.push(`${file}: ${dependency} is imported outside its home`);
    }
  }
  assert.deepEqual(findings, []);
});

test("what few servers need is not loaded by a start", () => {
  const found = written.flatMap(({ file, module }) =>
    module.staticImports.flatMap(({ moduleRequest: { value }, entries }) =>
      loadedLate.test(value) && !entries.every(({ isType }) => isType) ? [`${file} -> ${value}`] : [],
    ),
  );
  assert.deepEqual(found, []);
  assert.ok(sources.some((source) => importsOf(source).some((name) => loadedLate.test(name))));
});

/** The packages that each program loads before it is ready. */
const loadedAtStart: Readonly<Record<string, readonly string[]>> = {
  "cli/serve-alone.ts": ["@node-rs/argon2", "jose", "kysely", "pino"],
  // The process that watches over the workers.
  "cli/primary.ts": ["pino"],
  "cli/gateway.ts": ["httpxy", "jose", "pino"],
};

/** Files of ours that a server loads when they are first used. */
const lateFiles: readonly RegExp[] = [
  // What Hono answers, and Hono itself.
  /^routes\.ts$/,
  /^http\/(?:federation|hosted-ui|inbox|kit|oauth|sts\/endpoint|welcome\/(?!demo\.ts))/,
  /^http\/aws-json\/(?:user|identity)-pools\//,
  /^domain\/(?:federation|identities|identity-pools|mfa|saml|signin|signup)\/(?!load-identity-pool\.ts)/,
  /^store\/migrations\/0/,
  /^cli\/demo\.ts$/,
  /^lib\/(?:color|device-type|phone-number|svg|xml)\.ts$/,
];

/** How many files of ours a server may load before it is ready: each takes 1.5 ms of a slow processor, and 30 KB. */
const mostFiles = 215;

/** What a program loads by static imports: files of ours, and everything else by its name. */
function startOf(entry: string): { readonly files: readonly string[]; readonly others: readonly string[] } {
  const files = new Set([entry]);
  const others = new Set<string>();
  for (const file of files) {
    const { module } = sources.find((one) => one.file === file)!;
    const imported = module.staticImports.filter(({ entries }) => !entries.every(({ isType }) => isType));
    const passedOn = module.staticExports.flatMap(({ entries }) => entries.filter(({ isType }) => !isType));
    for (const request of [...imported, ...passedOn].map(({ moduleRequest }) => moduleRequest?.value)) {
      if (request?.startsWith(".")) files.add(normalize(join(dirname(file), request)));
      else if (request !== undefined) others.add(request);
    }
  }
  return { files: [...files], others: [...others] };
}

test("a program loads late what it does not need to be ready", () => {
  for (const [entry, packages] of Object.entries(loadedAtStart)) {
    const { others } = startOf(entry);
    assert.deepEqual(others.filter((name) => !name.startsWith("node:")).sort(), packages, entry);
  }
  const { files: loaded, others } = startOf("cli/serve-alone.ts");
  assert.deepEqual(
    loaded.filter((file) => lateFiles.some((late) => late.test(file))),
    [],
  );
  for (const late of lateFiles)
    assert.ok(
      files.some((file) => late.test(file)),
      String(late),
    );
  assert.ok(loaded.length <= mostFiles, `${loaded.length} files`);
  // lib/node-http.ts says why.
  assert.deepEqual(
    others.filter((name) => /^node:(?:http2?|https|tls)$/.test(name)),
    [],
  );
});

test("every room is one of the design, and has a README of ten lines at most", () => {
  const holding = new Set(files.map((file) => dirname(file)).filter((folder) => folder !== "."));
  const folders = [...holding, ...[...holding].map(firstFolder)];
  for (const folder of folders) {
    const [top, room, ...deeper] = folder.split("/");
    if (top === "domain" && room !== undefined) assert.ok(stepOf(room) >= 0, folder);
    if (top === "http" && room !== undefined) assert.ok(httpRooms.includes(room), folder);
    assert.ok(deeper.length <= 1, `${folder} is nested too deeply`);
    const text = readmeOf(folder);
    assert.ok(text.startsWith(`# ${folder}\n`), folder);
    assert.ok(text.trimEnd().split("\n").length <= 10, folder);
  }
});

const readmeOf = (folder: string) => readFileSync(join(root, folder, "README.md"), "utf8");

test("the README of each folder of src says what it may import", () => {
  const entries = globSync("*", { cwd: root, withFileTypes: true });
  const tops = entries
    .map((entry) => ({ name: entry.name, file: entry.isDirectory() ? `${entry.name}/any.ts` : entry.name }))
    .sort((a, b) => layerOf(a.file) - layerOf(b.file) || a.name.localeCompare(b.name));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.ok(folders.length > 5);
  for (const folder of folders) {
    const allowed = tops.filter(
      ({ name, file }) => name !== folder && broken(`${folder}/any.ts`, file) === undefined,
    );
    const names = allowed.map(({ name }) => `\`${name}\``).join(", ") || "nothing else of ours";
    assert.equal(readmeOf(folder).trimEnd().split("\n").at(-1), `May import: ${names}.`, folder);
  }
});

/** The steps of an order in a README, `a` `b` → `c`, each as the names in it. */
function orderIn(folder: string): string[][] {
  const [order = ""] = /^.*(?:→[^→]*?)+\.$/m.exec(readmeOf(folder)) ?? [];
  return order.split("→").map((step) => [...step.matchAll(/`([\w.-]+)`/g)].map(([, name]) => name!));
}

test("the READMEs of domain and store have the order of this file", () => {
  const rooms = new Set(
    files.filter((file) => file.startsWith("domain/")).map((file) => file.split("/")[1]!),
  );
  const steps = domainSteps.map((step) => step.filter((room) => rooms.has(room)));
  assert.deepEqual(orderIn("domain"), steps);
  const parts = orderIn("store").map((step) =>
    step.map((name) => (name.endsWith(".ts") ? name : `${name}/any.ts`)),
  );
  const order = inner["store/"]!;
  assert.equal(parts.length, order.length);
  for (const [at, step] of parts.entries()) {
    assert.notEqual(step.length, 0);
    for (const name of step)
      assert.equal(
        order.findIndex((part) => part.test(name)),
        at,
        name,
      );
  }
});

test("the picture of docs/architecture.md has the layers of this file", () => {
  const page = readFileSync(join(root, "..", "docs", "architecture.md"), "utf8");
  const boxes = [...page.matchAll(/\b(layer|step|room)(\d+)\["([^"]+)"\]/g)].map(([, kind, at, label]) => ({
    place: `${kind}${at}`,
    names: label!.split(" · "),
  }));
  const shown = boxes.flatMap(({ place, names }) => names.map((name) => `${place}: ${name}`)).sort();
  const inside = (folder: string) =>
    globSync("*/", { cwd: join(root, folder) }).map((name) => name.replace(/\W$/, ""));
  const top = new Set(files.map((file) => (file.includes("/") ? `${firstFolder(file)}/` : file)));
  const layersShown = [...top].map((name) => `layer${layerOf(name)}: ${name}`);
  const rooms = domainSteps.map((step) => step.filter((room) => inside("domain").includes(room)));
  const stepsShown = rooms.flatMap((step, at) => step.map((room) => `step${at}: ${room}`));
  const roomOrder = boxes.filter(({ place }) => place.startsWith("room")).flatMap(({ names }) => names);
  assert.deepEqual(roomOrder.toSorted(), inside("http").toSorted());
  const roomsShown = roomOrder.map((name, at) => `room${at}: ${name}`);
  assert.deepEqual(shown, [...layersShown, ...stepsShown, ...roomsShown].sort());
  for (const [kind, count] of [
    ["layer", layers.length],
    ["step", domainSteps.length],
  ] as const) {
    for (let at = 1; at < count; at += 1)
      assert.match(page, new RegExp(`\\b${kind}${at - 1}(?:\\["[^"]+"\\])? --> ${kind}${at}\\b`));
  }
  const arrows = page.match(/(?<=(?:layer|step)\d+(?:\["[^"]+"\])?) --> (?=layer|step)/g) ?? [];
  assert.equal(arrows.length, layers.length + domainSteps.length - 2, "the picture has an arrow too many");
});

test("the environment is read by config/config.ts and config/gateway-file.ts, by the launcher for the thread pool, and by the process of a handler", () => {
  const readers = sources.filter(({ text }) => /process\.env\b/.test(text));
  assert.deepEqual(
    readers.map(({ file }) => file),
    ["config/config.ts", "config/gateway-file.ts", "integrations/functions/child-node.ts", "main.ts"],
  );
});

test("a file has under 400 lines", () => {
  const long = written
    .map(({ file, text }) => ({ file, lines: text.split("\n").length }))
    .filter(({ lines }) => lines > 400);
  assert.deepEqual(long, []);
});

test("a function has under 60 lines", () => {
  const long: string[] = [];
  for (const { file, text, program } of written) {
    const lineOf = (offset: number) => text.slice(0, offset).split("\n").length;
    const check = (node: { start: number; end: number }) => {
      const lines = lineOf(node.end) - lineOf(node.start) + 1;
      if (lines > 60) long.push(`${file}:${lineOf(node.start)}: ${lines} lines`);
    };
    new Visitor({
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    }).visit(program);
  }
  assert.deepEqual(long, []);
});

/** What a module may keep for the whole process: it follows from the program itself, or goes with the object it is for. */
const keptByModules: Readonly<Record<string, string>> = {
  "lib/seal.ts: keyObjects": "what Node makes of a key's bytes, gone with them",
  "store/engine/sqlite/dialect.ts: leftOpen": "connections that must not be closed before the process ends",
  "store/prepared.ts: statements": "the program's own statements",
  "wire/pattern.ts: tests": "the models' patterns, compiled",
};

const changes = /^(?:set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill|forget)$/;

/** Variables of a module that change while it runs. A local variable of the same name counts as one. */
function changing({ program }: Source): string[] {
  const declared = program.body.flatMap((statement) => {
    const found = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    return found?.type === "VariableDeclaration" ? [found] : [];
  });
  const namesOf = (one: (typeof declared)[number]) =>
    one.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
  const names = new Set(declared.flatMap(namesOf));
  const found = new Set(declared.filter(({ kind }) => kind !== "const").flatMap(namesOf));
  const changed = (target: Node) => {
    let owner = target;
    while (owner.type === "MemberExpression") owner = owner.object;
    if (owner.type === "Identifier" && names.has(owner.name)) found.add(owner.name);
  };
  new Visitor({
    AssignmentExpression: ({ left }) => changed(left),
    UpdateExpression: ({ argument }) => changed(argument),
    UnaryExpression: ({ operator, argument }) => operator === "delete" && changed(argument),
    CallExpression({ callee }) {
      if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
      if (changes.test(callee.property.name)) changed(callee.object);
    },
  }).visit(program);
  return [...found];
}

test("no module keeps anything while the server runs: that is the App's, or the Db's", () => {
  const found = written.flatMap((source) => changing(source).map((name) => `${source.file}: ${name}`));
  assert.deepEqual(found.sort(), Object.keys(keptByModules).sort());
});

/** Openings of doc comments that only make sense after the line above, which a hover does not show. */
const needsContext = /^(?:The same|Those|Of|True:|False:|Undefined:)(?![\w-])/;
/** References to notes that are not part of the repository. */
const privateNotes = /\[(?:memory|inferred|live)\b|\b(?:facts|design) §|\(design:/i;

test("comments make sense in a hover, and cite what everybody can read", () => {
  const found: string[] = [];
  const sources = globSync("{src,tools,bench,examples,certification}/**/*.{ts,tsx}", {
    cwd: join(root, ".."),
    exclude: (name) => name === "node_modules",
  });
  assert.ok(sources.length > 400);
  for (const file of sources.filter((one) => !one.includes("wire/generated/"))) {
    const path = join(root, "..", file);
    for (const { value, type } of parseSync(path, readFileSync(path, "utf8")).comments) {
      const words = value.replace(/^\*|^\s*\* ?/gm, "").trim();
      const isDoc = type === "Block" && value.startsWith("*");
      if ((isDoc && needsContext.test(words)) || privateNotes.test(words))
        found.push(`${file}: ${words.split("\n")[0]}`);
    }
  }
  assert.deepEqual(found, []);
});
