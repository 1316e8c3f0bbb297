/** `poolhouse gateway` as a process of its own: large bodies in constant memory, and a graceful end. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { main } from "../kit/child.ts";
import { freePort } from "../kit/ports.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { whole } from "../kit/whole.ts";
import { gatewayFile } from "./front.ts";
import { startApplication } from "./place.ts";

/** Megabytes of each body: a gigabyte in the long tests. */
const size = whole ? 1024 : 192;

/** Beyond what it had before: the youngest generation of V8's heap, and what is on its way. Megabytes. */
const allowed = 96;

const piece = Buffer.alloc(1 << 20, "x");

async function startGateway(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, "gateway", "--config", path], {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "inherit"],
  });
  after(() => child.kill("SIGKILL"));
  await once(createInterface({ input: child.stdout! }), "line");
  return child;
}

/** The most memory that a process ever had, and with what its children had. Megabytes. */
function peak(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s*(\d+)/.exec(text)![1]) / 1024;
}

/** Writes `size` megabytes as fast as they are taken. */
function pour(into: NodeJS.WritableStream): void {
  let left = size;
  const more = () => {
    for (let room = true; room && left > 0; left -= 1) room = into.write(piece);
    if (left > 0) into.once("drain", more);
    else into.end();
  };
  more();
}

async function length(of: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const part of of) bytes += (part as Buffer).length;
  return bytes;
}

test("large bodies pass in constant memory, both ways, and what is under way at SIGTERM ends well", async () => {
  let held: ServerResponse | undefined;
  const { server, origin: upstream } = await startApplication(async (incoming, outgoing) => {
    if (incoming.url === "/public/held") {
      outgoing.write("begun ");
      held = outgoing;
    } else if (incoming.method === "GET") pour(outgoing);
    else outgoing.end(String(await length(incoming)));
  });
  server.on("upgrade", (_incoming, socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  });
  const port = await freePort();
  const { path, settings } = gatewayFile(port, upstream);
  const child = await startGateway(path);
  const ask = (method: string, target: string) => request(`${settings.publicUrl}${target}`, { method });
  const answerTo = async (asked: ReturnType<typeof request>) =>
    ((await once(asked, "response")) as [IncomingMessage])[0];
  const before = peak(child.pid!);
  assert.equal(await length(await answerTo(ask("GET", "/public/large").end())), size << 20);
  for (const framed of [true, false]) {
    const upload = ask("PUT", "/public/large");
    if (framed) upload.setHeader("content-length", size << 20);
    pour(upload);
    let text = "";
    for await (const part of await answerTo(upload)) text += String(part);
    assert.equal(Number(text), size << 20);
  }
  const grown = peak(child.pid!) - before;
  assert.ok(grown < allowed, `${grown} MB more for ${size} MB`);

  const waiting = await answerTo(ask("GET", "/public/held").end());
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "GET /public/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await once(socket, "data");
  const closed = once(socket.resume(), "close");
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await closed;
  await until("nothing more is accepted", async () => {
    const probe = connect(port, "127.0.0.1");
    const refused = await once(probe, "connect").then(
      () => false,
      () => true,
    );
    probe.destroy();
    return refused;
  });
  held!.end("and done");
  let text = "";
  for await (const part of waiting) text += String(part);
  assert.equal(text, "begun and done");
  assert.deepEqual(await ended, [0, null]);
});

test("while the provider is away, the log says why", { timeout: hangingMs }, async () => {
  const { path, settings } = gatewayFile(await freePort(), "http://127.0.0.1:9");
  const child = spawn(process.execPath, [main, "gateway", "--config", path], {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  after(() => child.kill("SIGKILL"));
  const log = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  const why = async () => {
    for (let line = await log.next(); !line.done; line = await log.next())
      if (line.value.includes("does not answer")) return line.value;
    return "";
  };
  assert.match(await why(), /fetch failed: bad port.*does not answer yet/);
  assert.equal((await fetch(`${settings.publicUrl}/auth/signin`)).status, 503);
  // fetch knows this port for one that it never asks.
  assert.match(await why(), /"provider-away","detail":"[^"]*fetch failed: bad port"/);
});
