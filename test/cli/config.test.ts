/** Settings: where they come from, and what refuses to start. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readyLine } from "../../src/cli/ready-line.ts";
import { loadConfig } from "../../src/config/config.ts";
import { settingGroups, settings } from "../../src/config/settings.ts";
import { parseDatabase } from "../../src/lib/database-url.ts";
import { OperatorError } from "../../src/lib/operator-error.ts";
import { temporaryFolder } from "../kit/databases.ts";

test("a mail server is greeted by the host of the public URL, if that is a domain name", () => {
  const nameFor = (...argv: string[]) => {
    const env = { POOLHOUSE_SMTP_URL: "smtp://mail.example" };
    const [sender] = loadConfig(["--smtp-from", "a@b.example", ...argv], env).messages.senders;
    return sender?.type === "smtp" ? sender.clientName : assert.fail("no mail server");
  };
  assert.equal(nameFor(), undefined);
  assert.equal(nameFor("--public-url", "https://ID.example.com:8443/x"), "id.example.com");
  for (const none of ["https://poolhouse", "http://192.0.2.1", "http://[2001:db8::1]", "http://id.localhost"])
    assert.equal(nameFor("--public-url", none), undefined, none);
});

test("the ready line has the public URL, and where the server listens if that is elsewhere", () => {
  const lines: readonly [argv: string[], line: string][] = [
    [[], "http://localhost:4747"],
    [["--host", "0.0.0.0"], "http://0.0.0.0:4747"],
    [["--host", "::", "--port", "80"], "http://[::]:80"],
    [["--public-url", "http://localhost:4747"], "http://localhost:4747"],
    [
      ["--port", "8080", "--public-url", "https://id.example"],
      "https://id.example (listens on http://localhost:8080)",
    ],
    [
      ["--tls", "dev"],
      "https://localhost:4748 (listens on http://localhost:4747 and https://localhost:4748)",
    ],
    [
      ["--tls", "dev", "--public-url", "https://id.example"],
      "https://id.example (listens on http://localhost:4747 and https://localhost:4748)",
    ],
  ];
  for (const [argv, line] of lines)
    assert.equal(readyLine(loadConfig(argv, {})), `Poolhouse ready at ${line}`, argv.join(" "));
});

test("flags come before the environment, before the file, before defaults", () => {
  const file = join(temporaryFolder(), "poolhouse.yaml");
  writeFileSync(
    file,
    "port: 1001\nregion: eu-west-1\naccount-id: '123456789012'\nextra-hosts: [a.test, b.test]\n",
  );
  const config = loadConfig(["--config", file, "--port=1003"], {
    POOLHOUSE_PORT: "1002",
    POOLHOUSE_REGION: "us-west-2",
  });
  assert.equal(config.port, 1003);
  assert.equal(config.region, "us-west-2");
  assert.equal(config.accountId, "123456789012");
  assert.deepEqual(config.extraHosts, ["a.test", "b.test"]);
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.publicUrl, "http://localhost:1003");
  assert.ok(Object.isFrozen(config));
});

test("an unknown key or a bad value refuses to start and is named", () => {
  const bad = (text: string) => {
    const file = join(temporaryFolder(), "poolhouse.yaml");
    writeFileSync(file, text);
    return file;
  };
  const cases: [string[], Record<string, string>, RegExp][] = [
    [["--prot", "1"], {}, /Unknown argument --prot/],
    [["serve"], {}, /Unknown argument serve/],
    [["--port"], {}, /--port needs a value/],
    [["--port", "70000"], {}, /port .* must be a port number/],
    [["--port", "x"], {}, /port .* not "x"/],
    [["--https-port", "70000"], {}, /https-port .* must be a port number/],
    [["--master-key", "x"], {}, /--master-key is a secret/],
    [[], { POOLHOUSE_PROT: "1" }, /Unknown environment variable POOLHOUSE_PROT/],
    [[], { POOLHOUSE_AUTH: "none" }, /auth .* must be one of sigv4, open/],
    [[], { POOLHOUSE_REGION: "here" }, /region .* shaped like/],
    [[], { POOLHOUSE_PUBLIC_URL: "ftp://x" }, /public-url .* must be an http or https URL/],
    [["--auth-domain", "Auth.example.com"], {}, /auth-domain .* must be a host name/],
    [["--auth-domain", "https://auth.example.com"], {}, /auth-domain .* must be a host name/],
    [["--auth-domain", "10.0.0.1"], {}, /auth-domain .* must be a host name/],
    [[], { POOLHOUSE_TRUSTED_PROXIES: "10.0.0.0/33" }, /trusted-proxies .* CIDR/],
    [[], { POOLHOUSE_PRIVATE_PROVIDERS: "all" }, /private-providers .* must be any, or .* CIDR/],
    [[], { POOLHOUSE_PRIVATE_PROVIDERS: "10.0.0.0/8,fd00::/129" }, /private-providers .* CIDR/],
    [[], { POOLHOUSE_LIMITS: "password=5,passwords=6" }, /limits .* must name limits \(password, /],
    [[], { POOLHOUSE_LIMITS: "password" }, /limits .* must name limits/],
    [[], { POOLHOUSE_LIMITS: "password=0" }, /limits .* must give password a number from 1/],
    [[], { POOLHOUSE_LIMITS: "password=1e3" }, /limits .* must give password a number/],
    [[], { POOLHOUSE_LIMITS: "connections=31" }, /must give connections a number from 32 to/],
    [[], { POOLHOUSE_LIMITS: "body-bytes=131071" }, /must give body-bytes a number from 131072 to/],
    [["--limits", "answer-bytes=1"], {}, /must give answer-bytes a number from 65536 to/],
    [
      ["--data", "postgres://u:secret@h/db"],
      {},
      /data .*did you mean --database\?, not "postgres:\/\/…@h\/db"/,
    ],
    [[], { POOLHOUSE_DATA: "postgresql://h/db" }, /data .*did you mean --database\?/],
    [[], { POOLHOUSE_ROOT_ACCESS_KEY_ID: "AKIA1" }, /go together/],
    [[], { POOLHOUSE_SMTP_URL: "smtp://mail.example" }, /smtp-from go together/],
    [["--smtp-from", "a@b.example"], {}, /go together/],
    [["--smtp-from", "nobody"], {}, /smtp-from .* an address/],
    [[], { POOLHOUSE_SMTP_URL: "mail.example" }, /smtp-url .* must be smtp/],
    [["--smtp-url", "smtp://mail.example"], {}, /--smtp-url is a secret/],
    [
      ["--smtp-from", "a@b.example", "--smtp-ca", "/nonexistent/file"],
      { POOLHOUSE_SMTP_URL: "smtp://mail.example" },
      /smtp-ca cannot be read/,
    ],
    [
      ["--smtp-from", "a@b.example"],
      { POOLHOUSE_SMTP_URL: "smtp://mail.example", POOLHOUSE_SMTP_ALLOW_PLAINTEXT: "yes" },
      /^ConfigError: The setting smtp-allow-plaintext .* must be one of true, false, not "yes"\.$/,
    ],
    [[], { POOLHOUSE_SMTP_ALLOW_PLAINTEXT: "yes" }, /^ConfigError: The setting smtp-allow-plaintext /],
    [[], { POOLHOUSE_METRICS_TOKEN: "short" }, /metrics-token .* 16/],
    [["--audit-retention-days", "0"], {}, /audit-retention-days .* from 1/],
    [["--auth", "open", "--host", "0.0.0.0"], {}, /loopback address only/],
    [["--demo", "--host", "0.0.0.0"], {}, /loopback address only/],
    [["--demo", "--public-url", "https://id.example.com"], {}, /without another public URL/],
    [["--demo", "--extra-hosts", "id.example.com"], {}, /without another public URL/],
    [
      ["--config", bad("# one\nport: 1\nprot: 1\n")],
      {},
      /poolhouse\.yaml, line 3: prot is neither a setting nor a section\. Did you mean port\? The sections are/,
    ],
    [
      ["--config", bad("host: localhost\nmesages:\n  email: mail\n")],
      {},
      /line 2: mesages is .*\. Did you mean messages\? The sections are functions, senders, messages; `poolhouse help`/,
    ],
    [
      ["--config", bad("unheard-of: 1")],
      {},
      /line 1: unheard-of is neither a setting nor a section\. The sections/,
    ],
    [["--config", bad("config: other.yaml")], {}, /line 1: config is neither/],
    [["--config", bad('"postgres://u:secret@h/db": 1')], {}, /line 1: postgres:\/\/…@h\/db is neither/],
    [["--config", bad("[1]")], {}, /must hold settings by name/],
    [["--config", bad("a: [")], {}, /cannot be read/],
    [["--config", "/nonexistent/file"], {}, /cannot be read/],
  ];
  for (const [argv, env, message] of cases) assert.throws(() => loadConfig(argv, env), message);
});

test("prefix domains lie below the host of the public URL, if names can", () => {
  const of = (...argv: string[]) => loadConfig(argv, {}).authDomain;
  assert.equal(of(), "auth.localhost");
  assert.equal(of("--public-url", "https://ID.example.com:8443/x"), "auth.id.example.com");
  assert.equal(of("--public-url", "http://127.0.0.1:4747"), "auth.localhost");
  assert.equal(of("--public-url", "http://[::1]:4747"), "auth.localhost");
  assert.equal(of("--public-url", "http://10.0.0.1"), undefined);
  assert.equal(of("--host", "10.0.0.1"), undefined);
  assert.equal(of("--host", "10.0.0.1", "--auth-domain", "login.example.com"), "login.example.com");
});

/** The mail server that the settings make a sender of. */
function mailServer(...given: Parameters<typeof loadConfig>) {
  const [sender] = loadConfig(...given).messages.senders;
  return sender?.type === "smtp" ? sender : undefined;
}

test("mail must be encrypted, but on loopback or where the operator says so", () => {
  const encrypts = (host: string, ...argv: string[]) =>
    mailServer(["--smtp-from", "a@b.example", ...argv], { POOLHOUSE_SMTP_URL: `smtp://${host}` })
      ?.mustEncrypt;
  assert.equal(encrypts("mail.example"), true);
  assert.equal(encrypts("127.0.0.1.example"), true);
  assert.equal(encrypts("mail.example", "--smtp-allow-plaintext"), false);
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) assert.equal(encrypts(host), false, host);
  assert.equal(mailServer([], {}), undefined);
});

test("the file of authorities for mail must hold whole certificates", () => {
  const pem = readFileSync(join(import.meta.dirname, "..", "mail", "localhost.pem"), "utf8");
  const [certificate = ""] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n/.exec(pem) ?? [];
  const file = join(temporaryFolder(), "ca.pem");
  const load = (text: string) => {
    writeFileSync(file, text);
    const argv = ["--smtp-from", "a@b.example", "--smtp-ca", file];
    return mailServer(argv, { POOLHOUSE_SMTP_URL: "smtp://mail.example" })?.ca;
  };
  assert.equal(load(certificate + certificate), certificate + certificate);
  for (const text of ["", "nonsense", certificate + certificate.slice(0, 99), certificate.slice(0, -9)])
    assert.throws(() => load(text), /smtp-ca cannot be read: it must hold certificates/);
});

test("limits are changed by name, the others keep their defaults", () => {
  assert.equal(loadConfig([], {}).limits["forgot-password"], 5);
  const file = join(temporaryFolder(), "poolhouse.yaml");
  writeFileSync(file, "limits:\n  forgot-password: 20\n  password: 7\n");
  const { limits } = loadConfig(["--config", file], {});
  assert.deepEqual([limits["forgot-password"], limits.password, limits["verify-attribute"]], [20, 7, 15]);
  const flag = loadConfig(["--limits", "password=3, codes-per-address=9"], {}).limits;
  assert.deepEqual([flag.password, flag["codes-per-address"]], [3, 9]);
  const least = loadConfig(["--limits", "connections=32,body-bytes=131072,answer-bytes=65536"], {}).limits;
  assert.deepEqual([least.connections, least["body-bytes"], least["answer-bytes"]], [32, 131_072, 65_536]);
});

test("a setting that looks like a number keeps all its digits", () => {
  const file = join(temporaryFolder(), "poolhouse.yaml");
  writeFileSync(file, "metrics-token: 00123456789012345678\nport: 5000\n");
  const { metricsToken, port } = loadConfig(["--config", file], {});
  assert.deepEqual([metricsToken, port], ["00123456789012345678", 5000]);
});

test("a refused secret is not repeated", () => {
  try {
    loadConfig([], { POOLHOUSE_MASTER_KEY: "c2hvcnQ=" });
    assert.fail("it started");
  } catch (error) {
    assert.match((error as Error).message, /POOLHOUSE_MASTER_KEY/);
    assert.doesNotMatch((error as Error).message, /c2hvcnQ/);
  }
});

/** The message of the error with which these settings are refused. */
function refusal(argv: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  try {
    loadConfig(argv, env);
  } catch (error) {
    assert.ok(error instanceof OperatorError, String(error));
    return error.message;
  }
  return assert.fail(`not refused: ${JSON.stringify([argv, env])}`);
}

test("a database URL that is malformed is refused, and nothing of it is repeated", () => {
  const malformed = [
    "postgres://u:p#SECRET@127.0.0.1/db",
    "postgres://u:p/SECRET@127.0.0.1/db",
    "postgres://u:p?SECRET@127.0.0.1/db",
    "postgres://u:p@p/SECRET@127.0.0.1/db",
    "postgresql://u:12#SECRET@127.0.0.1/db",
    "postgres://u:12/SECRET@127.0.0.1/db",
    "postgres://u:12?SECRET@127.0.0.1/db",
    "postgres://u:SECRET%ff@127.0.0.1/db",
    "POSTGRES://u:SECRET@127.0.0.1:70000/db",
  ];
  for (const url of malformed) {
    const message = refusal([], { POOLHOUSE_DATABASE: url });
    assert.match(message, /^The setting database \(--database, POOLHOUSE_DATABASE\) .* percent-encoded/, url);
    assert.doesNotMatch(message, /SECRET|127|u:p/, url);
  }
  const neither = [
    "postgres:/u:SECRET@h/db",
    "postgres:u:SECRET@h/db",
    "Postgres:/u:SECRET@h/db",
    "mysql://u:SECRET@h/db",
    "jdbc:postgresql://h/db?password=SECRET",
    '"postgres://u:SECRET@h/db"',
    " postgres://u:SECRET@h/db",
    "sqlite:postgres:/u:SECRET@h/db",
    "host=h user=u password=SECRET",
  ];
  for (const text of neither) {
    const message = refusal(["--database", text]);
    assert.match(message, /POOLHOUSE_DATABASE\) must be postgres:\/\/…, sqlite:<path> or a path\.$/, text);
    assert.doesNotMatch(message, /SECRET/, text);
    assert.throws(() => parseDatabase(text), new OperatorError(message));
  }
  assert.match(refusal(["--database=sqlite:"]), /POOLHOUSE_DATABASE\) must not be an empty path/);
});

test("every form of a database is accepted", () => {
  const urls = [
    "Postgres://u:p@h/db",
    "postgresql://u:p%23%2F%3F%40@[::1]:5433/db?sslmode=disable",
    "postgres://u:p%@h/db",
    "postgres://u:p@/db?host=/var/run/postgresql",
    "postgres:///db?host=/var/run/postgresql&user=u%40x",
    "postgres://%2Fvar%2Frun/db",
    "postgres://u:one@two@h/db",
  ];
  for (const url of urls) {
    assert.equal(loadConfig(["--database", url], {}).database, url);
    assert.deepEqual(parseDatabase(url), { kind: "postgres", url });
  }
  const paths = { "sqlite:./a.db": "./a.db", "SQLite:///a/b:c.db": "/a/b:c.db", ":memory:": ":memory:" };
  for (const [text, path] of Object.entries({ ...paths, "C:\\a.db": "C:\\a.db", "a/b.db": "a/b.db" })) {
    assert.equal(loadConfig(["--database", text], {}).database, text);
    assert.deepEqual(parseDatabase(text), { kind: "sqlite", path });
  }
});

test("a URL given to another setting is shown without its password", () => {
  const passwords = ["SECRET", "SE/CRET", "SE@CRET", "S/E@C/R@ET", "SE#C?RET"];
  for (const password of passwords) {
    const url = `postgres://u:${password}@h/db`;
    for (const [argv, shown] of [
      [["--data", url], 'did you mean --database?, not "postgres://…@h/db".'],
      [["--port", url], 'not "postgres://…@h/db".'],
      [[url], "Unknown argument postgres://…@h/db."],
      [[`--databse=${url}`], "Unknown argument --databse=postgres://…@h/db."],
    ] as const)
      assert.ok(refusal(argv).includes(shown), refusal(argv));
  }
  assert.doesNotMatch(refusal(["--data", "postgres:/u:SECRET@h/db"]), /SECRET/);
  assert.doesNotMatch(refusal(["--data", "postgres://h/db?user=u&password=SECRET"]), /SECRET/);
});

test("a mistake in the file is named by its place; nothing of the file is quoted", () => {
  const message = (text: string) => {
    const file = join(temporaryFolder(), "poolhouse.yaml");
    writeFileSync(file, text);
    return refusal(["--config", file]);
  };
  for (const [text, place] of [
    ["port: 1\nmaster-key: SECRET: SECRET\n", /line 2, column \d+ \(BLOCK_AS_IMPLICIT_KEY\)/],
    ["port: 1\nmaster-key: 'SECRET\n", /line \d, column \d+ \(MISSING_CHAR\)/],
    ["database: [SECRET\n", /line \d, column \d+ \(\w+\)/],
    [
      "port: 1\nmetrics-token: !SECRET x\n",
      /a word begins with ! at line 2, column 16, .* write the value itself, in quotation marks if it begins so\./,
    ],
    ["metrics-token: *SECRET\n", /alias/],
  ] as const) {
    assert.match(message(text), place);
    assert.match(message(text), /^The file .*poolhouse\.yaml of --config cannot be read: /);
    assert.doesNotMatch(message(text), /SECRET/, text);
  }
});

test("help and docs/settings.md have every setting once, in the group of its subject", () => {
  const grouped = settingGroups.flatMap(([, names]) => names);
  assert.deepEqual(grouped.toSorted(), Object.keys(settings).sort());
});

test("a name that is nearly right is suggested, a secret never as a flag", () => {
  const cases: [string[], Record<string, string>, string][] = [
    [["--prot", "1"], {}, "Did you mean --port?"],
    [["--public-rul=http://x"], {}, "Did you mean --public-url?"],
    [[], { POOLHOUSE_DATABSE: "x" }, "Did you mean POOLHOUSE_DATABASE?"],
    [["--config", "FILE"], {}, "Did you mean master-key?"],
  ];
  const file = join(temporaryFolder(), "poolhouse.yaml");
  writeFileSync(file, "mater-key: secret\n");
  for (const [argv, env, text] of cases) {
    const given = argv.map((one) => (one === "FILE" ? file : one));
    assert.throws(
      () => loadConfig(given, env),
      (error: Error) => error.message.includes(text),
      text,
    );
  }
  for (const flag of ["--mater-key", "--entirely-else"])
    assert.throws(
      () => loadConfig([flag, "x"], {}),
      (error: Error) => !error.message.includes("Did you mean"),
    );
});
