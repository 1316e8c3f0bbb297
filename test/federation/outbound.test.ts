/** The client for requests to servers that administrators name, against servers that mean no good. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { createOutbound, OutboundError, type OutboundOptions } from "../../src/integrations/outbound.ts";
import { addressRules } from "../../src/integrations/outbound-addresses.ts";

const running: { close(): unknown; closeAllConnections(): void }[] = [];
after(() => {
  for (const server of running) {
    server.close();
    server.closeAllConnections();
  }
});

async function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** @returns its URL, without a slash at its end, and the requests that came */
async function serve(listener: RequestListener): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const port = await listening(
    createServer((request, response) => {
      seen.push(request);
      listener(request, response);
    }),
  );
  return { url: `http://127.0.0.1:${port}`, seen };
}

const client = (options: Partial<OutboundOptions> = {}) =>
  createOutbound({ privateRanges: [], loopback: true, userAgent: "poolhouse/1.2.3", ...options });

/** `problem: message` of a request that failed. */
async function problem(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof OutboundError, String(error));
    return `${error.problem}: ${error.message}`;
  }
  return assert.fail("there was an answer");
}

test("an answer comes whole, with its status and headers", async () => {
  const { url, seen } = await serve((request, response) => {
    response.writeHead(request.method === "POST" ? 201 : 404, {
      "x-kind": "a",
      "content-type": "text/plain",
    });
    response.write("first, ");
    response.end("second");
  });
  const answer = await client().fetch(`${url}/path?a=b`);
  assert.equal(answer.status, 404);
  assert.equal(answer.headers.get("x-kind"), "a");
  assert.equal(await answer.text(), "first, second");
  const posted = await client().fetch(url, {
    method: "POST",
    body: "ä=1",
    headers: { "user-agent": "other" },
  });
  assert.equal(posted.status, 201);
  assert.deepEqual(
    seen.map(({ method, url: path, headers }) => [method, path, headers["user-agent"]]),
    [
      ["GET", "/path?a=b", "poolhouse/1.2.3"],
      ["POST", "/", "poolhouse/1.2.3"],
    ],
  );
  assert.equal(seen[1]?.headers["content-length"], "4");
});

/** The connections that a server has seen, by the order of its requests; `ends` says which of these it ends unanswered. */
async function counting(ends: (nth: number) => boolean = () => false) {
  const used: number[] = [];
  const sockets: unknown[] = [];
  const { url, seen } = await serve((request, response) => {
    if (!sockets.includes(request.socket)) sockets.push(request.socket);
    used.push(sockets.indexOf(request.socket));
    if (ends(seen.length)) request.socket.destroy();
    else response.end("answer");
  });
  return { url, used };
}

test("GETs share a connection; a POST has one of its own", async () => {
  const { url, used } = await counting();
  const { fetch } = client();
  for (const method of ["GET", "GET", "POST", "POST", "GET"] as const)
    assert.equal(await (await fetch(url, { method })).text(), "answer");
  assert.deepEqual(used, [0, 0, 1, 2, 0]);
});

test("a kept connection that ends is replaced, once", async () => {
  const { url, used } = await counting((nth) => nth === 2 || nth === 5 || nth === 6);
  const { fetch } = client();
  const get = async () => (await fetch(url)).text();
  assert.equal(await get(), "answer");
  assert.equal(await get(), "answer");
  assert.deepEqual(used, [0, 0, 1]);
  assert.equal(await get(), "answer");
  assert.match(await problem(get()), /^unreachable: .* cannot be reached: ECONNRESET$/);
  assert.deepEqual(used, [0, 0, 1, 2, 2, 3]);
});

test("a POST, and a GET on a new connection, are not repeated", async () => {
  for (const method of ["GET", "POST"] as const) {
    const { url, used } = await counting(() => true);
    assert.match(await problem(client().fetch(url, { method })), /^unreachable: /);
    assert.deepEqual(used, [0], method);
  }
});

test("who does not answer, or never ends, is late", async () => {
  const silent = await serve(() => {});
  const dripping = await serve((_request, response) => void response.write("x"));
  for (const { url } of [silent, dripping])
    assert.match(
      await problem(client({ totalMs: 20 }).fetch(`${url}/?secret=s`)),
      /^late: 127\.0\.0\.1:\d+ does not answer in time$/,
    );
  const aborted = client().fetch(silent.url, { signal: AbortSignal.abort() });
  assert.match(await problem(aborted), /^late: /);
});

test("an answer, or its headers, may not be too large", async () => {
  const endless = await serve((_request, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(2 ** 16)));
    };
    response.on("drain", more);
    more();
  });
  assert.match(await problem(client().fetch(endless.url)), /^too large: .* more than 1048576 bytes$/);
  const exact = await serve((_request, response) => response.end("12345"));
  assert.equal(await (await client().fetch(exact.url, { largest: 5 })).text(), "12345");
  assert.match(await problem(client().fetch(exact.url, { largest: 4 })), /^too large: /);
  const headers = await serve((_request, response) =>
    response.writeHead(200, { "x-long": "x".repeat(40_000) }).end(),
  );
  assert.match(await problem(client().fetch(headers.url)), /^too large: /);
});

test("what was not asked for compressed is not unpacked", async () => {
  const { url, seen } = await serve((_request, response) =>
    response.writeHead(200, { "content-encoding": "gzip" }).end("…"),
  );
  assert.match(await problem(client().fetch(url)), /^unreachable: .* compresses/);
  assert.equal(seen[0]?.headers["accept-encoding"], "identity");
});

test("redirects are counted, checked, and lose credentials at another server", async () => {
  const { url: other, seen } = await serve((_request, response) => response.end("there"));
  const { url } = await serve((request, response) => {
    const { searchParams: at, pathname } = new URL(request.url ?? "", "http://a");
    const to = pathname === "/loop" ? "/loop" : (at.get("to") ?? "");
    response.writeHead(302, { location: to }).end("moved");
  });
  const to = (target: string) => `${url}/?to=${encodeURIComponent(target)}`;
  const headers = { Authorization: "Bearer secret", cookie: "c=1", accept: "application/json" };
  assert.equal(await (await client().fetch(to(other), { redirects: 1, headers })).text(), "there");
  assert.equal(seen[0]?.headers.authorization, undefined);
  assert.equal(seen[0]?.headers.cookie, undefined);
  assert.equal(seen[0]?.headers.accept, "application/json");
  const unfollowed = await client().fetch(to(other));
  assert.deepEqual([unfollowed.status, unfollowed.headers.get("location")], [302, other]);
  const posted = await client().fetch(to(other), { method: "POST", body: "a", redirects: 5 });
  assert.equal(posted.status, 302);
  assert.equal(seen.length, 1);
  assert.match(
    await problem(client().fetch(`${url}/loop`, { redirects: 5 })),
    /^redirects: .* redirects too often$/,
  );
  assert.match(await problem(client().fetch(to("http://"), { redirects: 1 })), /^redirects: .* no URL$/);
  const refused: [target: string, RegExp][] = [
    ["http://10.0.0.1/", /^forbidden: 10\.0\.0\.1 leads to an address/],
    ["http://169.254.169.254/latest/meta-data", /^forbidden: 169\.254\.169\.254 leads/],
    ["http://[::ffff:10.0.0.1]/", /^forbidden: \[::ffff:a00:1\] leads/],
    ["http://93.184.215.14/", /^forbidden: 93\.184\.215\.14 must be an https URL/],
    ["file:///etc/passwd", /^forbidden: .* must be an https URL/],
    ["https://user:pass@example.com/", /^forbidden: example\.com must not contain a user/],
  ];
  for (const [target, expected] of refused) {
    const said = await problem(client().fetch(to(target), { redirects: 1 }));
    assert.match(said, expected);
    assert.doesNotMatch(said, /secret|pass@|meta-data/);
  }
});

test("a redirect from https leads to https", async () => {
  const pem = readFileSync(join(import.meta.dirname, "../mail/localhost.pem"));
  const { url } = await serve((_request, response) => response.end("plain"));
  const server = createTlsServer({ key: pem, cert: pem }, (_request, response) => {
    response.writeHead(302, { location: url }).end();
  });
  const port = await listening(server);
  const said = await problem(client().fetch(`https://127.0.0.1:${port}`, { redirects: 1 }));
  // Nobody here trusts its certificate, which ends the request before anything is sent.
  assert.match(said, /^unreachable: 127\.0\.0\.1:\d+ cannot be reached: [A-Z_]+$/);
});

test("a name is looked up once, and only allowed addresses are connected to", async () => {
  const { url, seen } = await serve((_request, response) => response.end("inside"));
  const byName = url.replace("127.0.0.1", "localhost");
  const strict = client({ loopback: false, privateRanges: ["10.0.0.0/8"] });
  assert.match(await problem(strict.fetch(byName)), /^forbidden: localhost(?::\d+)? leads to an address/);
  assert.match(await problem(strict.fetch(url)), /^forbidden: 127\.0\.0\.1:\d+ leads to an address/);
  assert.match(await problem(strict.fetch(byName.replace("http:", "https:"))), /^forbidden: /);
  assert.equal(seen.length, 0);
  const named = client({ loopback: false, privateRanges: ["127.0.0.0/8"] });
  assert.equal(await (await named.fetch(byName)).text(), "inside");
  assert.match(await problem(named.fetch("https://nobody.invalid/")), /^unreachable: nobody\.invalid .*E/);
});

test("nobody there, and nonsense, are no answer", async () => {
  const gone = createServer();
  const port = await listening(gone);
  await new Promise((resolve) => gone.close(resolve));
  assert.match(
    await problem(client().fetch(`http://127.0.0.1:${port}/`)),
    /^unreachable: 127\.0\.0\.1:\d+ cannot be reached: ECONNREFUSED$/,
  );
  const rude = await serve((request) => void request.socket.end("hello\r\n\r\n"));
  assert.match(await problem(client().fetch(rude.url)), /^unreachable: .*HPE_/);
  const cut = await serve((request, response) => {
    response.writeHead(200, { "content-length": 100 }).write("ten");
    request.socket.destroySoon();
  });
  assert.match(await problem(client().fetch(cut.url)), /^unreachable: /);
});

test("which addresses are public, private, or neither", () => {
  const strict = addressRules([], false);
  const any = addressRules(["any"], false);
  const own = addressRules([], true);
  const onlyPublic = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"];
  const onlyPrivate = [
    ...["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "127.0.0.1", "::1"],
    ...["fd00::1", "::ffff:10.1.2.3", "::ffff:7f00:1", "64:ff9b::10.1.2.3", "64:ff9b::7f00:1"],
  ];
  const neither = [
    ...["0.0.0.0", "169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
    ...["::", "fe80::1", "fe80::1%eth0", "ff02::1", "2001:db8::1", "2002:0a00:0001::", "2001::1", "3fff::1"],
    ...["100.100.100.200", "::ffff:100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16"],
    ...["64:ff9b:1::a00:1", "64:ff9b::169.254.169.254", "::10.0.0.1", "100::1", "5f00::1", "localhost", ""],
  ];
  for (const address of onlyPublic)
    for (const rules of [strict, any, own]) {
      assert.equal(rules.allows(address, "https:"), true, address);
      assert.equal(rules.allows(address, "http:"), false, address);
    }
  for (const address of onlyPrivate) {
    assert.equal(strict.allows(address, "https:"), false, address);
    assert.equal(any.allows(address, "https:"), true, address);
    assert.equal(any.allows(address, "http:"), true, address);
  }
  for (const address of neither)
    for (const rules of [strict, any, own]) assert.equal(rules.allows(address, "https:"), false, address);
  assert.deepEqual(
    ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "fd00::1"].map((address) => own.allows(address, "http:")),
    [true, true, true, false, false],
  );
  const named = addressRules(["10.5.0.0/16", "169.254.169.254"], false);
  assert.deepEqual(
    ["10.5.1.1", "10.6.1.1", "169.254.169.254"].map((address) => named.allows(address, "http:")),
    [true, false, true],
  );
});

test("what may be configured is told before anything is requested", async () => {
  const strict = client({ loopback: false });
  const ranged = client({ loopback: false, privateRanges: ["10.0.0.0/8"] });
  const inside = /private-providers/;
  const secure = /must be an https URL/;
  const cases: [
    url: string,
    strict: RegExp | undefined,
    ranged: RegExp | undefined,
    own: RegExp | undefined,
  ][] = [
    ["https://accounts.example.com", undefined, undefined, undefined],
    ["https://8.8.8.8/x", undefined, undefined, undefined],
    ["http://accounts.example.com", secure, undefined, secure],
    ["http://localhost:8080", secure, inside, undefined],
    ["http://8.8.8.8/", secure, secure, secure],
    ["http://10.1.1.1:8080/", secure, undefined, inside],
    ["https://10.1.1.1/", inside, undefined, inside],
    ["https://2130706433/", inside, inside, undefined],
    ["https://0x7f.1/", inside, inside, undefined],
    ["https://localhost:8443/", inside, inside, undefined],
    ["https://idp.localhost./", inside, inside, undefined],
    ["https://[::1]/", inside, inside, undefined],
    ["https://[64:ff9b::a9fe:a9fe]/", inside, inside, inside],
    ["ftp://accounts.example.com", secure, secure, secure],
    ["accounts.example.com", secure, secure, secure],
    ["https://me:word@accounts.example.com", /user or a password/, /user/, /user/],
  ];
  for (const [url, ...expected] of cases)
    for (const [index, rules] of [strict, ranged, client()].entries()) {
      const wrong = rules.wrongUrl(url);
      const pattern = expected[index];
      if (pattern === undefined) assert.equal(wrong, undefined, url);
      else assert.match(wrong ?? "", pattern, url);
    }
});

test("proxies that the environment names are not used", async () => {
  const proxy = await serve((_request, response) => response.end("from the proxy"));
  const target = await serve((_request, response) => response.end("from the target"));
  const code = `
    import { get } from "node:http";
    import { createOutbound } from ${JSON.stringify(join(import.meta.dirname, "../../src/integrations/outbound.ts"))};
    const outbound = createOutbound({ privateRanges: [], loopback: true, userAgent: "poolhouse/1" });
    console.log(await (await outbound.fetch(process.argv[1])).text());
    get(process.argv[1], (answer) => answer.pipe(process.stdout));`;
  const env = { ...process.env, NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy.url, http_proxy: proxy.url };
  const argv = ["--input-type=module", "--eval", code, target.url];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env });
  // The second line shows that the environment is one in which a proxy would be used.
  assert.deepEqual(stdout.trim().split("\n"), ["from the target", "from the proxy"]);
});

test("closing ends what runs", async () => {
  const arrived = Promise.withResolvers<void>();
  const { url } = await serve(() => arrived.resolve());
  const outbound = client();
  const running = problem(outbound.fetch(url));
  await arrived.promise;
  await outbound.close();
  assert.match(await running, /^late: /);
});
