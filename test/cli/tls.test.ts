/** https: an authority of one's own for development, a file of somebody else's, renewed while the server runs. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { pino } from "pino";
import { loadConfig } from "../../src/config/config.ts";
import { certificateSource } from "../../src/integrations/tls.ts";
import { OperatorError } from "../../src/lib/operator-error.ts";
import { startServer } from "../../src/server.ts";
import { manualClock } from "../front/clock.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { besideTests } from "../kit/server.ts";
import { selfSigned } from "./certificates.ts";
import { run, serve, stop } from "./program.ts";

/** GET with this authority alone. */
function get(url: string, ca: string, servername?: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { ca, ...(servername && { servername }) };
    const asked = request(url, options, async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode ?? 0, body });
    });
    asked.once("error", reject);
    asked.end();
  });
}

const names = ["localhost", "*.auth.localhost", "127.0.0.1", "::1"];
const dev = (folder: string) =>
  certificateSource({ tls: "dev", folder, keyFolder: join(folder, "key"), names, now: Date.now() });

test("--tls dev: links, issuer and cookies are by https, certified by an authority that lasts", async () => {
  const data = temporaryFolder();
  const first = await serve("--data", data, "--tls", "dev", "--https-port", "0", "--demo");
  const authority = join(data, "secrets", "tls", "ca.pem");
  assert.ok(first.output.includes(`NODE_EXTRA_CA_CERTS=${authority}`), first.output);
  const ca = readFileSync(authority, "utf8");
  assert.match(first.url, /^https:\/\/localhost:\d+$/);
  const [, http] = /^Poolhouse ready at \S+ \(listens on (\S+) and (\S+)\)$/m.exec(first.output) ?? [];
  assert.equal((await fetch(`${http}/healthz`)).status, 200, first.output);
  assert.ok(first.output.includes(` and ${first.url})`), first.output);
  const place = `${first.url}/us-east-1_Demo12345`;
  const metadata = JSON.parse((await get(`${place}/.well-known/openid-configuration`, ca)).body);
  assert.equal(metadata["issuer"], place);
  assert.equal(metadata["token_endpoint"], `${place}/oauth2/token`);
  // A prefix domain's name is certified as well.
  assert.equal((await get(`${first.url}/healthz`, ca, "shop.auth.localhost")).status, 200);
  await assert.rejects(get(`${first.url}/healthz`, ca, "elsewhere.example"), {
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
  });
  await assert.rejects(fetch(`${first.url}/healthz`), "nobody else vouches for it");
  assert.equal(statSync(join(data, "development-authority", "ca-key.pem")).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(join(data, "secrets", "tls")),
    ["ca.pem"],
    "a backup of the secrets has no such key",
  );
  const answer = await promisify(execFile)(
    "/usr/bin/aws",
    [
      ...["cognito-idp", "initiate-auth", "--endpoint-url", first.url, "--region", "us-east-1"],
      ...["--no-sign-request", "--auth-flow", "USER_PASSWORD_AUTH", "--client-id", "demoappclient"],
      ...["--auth-parameters", "USERNAME=demo@example.com,PASSWORD=Poolhouse-demo-1"],
    ],
    { env: { PATH: process.env["PATH"], AWS_CA_BUNDLE: authority } },
  );
  assert.ok(JSON.parse(answer.stdout).AuthenticationResult.IdToken);
  assert.equal(await stop(first.process), 0);
  const again = await serve("--data", data, "--tls", "dev", "--https-port", "0");
  assert.equal(readFileSync(authority, "utf8"), ca);
  assert.equal((await get(`${again.url}/healthz`, ca)).status, 200);
  assert.equal(await stop(again.process), 0);
});

test("old protocols are refused", async () => {
  const data = temporaryFolder();
  const server = await serve("--data", data, "--tls", "dev", "--https-port", "0");
  const ca = readFileSync(join(data, "secrets", "tls", "ca.pem"), "utf8");
  const shake = (version: "TLSv1.1" | "TLSv1.2" | "TLSv1.3") =>
    new Promise<string>((resolve) => {
      const { port, hostname: host } = new URL(server.url);
      const options = { host, port: Number(port), ca, servername: host };
      const socket = connect({ ...options, minVersion: version, maxVersion: version }, () => {
        resolve(socket.getProtocol() ?? "");
        socket.destroy();
      });
      socket.once("error", () => resolve("refused"));
    });
  assert.deepEqual(
    [await shake("TLSv1.1"), await shake("TLSv1.2"), await shake("TLSv1.3")],
    ["refused", "TLSv1.2", "TLSv1.3"],
  );
  await stop(server.process);
});

test("a file of a key and certificates; nonsense refuses to start and says what it should hold", async () => {
  const data = temporaryFolder();
  const { first } = await dev(join(data, "authority"));
  const file = join(data, "server.pem");
  writeFileSync(file, `${first.cert}${first.key}`);
  const server = await serve("--data", data, "--tls", file, "--https-port", "0");
  const ca = readFileSync(join(data, "authority", "ca.pem"), "utf8");
  assert.equal((await get(`${server.url}/healthz`, ca)).status, 200);
  await stop(server.process);
  writeFileSync(file, first.cert);
  await assert.rejects(
    run("serve", "--data", data, "--port", "0", "--tls", file),
    /must hold a private key and its certificates/,
  );
  writeFileSync(file, `${first.cert}${first.key.slice(0, 60)}AAAA${first.key.slice(64)}`);
  await assert.rejects(run("serve", "--data", data, "--port", "0", "--tls", file), (error: Error) => {
    assert.match(error.message, /cannot be used: /);
    assert.doesNotMatch(error.message, /^\s+at /m);
    return true;
  });
  await assert.rejects(
    run("serve", "--data", data, "--port", "0", "--tls", join(data, "none.pem")),
    /none\.pem \(setting tls\) cannot be read: there is no such file\.$/m,
  );
});

test("the key must belong to the first certificate, of whatever types they are; of several keys one must", async () => {
  const file = join(temporaryFolder(), "server.pem");
  const opened = (text: string) => {
    writeFileSync(file, text);
    return certificateSource({ tls: file, folder: "", keyFolder: "", names, now: Date.now() });
  };
  const [ec, otherEc, rsa] = await Promise.all([selfSigned("ec"), selfSigned("ec"), selfSigned("rsa")]);
  const strangers = [
    `${ec.key}${rsa.cert}`,
    `${rsa.key}${ec.cert}`,
    `${otherEc.key}${ec.cert}`,
    `${otherEc.key}${rsa.key}${ec.cert}`,
    `${rsa.key}${ec.cert}${rsa.cert}`,
  ];
  for (const text of strangers)
    await assert.rejects(opened(text), (error: Error) => {
      assert.ok(error instanceof OperatorError);
      assert.match(error.message, /server\.pem cannot be used: no private key in it belongs to its first/);
      return true;
    });
  for (const text of [`${rsa.key}${otherEc.key}${ec.key}${ec.cert}`, `${ec.key}${rsa.key}${ec.cert}`])
    assert.equal((await opened(text)).first.key.trim(), ec.key.trim());
  assert.equal((await opened(`${rsa.cert}${ec.key}${rsa.key}`)).first.key.trim(), rsa.key.trim());
});

test("a file that ends inside its chain, or whose chain is damaged, is refused", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "server.pem");
  const opened = (text: string) => {
    writeFileSync(file, text);
    return certificateSource({ tls: file, folder, keyFolder: folder, names, now: Date.now() });
  };
  const { first } = await dev(join(folder, "authority"));
  const whole = `${first.key}${first.cert}`;
  const chain = (await opened(whole)).first.cert;
  assert.equal(chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
  const last = whole.lastIndexOf("-----BEGIN");
  // Within the BEGIN line, the certificate and the END line.
  for (const length of [last + 3, last + 14, last + 40, last + 200, whole.trimEnd().length - 3])
    await assert.rejects(opened(whole.slice(0, length)), (error: Error) => {
      assert.ok(error instanceof OperatorError);
      assert.match(error.message, /server\.pem is incomplete/);
      return true;
    });
  await assert.rejects(opened(`${first.key.slice(0, 80)}\n${whole}`), /is incomplete/);
  await assert.rejects(
    opened(`${whole.slice(0, last + 60)}!!!!${whole.slice(last + 64)}`),
    /server\.pem cannot be used: /,
  );
  const together = `${first.cert.trim()}${first.key}`;
  assert.equal((await opened(together)).first.cert, chain, "no line break between two blocks");
});

test("a file that changes is taken over; one that cannot be used is refused, once", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "server.pem");
  const write = (text: string, seconds: number) => {
    writeFileSync(file, text);
    utimesSync(file, seconds, seconds);
  };
  const former = await dev(join(folder, "one"));
  const latter = await dev(join(folder, "two"));
  write(`${former.first.key}${former.first.cert}`, 1_000);
  const source = await certificateSource({ tls: file, folder, keyFolder: folder, names, now: Date.now() });
  const refuses = (reason: RegExp) => {
    assert.match(source.renewed()?.refused ?? "", reason);
    assert.equal(source.renewed(), undefined, "the same file again");
  };
  assert.equal(source.renewed(), undefined);
  write(latter.first.key, 2_000);
  refuses(/server\.pem must hold a private key and its certificates/);
  write(`${former.first.key}${latter.first.cert}`, 2_500);
  refuses(/server\.pem cannot be used: no private key in it belongs/);
  write(`${(await selfSigned("rsa")).key}${latter.first.cert}`, 2_600);
  refuses(/server\.pem cannot be used: no private key in it belongs/);
  rmSync(file);
  refuses(/server\.pem \(setting tls\) cannot be read: there is no such file\.$/);
  write(`${latter.first.key}${latter.first.cert}`, 3_000);
  assert.equal(
    source.renewed()?.certificate?.cert,
    latter.first.cert.trim().concat("\n").replace(/\n\n+/g, "\n"),
  );
  assert.equal(source.renewed(), undefined);
});

test("a running server logs why a renewed certificate cannot be used, and keeps the one it has", async () => {
  const file = join(temporaryFolder(), "server.pem");
  const write = (text: string, seconds: number) => {
    writeFileSync(file, text);
    utimesSync(file, seconds, seconds);
  };
  const [former, latter] = await Promise.all([selfSigned("ec"), selfSigned("rsa")]);
  write(`${former.key}${former.cert}`, 1_000);
  const monotonic = manualClock();
  const lines: string[] = [];
  const config = loadConfig(
    ["--port=0", "--https-port=0", `--tls=${file}`, "--database=:memory:", `--data=${temporaryFolder()}`],
    {},
  );
  const log = pino({ level: "warn" }, { write: (line) => lines.push(line) });
  const server = await startServer(config, { log, monotonic, hashCost: besideTests.hashCost });
  try {
    const answers = async (ca: string) =>
      assert.equal((await get(`${server.url}/healthz`, ca, "localhost")).status, 200);
    const minute = 60_000;
    write(`${former.key}${latter.cert}`, 2_000);
    monotonic.pass(3 * minute);
    const told = lines.filter((line) => line.includes("server.pem"));
    assert.equal(told.length, 1, lines.join(""));
    assert.match(told[0]!, /cannot be used: no private key in it belongs .* current certificate stays/);
    assert.doesNotMatch(told[0]!, /PRIVATE KEY|BEGIN/);
    await answers(former.cert);
    write(`${latter.key}${latter.cert}`, 3_000);
    monotonic.pass(minute);
    await answers(latter.cert);
  } finally {
    await server.close();
  }
});
