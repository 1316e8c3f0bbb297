/** Bodies: how fast they must arrive, whom they are counted for behind proxies, and who may send large ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccessKey, namedPolicies } from "../../src/domain/iam/access-keys.ts";
import { holdings } from "../../src/http/holdings.ts";
import { setAccessKeyStatus } from "../../src/store/access-keys.ts";
import { type Operation, post, type Signing, signedCall } from "../doors/wire.ts";
import { byAddress, forEachServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { manualClock } from "./clock.ts";
import { attacker, isServed, other, settle, type Town } from "./others.ts";
import { type Asking, ask, hold, isOpen, letGo } from "./sockets.ts";

const metricsToken = "what-one-client-holds";
const proxy = "127.0.0.9";
const limit = 2_000_000;
const clock = manualClock();

/** Bytes of bodies held by the server. */
async function heldBytes({ server }: Town): Promise<number> {
  const headers = { authorization: `Bearer ${metricsToken}` };
  const { body } = await ask(server.endpoint, other, { path: "/metrics", headers });
  return Number(/^poolhouse_body_bytes (\d+)$/m.exec(body)?.[1] ?? assert.fail(body));
}

const getUser: Operation = {
  prefix: "AWSCognitoIdentityProviderService",
  service: "cognito-idp",
  name: "AdminGetUser",
};

/** The head of a form that a proxy forwards. */
const passedOn = ({ place, server }: Town, client: string, length: number) =>
  `POST /${place.UserPoolId}/oauth2/token HTTP/1.1\r\nhost: ${new URL(server.endpoint).host}\r\n` +
  `x-forwarded-for: ${client}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ${length}\r\n\r\n`;

/** A body that lacks its last byte. */
const short = (town: Town, client: string, length: number) =>
  passedOn(town, client, length) + "a".repeat(length - 1);

const padded = (asking: Asking, bytes: number): Asking => ({ ...asking, body: asking.body!.padEnd(bytes) });

forEachServer(
  "bodies",
  (open) => {
    let settled: Promise<Town> | undefined;
    const inTown = () => {
      settled ??= open().then((server) => settle(byAddress(server)));
      return settled;
    };

    test("one that keeps its pace may take its time; one that falls behind is cut off", async () => {
      const town = await inTown();
      const { bytes, seconds } = holdings.bodyPace.limit;
      const [body] = await hold(town.server.endpoint, attacker, 1, passedOn(town, "-", 5 * bytes));
      for (let part = 1; part <= 3; part++) {
        body!.socket.write("a".repeat(bytes));
        await until("it has come", async () => (await heldBytes(town)) === part * bytes);
        clock.pass((seconds - 1) * 1000);
        assert.equal(await heldBytes(town), part * bytes, "it is still read");
      }
      body!.socket.write("a".repeat(bytes - 1));
      await until("it has come", async () => (await heldBytes(town)) === 4 * bytes - 1);
      clock.pass((seconds + 1) * 1000);
      await body!.ended;
      assert.match(body!.received(), /^HTTP\/1\.1 400 .*connection: close.*did not arrive in time/s);
      assert.equal(await heldBytes(town), 0);
    });

    test("a proxy's connections are not counted, and bodies are their clients'", async () => {
      const town = await inTown();
      const { endpoint } = town.server;
      const held = await hold(endpoint, proxy, 40, short(town, "198.51.100.1", 50_000));
      await until("all has come", async () => (await heldBytes(town)) === limit - 40);
      const idle = await hold(endpoint, proxy, 80);
      await isServed(town, proxy, { "x-forwarded-for": "198.51.100.2" });
      assert.ok(idle.every(isOpen));
      assert.ok(held.some(({ received }) => / 429 /.test(received())));
      letGo([...held, ...idle]);
    });

    test("a form whose bytes have no room any more is answered by the page of what comes too fast", async () => {
      const town = await inTown();
      const { server, place, login } = town;
      const client = "198.51.100.1";
      const held = await hold(server.endpoint, proxy, 40, short(town, client, 50_000));
      await until("all has come", async () => (await heldBytes(town)) === limit - 40);
      const post = (path: string) =>
        ask(server.endpoint, proxy, {
          method: "POST",
          path,
          headers: {
            "content-type": "application/x-www-form-urlencoded",
            "sec-fetch-site": "same-origin",
            "accept-language": "de",
            "x-forwarded-for": client,
          },
          body: "username=ann&password=x".padEnd(50, "y"),
        });
      for (const path of [login.path, login.path.replace("/login?", "/forgotPassword?")]) {
        const { status, headers, body } = await post(path);
        assert.deepEqual([status, headers["location"]], [429, undefined], path);
        assert.match(String(headers["content-type"]), /^text\/html/);
        assert.match(body, /<html lang="de"[\s\S]*Zu viele Anfragen\./);
      }
      const redeemed = await post(`/${place.UserPoolId}/oauth2/token`);
      assert.equal(redeemed.status, 429);
      assert.match(redeemed.body, /temporarily_unavailable/);
      letGo(held);
      await until("all is given back", async () => (await heldBytes(town)) === 0);
      const told = await ask(server.endpoint, other, {
        path: `/${place.UserPoolId}/error?error=TooManyRequestsException`,
      });
      assert.match(told.body, /Too many requests\. Wait a moment/);
    });

    test("addresses of one IPv6 network hold what they hold together", async () => {
      const town = await inTown();
      const texts = Array.from({ length: 40 }, (_, turn) => short(town, `2001:db8:1:2::${turn + 1}`, 50_000));
      const held = (
        await Promise.all(texts.map((text) => hold(town.server.endpoint, proxy, 1, text)))
      ).flat();
      await until("all has come", async () => (await heldBytes(town)) === limit - 40);
      // More than any of their addresses, less than the network.
      const large = padded(town.signIn, 100_000);
      const as = (client: string) =>
        ask(town.server.endpoint, proxy, {
          ...large,
          headers: { ...large.headers, "x-forwarded-for": client },
        });
      assert.match((await as("2001:db8:1:2::ffff")).body, /TooManyRequestsException/);
      assert.equal((await as("2001:db8:1:3::1")).status, 200);
      letGo(held);
    });

    test("large ones are for who names an access key that there is and is active", async () => {
      const town = await inTown();
      const { server, place } = town;
      const body = JSON.stringify({ UserPoolId: place.UserPoolId, Username: "ann" }).padEnd(200_000);
      const send = (signing: Partial<Signing>) =>
        post(
          server.endpoint,
          signedCall(server.endpoint, getUser, body, { now: server.clock.now, ...signing }),
        );
      assert.equal((await send({})).status, 200);
      const made = await createAccessKey(server.app, "large", namedPolicies.readonly);
      const key = { accessKeyId: made.accessKeyId, secretAccessKey: made.secretAccessKey };
      assert.equal((await send(key)).status, 200);
      assert.equal((await send({ ...key, secretAccessKey: "wrong" })).type, "InvalidSignatureException");
      await setAccessKeyStatus(server.app.db, made.accessKeyId, "Inactive");
      assert.equal((await send(key)).type, "UnrecognizedClientException");
      assert.equal((await send({ accessKeyId: "AKIANOBODY" })).type, "UnrecognizedClientException");
      assert.equal((await send({ accessKeyId: "\u00ff" })).type, "UnrecognizedClientException");
      // A body of unknown length.
      const { headers } = signedCall(server.endpoint, getUser, body, { now: server.clock.now });
      const chunked = { ...headers, "transfer-encoding": "chunked" } as Record<string, string>;
      delete chunked["content-length"];
      const asking = { method: "POST", path: "/", body } as const;
      assert.equal((await ask(server.endpoint, other, { ...asking, headers: chunked })).status, 200);
      chunked["authorization"] = "x";
      const refused = await ask(server.endpoint, other, { ...asking, headers: chunked });
      assert.match(refused.body, /more than 131072 bytes/);
    });
  },
  {
    POOLHOUSE_LIMITS: `connections=60,body-bytes=${limit}`,
    POOLHOUSE_METRICS_TOKEN: metricsToken,
    POOLHOUSE_EXTRA_HOSTS: "127.0.0.1,localhost",
    POOLHOUSE_TRUSTED_PROXIES: proxy,
  },
  { monotonic: clock },
);
