/** https of a server with several workers: one certificate, renewed at all of them, and sessions that any of them resumes. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { selfSigned } from "../cli/certificates.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { skipWithoutPostgres } from "../kit/postgres.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { replaceWorker, startWorkers } from "../kit/workers.ts";

const options = { ...skipWithoutPostgres(), timeout: hangingMs };

/** One request on a connection of its own. */
interface Exchange {
  readonly answer: string;
  /** The server's certificate as PEM; undefined if the session was resumed, which shows none. */
  readonly certificate: string | undefined;
  readonly session: Buffer | undefined;
}

/** @param ca the authorities to trust; undefined where the certificate is compared in any case */
function exchange(port: number, ca: string | undefined, resumed?: Buffer): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    let answer = "";
    let certificate: string | undefined;
    let session: Buffer | undefined;
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
    const given = { host: "127.0.0.1", port, servername: "localhost", ...trust };
    const socket = connect({ ...given, ...(resumed && { session: resumed }) }, () => {
      if (!socket.isSessionReused()) certificate = socket.getPeerX509Certificate()!.toString();
      socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`);
    });
    // TLS 1.3 sends it after the handshake.
    socket.on("session", (one) => {
      session = one;
    });
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.once("error", reject);
    socket.once("close", () => resolve({ answer, certificate, session }));
  });
}

/** As many connections as make sure that each worker got some, since they take turns. */
const turns = [1, 2, 3, 4, 5, 6];

/** What new connections are shown, each value once. */
async function shown(port: number, ca?: string): Promise<string[]> {
  const found = new Set<string>();
  for (const _ of turns) {
    const { answer, certificate } = await exchange(port, ca);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    found.add(certificate!);
  }
  return [...found];
}

/** A session that one of the workers began is resumed by all. */
async function resumes(port: number, session: Buffer | undefined): Promise<void> {
  assert.ok(session);
  for (const _ of turns) {
    const { answer, certificate } = await exchange(port, undefined, session);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.equal(certificate, undefined, "the session is resumed");
  }
}

/** Has a program look once in 50 milliseconds at what it looks at once in a minute: for its children, too. */
const impatient = `const real = setInterval;
globalThis.setInterval = (tick, time, ...rest) => real(tick, time === 60_000 ? 50 : time, ...rest);`;

test("a renewed certificate reaches all workers, and whoever takes the place of one", options, async () => {
  const file = join(temporaryFolder(), "server.pem");
  const [first, second] = await Promise.all([selfSigned("ec"), selfSigned("ec")]);
  writeFileSync(file, `${first.key}${first.cert}`);
  const port = await freePort();
  const running = await startWorkers({
    POOLHOUSE_TLS: file,
    POOLHOUSE_HTTPS_PORT: String(port),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(impatient)}`,
  });
  try {
    assert.deepEqual(await shown(port), [first.cert]);
    const { session } = await exchange(port, undefined);
    await resumes(port, session);

    // Cut off: each says so once, and goes on with what it has.
    writeFileSync(file, second.key);
    const refusals = () => running.server.log.filter((line) => line.includes("The TLS file has changed"));
    await until("both have seen it", () => refusals().length === 2);
    assert.deepEqual(
      refusals()
        .map((line) => JSON.parse(line).worker)
        .toSorted(),
      [1, 2],
    );
    assert.deepEqual(await shown(port), [first.cert]);

    writeFileSync(file, `${second.key}${second.cert}`);
    await until("all show the new one", async () => {
      const certificates = await shown(port);
      return certificates.length === 1 && certificates[0] === second.cert;
    });
    await resumes(port, session);
    await replaceWorker(running, 0);
    assert.deepEqual(await shown(port), [second.cert]);
    await resumes(port, (await exchange(port, undefined)).session);
  } finally {
    await running.drop();
  }
});

test(
  "workers have one certificate by the development authority, also after one was killed",
  options,
  async () => {
    const data = temporaryFolder();
    const port = await freePort();
    const running = await startWorkers({
      POOLHOUSE_DATA: data,
      POOLHOUSE_TLS: "dev",
      POOLHOUSE_HTTPS_PORT: String(port),
    });
    try {
      assert.equal(running.server.url, `https://localhost:${port}`);
      const ca = readFileSync(join(data, "secrets", "tls", "ca.pem"), "utf8");
      const certificates = await shown(port, ca);
      assert.equal(certificates.length, 1);
      for (const which of [0, 0]) {
        await replaceWorker(running, which);
        assert.deepEqual(await shown(port, ca), certificates);
      }
    } finally {
      await running.drop();
    }
  },
);
