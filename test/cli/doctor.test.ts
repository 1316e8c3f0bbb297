/** What `poolhouse doctor` says of the port, of a public URL, of proxies and of TLS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { changePublicUrl } from "../../src/store/public-url.ts";
import { forEachDatabase, temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { selfSigned } from "./certificates.ts";
import { runWith, serve, stop } from "./program.ts";

const doctor = (settings: Readonly<Record<string, string>>) =>
  runWith({ POOLHOUSE_DATA: temporaryFolder(), POOLHOUSE_PORT: "0", ...settings }, "doctor");

test("the port is asked who listens there, and what is wrong is told", async () => {
  const other = createServer((_, response) => response.end("hello"));
  // Answers in a protocol of its own.
  const greeter = createTcpServer((socket) => socket.on("error", () => {}).end("220 ready\r\n"));
  for (const one of [other, greeter]) {
    one.listen(0, "127.0.0.1");
    await once(one, "listening");
  }
  const portOf = (one: typeof greeter) => String((one.address() as AddressInfo).port);
  const server = await serve("--data", temporaryFolder());
  const { port } = new URL(server.url);
  try {
    const ready = await doctor({ POOLHOUSE_PORT: port });
    assert.match(
      ready.stdout,
      new RegExp(`^ok {4}http on 127\\.0\\.0\\.1:${port}: a Poolhouse answers, and is ready$`, "m"),
    );
    assert.equal(ready.code, 0, ready.stdout);
    for (const POOLHOUSE_HOST of ["0.0.0.0", "localhost"])
      assert.match((await doctor({ POOLHOUSE_PORT: port, POOLHOUSE_HOST })).stdout, /: a Poolhouse answers/);
    for (const taken of [portOf(other), portOf(greeter)]) {
      const { code, stdout } = await doctor({ POOLHOUSE_PORT: taken });
      assert.match(
        stdout,
        new RegExp(`^FAIL {2}http on .*:${taken}: another program listens there.* --port$`, "m"),
      );
      assert.equal(code, 1);
    }
  } finally {
    await stop(server.process);
    other.close();
    greeter.close();
  }
  const free = await doctor({ POOLHOUSE_PORT: port });
  assert.match(free.stdout, /^ok {4}http on .*: the port is free, no server runs there$/m);
});

test("a place where no database can be made is told of", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  const at = await doctor({ POOLHOUSE_DATA: file });
  assert.match(at.stdout, new RegExp(`^FAIL {2}no database yet, and ${file} is no folder`, "m"));
  assert.equal(at.code, 1);
  assert.match((await doctor({})).stdout, /^ok {4}no database yet: the first start makes /m);
});

test("a demo that others can reach is told of, by doctor and at the start", async () => {
  const data = temporaryFolder();
  const others = "https://id.example.com";
  const exposed = /others can reach this server, and its database has the demo pool us-east-1_Demo12345/;
  const demo = await serve("--data", data, "--demo");
  assert.doesNotMatch(demo.output, exposed);
  assert.doesNotMatch((await doctor({ POOLHOUSE_DATA: data })).stdout, exposed);
  const told = await doctor({ POOLHOUSE_DATA: data, POOLHOUSE_PUBLIC_URL: others });
  assert.match(told.stdout, new RegExp(`^FAIL {2}${exposed.source}`, "m"));
  await stop(demo.process);
  const server = await serve("--data", data, "--public-url", others);
  assert.match(server.output, new RegExp(`^WARNING: ${exposed.source}`, "m"));
  await stop(server.process);
});

test("a proxy that nobody named is told of, and is no failure by itself", async () => {
  const url = "https://id.example.com";
  const warning = /^warn {2}a proxy seems to bring the clients.* POOLHOUSE_TRUSTED_PROXIES/m;
  const mail = { POOLHOUSE_SMTP_URL: "smtp://127.0.0.1:9", POOLHOUSE_SMTP_FROM: "no-reply@example.com" };
  for (const settings of [
    { POOLHOUSE_PUBLIC_URL: url },
    { POOLHOUSE_PUBLIC_URL: url, POOLHOUSE_HOST: "0.0.0.0" },
    { POOLHOUSE_EXTRA_HOSTS: "id.example.com" },
  ]) {
    const { stdout } = await doctor({ ...mail, ...settings });
    assert.match(stdout, warning, JSON.stringify(settings));
  }
  const { stdout } = await doctor({
    POOLHOUSE_PUBLIC_URL: url,
    POOLHOUSE_TRUSTED_PROXIES: "10.0.0.0/8,::1/128",
  });
  assert.match(stdout, /^ok {4}X-Forwarded-For is believed from 10\.0\.0\.0\/8, ::1\/128$/m);
  assert.doesNotMatch(stdout, warning);
  const alone = await doctor({});
  assert.equal(alone.code, 0, alone.stdout);
  assert.doesNotMatch(alone.stdout, /warn|proxy|X-Forwarded-For/);
});

test("a TLS file is checked: whether the server can use it, and until when", async () => {
  const file = join(temporaryFolder(), "server.pem");
  const httpsPort = String(await freePort());
  const over = (tls: string) => doctor({ POOLHOUSE_TLS: tls, POOLHOUSE_HTTPS_PORT: httpsPort });
  const says = async (text: string) => {
    writeFileSync(file, text);
    return over(file);
  };
  const pem = async (validity: { from?: number; to?: number }) => {
    const { key, cert } = await selfSigned("ec", validity);
    return `${key}${cert}`;
  };
  const good = await says(await pem({}));
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
  assert.match(
    good.stdout,
    new RegExp(`^ok {4}https on port ${httpsPort}: .*server\\.pem is valid until ${time}$`, "m"),
  );
  assert.equal(good.code, 0, good.stdout);
  assert.doesNotMatch(good.stdout, /proxy/, "https of its own is no sign of a proxy");
  const soon = await says(await pem({ to: 13 }));
  assert.match(
    soon.stdout,
    new RegExp(`^warn {2}.*server\\.pem is valid until ${time}: renew it soon$`, "m"),
  );
  assert.equal(soon.code, 0);
  const refused: [string, RegExp][] = [
    [await pem({ from: -9, to: -1 }), /^FAIL {2}.*server\.pem expired at 2/m],
    [await pem({ from: 1 }), /^FAIL {2}.*server\.pem is valid only from 2/m],
    [
      `${(await selfSigned("rsa")).key}${(await selfSigned("ec")).cert}`,
      /^FAIL {2}.*server\.pem cannot be used: /m,
    ],
    ["", /^FAIL {2}.*server\.pem must hold a private key/m],
  ];
  for (const [text, line] of refused) {
    const { code, stdout } = await says(text);
    assert.match(stdout, line);
    assert.equal(code, 1);
  }
  assert.match((await over("/nowhere/server.pem")).stdout, /^FAIL {2}.*no such file/m);
  const own = await over("dev");
  assert.match(own.stdout, new RegExp(`^ok {4}https on port ${httpsPort}, for development`, "m"));
  assert.doesNotMatch(own.stdout, /proxy/);
});

forEachDatabase((database, open, fresh) => {
  test("the public URL is held against the one that the database belongs to", async () => {
    const options = await fresh();
    const { db } = await open(options);
    const settings = {
      POOLHOUSE_DATABASE: options.url,
      ...(options.masterKey && { POOLHOUSE_MASTER_KEY: options.masterKey }),
      ...(options.secretsFolder && { POOLHOUSE_DATA: `${options.secretsFolder}/..` }),
    };
    const says = async (more: Readonly<Record<string, string>>) =>
      (await doctor({ ...settings, ...more })).stdout;
    const mine = { POOLHOUSE_PUBLIC_URL: "http://localhost:4747" };
    if (database === "sqlite") {
      assert.doesNotMatch(await says(mine), /belongs|binds/);
      return;
    }
    assert.match(
      await says(mine),
      /^ok {4}the first server to start binds the database to http:\/\/localhost:4747$/m,
    );
    await changePublicUrl(db, "http://localhost:4747");
    assert.match(await says(mine), /^ok {4}the database belongs to this public URL$/m);
    const other = await says({ POOLHOUSE_PUBLIC_URL: "http://localhost:4848" });
    assert.match(
      other,
      /^FAIL {2}the database belongs to the public URL http:\/\/localhost:4747: with .*:4848 a server/m,
    );
    assert.match(await says({ POOLHOUSE_HOST: "0.0.0.0" }), /^FAIL {2}the public URL must be configured/m);
  });
});
