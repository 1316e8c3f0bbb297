/** The section `functions` of the configuration file: what it means, and what refuses to start. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, loadConfig } from "../../src/config/config.ts";
import { temporaryFolder } from "../kit/databases.ts";

/** A folder with handlers, and a configuration file with this section. */
function load(section: string, before = "") {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "handlers"));
  for (const name of ["app.mjs", "app.py", "app.rb"]) writeFileSync(join(folder, "handlers", name), "");
  const file = join(folder, "poolhouse.yaml");
  writeFileSync(file, `${before}functions:\n${section}`);
  return { folder, file, functions: () => loadConfig(["--config", file], { PATH: "/bin" }).functions };
}

const secret = Buffer.alloc(32, 7).toString("base64");

test("each way to run a function has its settings, with defaults", () => {
  const { folder, file, functions } = load(`  allow-list:
    run: worker
    file: handlers/app.mjs
    timeout: 2.5
    environment: { DOMAINS: example.com, DEPTH: 3, ON: true, ACCOUNT: 012345678901 }
  migrate:
    run: child
    file: handlers/app.py
    handler: app.lambda_handler
    memory: 256
    access-key-id: AKIA1
    secret-access-key: abc
  arn:aws:lambda:eu-west-1:111122223333:function:remote:
    run: invoke
    url: https://lambda.eu-west-1.amazonaws.com/
    concurrency: 50
    queue: 0
    attempts: 1
    own-access-key-id: AKIA2
  hook:
    run: webhook
    url: http://127.0.0.1:8080/hook?tenant=1
    secret: whsec_${secret}
    plain-text-codes: true
`);
  const common = { concurrency: 10, queue: 100, timeoutMs: 5000, attempts: 3, plainTextCodes: false };
  const handlers = join(folder, "handlers");
  assert.deepEqual(functions(), [
    {
      ...common,
      name: "allow-list",
      where: `${file}, line 2`,
      timeoutMs: 2500,
      run: "worker",
      file: join(handlers, "app.mjs"),
      handler: "handler",
      environment: { DOMAINS: "example.com", DEPTH: "3", ON: "true", ACCOUNT: "012345678901" },
      memoryMb: 128,
      key: undefined,
    },
    {
      ...common,
      name: "migrate",
      where: `${file}, line 7`,
      run: "child",
      runtime: "python",
      file: join(handlers, "app.py"),
      handler: "lambda_handler",
      environment: {},
      memoryMb: 256,
      key: { accessKeyId: "AKIA1", secretAccessKey: "abc" },
      command: undefined,
      user: undefined,
    },
    {
      name: "arn:aws:lambda:eu-west-1:111122223333:function:remote",
      where: `${file}, line 14`,
      concurrency: 50,
      queue: 0,
      timeoutMs: 5000,
      attempts: 1,
      plainTextCodes: false,
      run: "invoke",
      url: "https://lambda.eu-west-1.amazonaws.com",
      function: "arn:aws:lambda:eu-west-1:111122223333:function:remote",
      region: undefined,
      key: undefined,
      ownKeyId: "AKIA2",
    },
    {
      ...common,
      name: "hook",
      where: `${file}, line 21`,
      plainTextCodes: true,
      run: "webhook",
      url: "http://127.0.0.1:8080/hook?tenant=1",
      secret: Buffer.alloc(32, 7),
      ownKeyId: undefined,
    },
  ]);
});

test("without a section there are no functions, and settings stay as they are", () => {
  const file = join(temporaryFolder(), "poolhouse.yaml");
  writeFileSync(file, "port: 1001\n");
  const config = loadConfig(["--config", file], {});
  assert.deepEqual([config.port, config.functions], [1001, []]);
  assert.equal(config.programPath, "/usr/local/bin:/usr/bin:/bin");
  assert.equal(loadConfig([], { PATH: "/opt/bin" }).programPath, "/opt/bin");
});

const worker = "run: worker, file: handlers/app.mjs";
const invoke = "run: invoke, url: 'https://a.test'";
/** Entries of a function `f` in the flow style, and the error about them, which follows `file, line n: `. */
const wrong: readonly (readonly [string, RegExp])[] = [
  ["", /^functions\.f must hold values by name\.$/],
  ["worker", /^functions\.f must hold values by name\.$/],
  ["{ file: handlers/app.mjs }", /^functions\.f needs run: one of worker, child, invoke, webhook\.$/],
  ["{ run: lambda }", /^functions\.f\.run must be one of worker, child, invoke, webhook, not "lambda"\.$/],
  ["{ run: worker }", /^functions\.f needs file\.$/],
  [
    `{ ${worker}, plain-text-codes: maybe }`,
    /^functions\.f\.plain-text-codes must be one of true, false, not "maybe"\.$/,
  ],
  [`{ ${worker}, own-access-key-id: AKIA1 }`, /own-access-key-id/],
  ["{ run: worker, file: handlers/none.mjs }", /^functions\.f\.file cannot be read: ENOENT/],
  ["{ run: worker, file: handlers }", /^functions\.f\.file is not a file: /],
  ["{ run: worker, file: handlers/app.py }", /^functions\.f\.file must end in \.js, .* for nodejs\.$/],
  ["{ run: child, file: handlers/app.rb }", /^functions\.f\.file does not tell the runtime/],
  [
    "{ run: child, file: handlers/app.rb, runtime: ruby }",
    /runtime must be one of nodejs, python, not "ruby"\.$/,
  ],
  ["{ run: child, file: handlers/app.mjs, runtime: python }", /file must end in \.py for python\.$/],
  [
    "{ run: child, file: handlers/app.mjs, command: npx }",
    /command must be a list: a program and its arguments/,
  ],
  ["{ run: child, file: handlers/app.mjs, command: [] }", /command must be a list/],
  ["{ run: child, file: handlers/app.mjs, user: nobody }", /user must be the number of a user/],
  [`{ ${worker}, user: 1000 }`, /^functions\.f\.user is unknown/],
  [`{ ${worker}, runtime: nodejs }`, /^functions\.f\.runtime is unknown: there are run, timeout/],
  [`{ ${worker}, timout: 3 }`, /^functions\.f\.timout is unknown: did you mean timeout\?/],
  [
    `{ ${worker}, handler: my-handler }`,
    /handler must be the name of an exported function.*not "my-handler"/,
  ],
  [`{ ${worker}, handler: other.py.handler() }`, /handler must be the name of an exported function/],
  [`{ ${worker}, handler: }`, /^functions\.f\.handler has no value/],
  [`{ ${worker}, timeout: 0 }`, /timeout must be a number from 0\.001 to 900/],
  [`{ ${worker}, timeout: 5s }`, /timeout must be a number/],
  [`{ ${worker}, attempts: 1.5 }`, /attempts must be a number from 1 to 10/],
  [`{ ${worker}, concurrency: 0 }`, /concurrency must be a number from 1 to 1000/],
  [`{ ${worker}, queue: -1 }`, /queue must be a number from 0 to 10000/],
  [`{ ${worker}, memory: 8 }`, /memory must be a number from 16 to 10240/],
  [`{ ${worker}, environment: [A, B] }`, /^functions\.f\.environment must hold values by name/],
  [
    `{ ${worker}, environment: { A-B: 1 } }`,
    /^functions\.f\.environment\.A-B must be the name of a variable/,
  ],
  [`{ ${worker}, environment: { A: { B: 1 } } }`, /^functions\.f\.environment\.A must be a text/],
  [`{ ${worker}, access-key-id: AKIA1 }`, /access-key-id needs secret-access-key with it/],
  [`{ ${worker}, secret-access-key: hush }`, /secret-access-key needs access-key-id with it/],
  [
    `{ ${invoke}, access-key-id: AKIA…, secret-access-key: hush }`,
    /access-key-id must be 4 to 128 letters, digits or _/,
  ],
  [`{ ${invoke}, own-access-key-id: A B }`, /own-access-key-id must be 4 to 128 letters/],
  ["{ run: invoke }", /^functions\.f needs url/],
  ["{ run: invoke, url: 'lambda:9001' }", /url must be an http or https URL without query, fragment or user/],
  ["{ run: invoke, url: 'https://u:p@a.test' }", /url must be an http or https URL/],
  ["{ run: invoke, url: 'https://a.test/?x=1' }", /url must be an http or https URL/],
  ["{ run: invoke, url: 'http://10.0.0.1:9001' }", /url must begin with https: events contain passwords/],
  [`{ ${invoke}, function: a/b }`, /function must be the name or the ARN/],
  [`{ ${invoke}, allow-plaintext: yes }`, /allow-plaintext must be one of true, false, not "yes"/],
  [`{ ${invoke}, file: handlers/app.mjs }`, /file is unknown/],
  ["{ run: webhook, url: 'https://a.test' }", /^functions\.f needs secret/],
  [
    "{ run: webhook, url: 'https://a.test', secret: hush }",
    /secret must be whsec_ followed by base64 of 24 to 64/,
  ],
  ["{ run: webhook, url: 'https://a.test', secret: whsec_c2hvcnQ= }", /secret must be whsec_/],
];

for (const [entry, message] of wrong) {
  test(`functions.f: ${entry || "nothing"} refuses to start`, () => {
    const { file, functions } = load(`  good: { ${worker} }\n  f: ${entry}\n`, "port: 1001\n");
    assert.throws(functions, (error) => {
      assert.ok(error instanceof ConfigError);
      const at = `${file}, line 4: `;
      assert.ok(error.message.startsWith(at), error.message);
      assert.match(error.message.slice(at.length), message);
      assert.doesNotMatch(error.message, /hush|c2hvcnQ/);
      return true;
    });
  });
}

test("a section of another kind, or a name that is none, refuses to start", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["  - f", /line 2: functions must hold values by name/],
    [`  "a b": { ${worker} }`, /line 2: functions\.a b must be the name of a function, or its ARN/],
    ["  arn:aws:sns:us-east-1:111122223333:topic: {}", /must be the name of a function, or its ARN/],
    [`  f: { ${worker} }\n  f: { ${worker} }`, /not valid YAML at line 3/],
  ];
  for (const [section, message] of cases) assert.throws(load(section).functions, message);
});

test("a mistake in an entry that spans lines is reported with its own line", () => {
  const { functions } = load("  f:\n    run: worker\n    file: handlers/app.mjs\n\n    memory: much\n");
  assert.throws(functions, /poolhouse\.yaml, line 6: functions\.f\.memory must be a number/);
});

test("anchors and aliases work as anywhere in YAML", () => {
  const { functions } = load(`  one: &same { ${worker} }\n  two: *same\n`);
  assert.deepEqual(
    functions().map(({ name, run }) => [name, run]),
    [
      ["one", "worker"],
      ["two", "worker"],
    ],
  );
});
