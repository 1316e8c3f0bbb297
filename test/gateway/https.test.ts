/** The gateway serves https itself: with the certificate of a file, which may be replaced while it runs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { createGatewayServer } from "../../src/gateway/serve.ts";
import { createTlsListener, renew } from "../../src/gateway/tls.ts";
import { certificateFromFile } from "../../src/integrations/tls.ts";
import { silent, temporaryFolder } from "../kit/databases.ts";
import { forOneServer } from "../kit/server.ts";
import { newCertificate } from "./certificate.ts";
import { gatewayPlace, newStore } from "./place.ts";
import { refusal } from "./refusal.ts";

const host = "cms.example.test";

/** One request on a connection of its own. */
async function get(port: number, ca: string, path: string, more: Readonly<Record<string, string>> = {}) {
  const agent = new Agent({ ca, servername: host, keepAlive: true });
  const asked = request({
    host: "127.0.0.1",
    port,
    agent,
    path,
    headers: { host, accept: "text/html", ...more },
  });
  asked.end();
  const [socket] = (await once(asked, "socket")) as [TLSSocket];
  const [answer] = await once(asked, "response");
  answer.resume();
  await once(answer, "end");
  return { status: answer.statusCode as number, headers: answer.headers, socket, agent };
}

forOneServer("sqlite", "gateway by https", (start) => {
  test("requests by https are that; a new certificate is used, a damaged file is not; ending closes connections", async () => {
    const { gateway } = await gatewayPlace(await start(), await newStore("cookies"));
    const [first, second] = await Promise.all([newCertificate(host), newCertificate(host)]);
    const path = join(temporaryFolder(), "tls.pem");
    writeFileSync(path, first.pem);
    const file = certificateFromFile(path);
    const refused: object[] = [];
    const log = { ...silent, warn: (fields: object) => void refused.push(fields) };
    const http = createGatewayServer(gateway, log);
    const tls = createTlsListener(http, file, log);
    after(() => http.close());
    await once(http.listen(0, "127.0.0.1"), "listening");
    await once(tls.server.listen(0, "127.0.0.1"), "listening");
    const { port } = tls.server.address() as AddressInfo;

    const { status, headers } = await get(port, first.ca, "/articles?page=2");
    assert.equal(status, 302);
    const rd = new URL(String(headers.location)).searchParams.get("rd");
    assert.equal(rd, `https://${host}/articles?page=2`);

    const webSocket = {
      ...{ connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    };
    assert.equal((await get(port, first.ca, "/", webSocket)).status, 401);

    writeFileSync(path, `${second.pem} `);
    renew(tls.server, file, log);
    await assert.rejects(get(port, first.ca, "/"));
    const { socket, agent } = await get(port, second.ca, "/");
    writeFileSync(path, "-----BEGIN CERTIFICATE-----");
    renew(tls.server, file, log);
    assert.match(JSON.stringify(refused), /incomplete/);
    await get(port, second.ca, "/");

    // The connections are still open, on which nothing is asked any more.
    assert.equal(socket.destroyed, false);
    const closed = once(socket, "close");
    await tls.end(600_000);
    await closed;
    agent.destroy();
  });
});

describe("gateway by https: files that refuse to start", () => {
  const cases = {
    "https-port: 4181": /line 2: .*https-port needs tls with it/,
    "tls: tls.pem\nhttps-port: 70000": /https-port must be/,
    "tls: tls.pem\npublic-url: http://localhost:4180": /public-url must begin with https:, since tls is set/,
  };
  for (const [lines, message] of Object.entries(cases))
    test(lines.replaceAll("\n", ", "), () => assert.match(refusal(lines), message));
});
