/** What an application gets at once, however much comes in; uploads that stop; and applications that speak https. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { ask } from "../kit/ask.ts";
import { until } from "../kit/waiting.ts";
import { newCertificate } from "./certificate.ts";
import { exchange, type Front, startFront, statusOf } from "./front.ts";

/** An application that answers when the test says so. */
async function held(change: object = {}) {
  const waiting: ServerResponse[] = [];
  const sockets = new Set<Socket>();
  const paths: string[] = [];
  const front = await startFront((incoming, outgoing) => {
    sockets.add(incoming.socket);
    paths.push(incoming.url!);
    waiting.push(outgoing);
  }, change);
  return { front, waiting, sockets, paths };
}

const at = ({ origin }: Front, path: string) =>
  request(`${origin}/public/${path}`, { agent: false, headers: { accept: "application/json" } }).end();

const statusFor = async (asked: ReturnType<typeof at>) => {
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  return answer;
};

describe("requests at once", () => {
  test("are as many as the settings say; some more wait, and the rest are told when to come again", async () => {
    const limits = { "upstream-connections": 2, "upstream-waiting": 2 };
    const { front, waiting, paths } = await held(limits);
    const first = [at(front, "1"), at(front, "2")].map(statusFor);
    await until("both are there", () => waiting.length === 2);
    // Of these four, two wait; which two, the network says.
    const more = ["3", "4", "5", "6"].map((path) => ({ path, asked: at(front, path) }));
    const refused: IncomingMessage[] = [];
    const passed: string[] = [];
    const answers = more.map(async ({ path, asked }) => {
      const answer = await statusFor(asked);
      if (answer.statusCode === 503) refused.push(answer);
      else passed.push(path);
    });
    await until("two are refused", () => refused.length === 2);
    for (const { headers } of refused) assert.equal(headers["retry-after"], "30");
    assert.equal(paths.length, 2);
    waiting.shift()!.end();
    await until("the next one's turn came", () => paths.length === 3);
    assert.equal(passed.length, 0);
    while (paths.length < 4 || waiting.length > 0) {
      waiting.shift()?.end();
      await until("the last one's turn came", () => paths.length === 4);
    }
    await Promise.all([...first, ...answers]);
    assert.equal(passed.length, 2);
  });

  test("one whose client goes away leaves its place, whether it waits or not", async () => {
    const { front, waiting, paths } = await held({ "upstream-connections": 1, "upstream-waiting": 1 });
    const gone = at(front, "1").on("error", () => {});
    await until("it is there", () => waiting.length === 1);
    const closed = once(waiting[0]!, "close");
    const impatient = connect(front.port, "127.0.0.1");
    impatient.write("GET /public/2 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    // As soon as another one is refused, this one waits.
    await until("it waits", async () => (await ask(`${front.origin}/public/x`)).status === 503);
    impatient.destroy();
    const third = at(front, "3");
    third.on("error", () => {});
    gone.destroy();
    await closed;
    await until("the third one's turn came", () => paths.includes("/public/3"));
    waiting.at(-1)!.end();
    assert.equal((await statusFor(third)).statusCode, 200);
    assert.ok(!paths.includes("/public/2"));
  });

  test("WebSockets take a place until they are open", async () => {
    const limits = { "upstream-connections": 1, "upstream-waiting": 0 };
    const { front, waiting } = await held(limits);
    const asked = at(front, "1");
    await until("it is there", () => waiting.length === 1);
    const opening =
      `GET /public/chat HTTP/1.1\r\nHost: 127.0.0.1:${front.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    assert.equal(statusOf(await exchange(front.port, opening)), 503);
    waiting[0]!.end();
    assert.equal((await statusFor(asked)).statusCode, 200);
  });

  test("of one connection are one, however many it sends ahead", async () => {
    const { front, waiting, paths } = await held();
    const sent = ["1", "2", "3"].map(
      (path) =>
        `GET /public/${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${path === "3" ? "Connection: close\r\n" : ""}\r\n`,
    );
    const answers = exchange(front.port, sent.join(""));
    for (const count of [1, 2, 3]) {
      await until("the next one is there", () => paths.length === count);
      // A request of another connection passes meanwhile; those behind in this one do not.
      const other = at(front, `other-${count}`);
      await until("it is there, too", () => waiting.length === 2);
      for (const outgoing of waiting.splice(0)) outgoing.end(outgoing.req.url);
      assert.equal((await statusFor(other)).statusCode, 200);
      paths.splice(paths.indexOf(`/public/other-${count}`), 1);
    }
    assert.deepEqual(paths, ["/public/1", "/public/2", "/public/3"]);
    const bodies = [...(await answers).matchAll(/\/public\/\d/g)].map(([path]) => path);
    assert.deepEqual(bodies, paths);
  });
});

describe("an upload that stops", () => {
  const head = (length: string) => `POST /public/x HTTP/1.1\r\nHost: 127.0.0.1\r\n${length}\r\n\r\n`;

  for (const [what, answer] of [
    ["before there is an answer", () => {}],
    ["after it was answered", (outgoing: ServerResponse) => void outgoing.writeHead(200).flushHeaders()],
  ] as const)
    test(`is ended on both sides: ${what}`, async () => {
      const gone = Promise.withResolvers<void>();
      const front = await startFront(
        (incoming, outgoing) => {
          incoming.resume().on("error", () => {});
          outgoing.once("close", gone.resolve);
          answer(outgoing);
        },
        {},
        { uploadIdle: 100 },
      );
      for (const sent of ["Content-Length: 100", "Transfer-Encoding: chunked"])
        await exchange(front.port, `${head(sent)}5\r\nabcde\r\n`);
      await gone.promise;
    });

  test("which the application does not read, too", async () => {
    const front = await startFront((incoming) => void incoming.pause(), {}, { uploadIdle: 100 });
    const socket = connect(front.port, "127.0.0.1");
    const closed = Promise.withResolvers<void>();
    socket.on("error", () => {});
    socket.once("close", () => closed.resolve());
    socket.write(head(`Content-Length: ${2 ** 30}`));
    const piece = Buffer.alloc(1 << 16);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", more);
    more();
    await closed.promise;
  });

  test("but not an answer that takes longer once the upload is complete", async () => {
    const idle = 600_000;
    const front = await startFront((incoming) => void incoming.resume(), {}, { uploadIdle: idle });
    const connected = once(front.server, "connection");
    const client = connect(front.port, "127.0.0.1");
    client.write(head("Content-Length: 2"));
    const [socket] = (await connected) as [Socket];
    await until("the limit is set", () => socket.timeout === idle);
    client.write("hi");
    await until("it is not any more", () => socket.timeout === 0);
    client.destroy();
  });
});

describe("an application that speaks https", () => {
  const browsersHost = "cms.example.test";

  /** With a certificate for names; it answers with the host that the connection and the request name. */
  async function secure(...names: string[]): Promise<number> {
    const { pem, ca } = await newCertificate(...names);
    setDefaultCACertificates([...getCACertificates("default"), ca]);
    const server = createServer({ key: pem, cert: pem }, (incoming, outgoing) => {
      const { servername } = incoming.socket as TLSSocket & { readonly servername?: string | false };
      outgoing.end(JSON.stringify([servername, incoming.headers.host]));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    after(() => {
      server.close();
      server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  const through = async (origin: string) => {
    const front = await startFront({ origin });
    const headers = { host: browsersHost, accept: "application/json" };
    return ask(`${front.origin}/public/x`, { headers });
  };

  test("proves that it is the upstream of the file, whatever host is asked for", async () => {
    const port = await secure("localhost", "127.0.0.1");
    const byName = await through(`https://localhost:${port}`);
    assert.deepEqual(JSON.parse(await byName.text()), ["localhost", browsersHost]);
    const byAddress = await through(`https://127.0.0.1:${port}`);
    assert.deepEqual(JSON.parse(await byAddress.text()), [false, browsersHost]);
  });

  test("is not believed with a certificate for the host that the browser asks for", async () => {
    assert.equal((await through(`https://localhost:${await secure(browsersHost)}`)).status, 502);
  });
});
