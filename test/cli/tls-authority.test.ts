/** What `--tls dev` can vouch for, and what a server with TLS answers by plain http. */
import assert from "node:assert/strict";
import { KeyObject, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, isIP } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { checkServerIdentity, connect, createServer, type PeerCertificate } from "node:tls";
import {
  CreateUserPoolCommand,
  CreateUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { certificateSource } from "../../src/integrations/tls.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { newSdk } from "../kit/sdk.ts";
import { forEachServer } from "../kit/server.ts";
import { requestText, sendRaw } from "../oauth/raw.ts";

const names = ["localhost", "*.auth.localhost", "127.0.0.1", "::1"];
const dev = (folder: string, now = Date.now(), given = names) =>
  certificateSource({ tls: "dev", folder, keyFolder: join(folder, "key"), names: given, now });
const year = 365 * 86_400_000;

test("an authority lasts two years, and is replaced before it expires", async () => {
  const folder = temporaryFolder();
  await dev(folder);
  const made = readFileSync(join(folder, "ca.pem"), "utf8");
  const { validToDate } = new X509Certificate(made);
  const { validFromDate } = new X509Certificate(made);
  // Valid from a day before, for clocks that are slow.
  assert.equal(validToDate.getTime() - validFromDate.getTime(), 2 * year + 86_400_000);
  const used = await dev(folder, Date.now() + 1.5 * year);
  assert.equal(readFileSync(join(folder, "ca.pem"), "utf8"), made);
  const leafOf = ({ first }: typeof used) => new X509Certificate(first.cert);
  assert.ok(leafOf(used).validToDate <= validToDate, "nothing outlives it");
  const late = await dev(folder, Date.now() + 1.9 * year);
  assert.notEqual(readFileSync(join(folder, "ca.pem"), "utf8"), made);
  const authority = new X509Certificate(readFileSync(join(folder, "ca.pem")));
  assert.ok(leafOf(late).verify(authority.publicKey));
  assert.ok(authority.ca);
});

/** Whether a TLS client that trusts this authority alone accepts a certificate for a name. */
async function accepts(
  ca: string,
  { key, cert }: { key: string; cert: string },
  name: string,
): Promise<string> {
  const server = createServer({ key, cert }, (socket) => socket.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const names = isIP(name) === 0 ? { servername: name } : {};
  const identity = {
    checkServerIdentity: (_: string, peer: PeerCertificate) => checkServerIdentity(name, peer),
  };
  const socket = connect({ port, host: "127.0.0.1", ca, ...names, ...identity });
  const outcome = await Promise.race([
    once(socket, "secureConnect").then(() => "accepted"),
    new Promise<string>((resolve) => socket.once("error", (error: Error) => resolve(error.message))),
  ]);
  socket.destroy();
  server.close();
  return outcome;
}

test("an authority can vouch for this installation's names alone, whoever has its key", async () => {
  const folder = temporaryFolder();
  const given = ["localhost", "id.example.com", "*.auth.id.example.com", "127.0.0.1", "::1"];
  await dev(folder, Date.now(), given);
  const ca = readFileSync(join(folder, "ca.pem"), "utf8");
  const x509 = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const pkcs8 = x509.PemConverter.decodeFirst(readFileSync(join(folder, "key", "ca-key.pem"), "utf8"));
  const signingKey = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  const issuer = new x509.X509Certificate(ca);
  /** A certificate as a thief of the key would make it. */
  const certificateFor = async (name: string) => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const leaf = await x509.X509CertificateGenerator.create({
      subject: "CN=thief",
      issuer: issuer.subject,
      notBefore: issuer.notBefore,
      notAfter: issuer.notAfter,
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey,
      extensions: [
        new x509.SubjectAlternativeNameExtension([{ type: isIP(name) === 0 ? "dns" : "ip", value: name }]),
      ],
    });
    const key = String(KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }));
    return { key, cert: leaf.toString("pem") };
  };
  for (const name of [
    "localhost",
    "shop.auth.localhost",
    "id.example.com",
    "a.auth.id.example.com",
    "127.0.0.1",
    "::1",
  ])
    assert.equal(await accepts(ca, await certificateFor(name), name), "accepted", name);
  for (const name of [
    "bank.example",
    "example.com",
    "evil-id.example.com",
    "com",
    "127.0.0.2",
    "10.0.0.1",
    "::2",
  ])
    assert.equal(await accepts(ca, await certificateFor(name), name), "permitted subtree violation", name);
});

test("a further name makes a new authority; fewer names, and names below, do not", async () => {
  const folder = temporaryFolder();
  const made = () => readFileSync(join(folder, "ca.pem"), "utf8");
  await dev(folder);
  const first = made();
  await dev(folder, Date.now(), ["localhost", "*.auth.localhost", "shop.localhost", "::1"]);
  assert.equal(made(), first);
  await dev(folder, Date.now(), [...names, "id.example.com"]);
  const second = made();
  assert.notEqual(second, first);
  await dev(folder, Date.now(), [...names, "login.id.example.com"]);
  assert.equal(made(), second);
  // Of earlier versions: its key was beside it, and it could vouch for every name.
  writeFileSync(join(folder, "ca-key.pem"), "an old key");
  rmSync(join(folder, "key"), { recursive: true });
  await dev(folder);
  assert.notEqual(made(), second);
  assert.deepEqual(readdirSync(folder).toSorted(), ["ca.pem", "key"]);
});

forEachServer(
  "a server with TLS of its own",
  (open, database) => {
    if (database !== "sqlite") return;
    /** By plain http, with any Host. */
    const plain = async (host: string, target: string, method = "GET") => {
      const { config } = (await open()).app;
      const body = method === "POST" ? { body: "a=b" } : {};
      const headers = [`host: ${host}`];
      return sendRaw(`http://127.0.0.1:${config.port}`, requestText({ method, target, headers, ...body }));
    };

    test("pages, codes and tokens are redirected from plain http, or refused; the rest is answered", async () => {
      const server = await open();
      const { publicUrl, port } = server.app.config;
      // Calls of the API are answered by plain http, too.
      const client = newSdk(`http://localhost:${port}`);
      const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: "p" }));
      const UserPoolId = UserPool!.Id!;
      const Domain = `tls-${Math.random().toString(36).slice(2, 10)}`;
      await client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
      const { port: httpsPort } = new URL(publicUrl);
      const places = [
        [`localhost:${port}`, `/${UserPoolId}`, publicUrl],
        [`127.0.0.1:${port}`, `/${UserPoolId}`, publicUrl],
        [`${Domain}.auth.localhost:${port}`, "", `https://${Domain}.auth.localhost:${httpsPort}`],
      ] as const;
      const paths = ["/oauth2/authorize", "/login", "/oauth2/userInfo", "/logout", "/error", "/confirmUser"];
      for (const [host, root, to] of places) {
        for (const path of paths) {
          const target = `${root}${path}?client_id=a%20b&state=x`;
          for (const method of ["GET", "HEAD"]) {
            const { status, headers } = await plain(host, target, method);
            assert.deepEqual([status, headers["location"]], [302, `${to}${target}`], `${method} ${target}`);
            assert.equal(headers["set-cookie"], undefined);
          }
        }
        for (const path of [
          "/oauth2/token",
          "/oauth2/revoke",
          "/login",
          "/oauth2/userInfo",
          "/oauth2/authorize",
        ]) {
          const { status, body, headers } = await plain(host, `${root}${path}`, "POST");
          assert.deepEqual([status, JSON.parse(body).error], [400, "invalid_request"], path);
          assert.equal(headers["location"], undefined);
        }
        for (const path of ["/.well-known/jwks.json", "/.well-known/openid-configuration"])
          assert.equal((await plain(host, `${root}${path}`)).status, 200, path);
      }
      client.destroy();
      for (const path of ["/healthz", "/readyz"])
        assert.equal((await plain(`localhost:${port}`, path)).status, 200, path);
    });
  },
  { POOLHOUSE_TLS: "dev", POOLHOUSE_HTTPS_PORT: "0", POOLHOUSE_DATA: temporaryFolder() },
);

for (const [publicUrl, expected] of [
  ["https://id.example.com", "max-age=31536000"],
  ["https://localhost:4748", undefined],
  ["https://id.localhost", undefined],
  ["https://127.0.0.1:4748", undefined],
  ["https://[::1]:4748", undefined],
  ["http://id.example.com", undefined],
] as const)
  forEachServer(
    `Strict-Transport-Security at ${publicUrl}`,
    (open, database) => {
      if (database !== "sqlite") return;
      test(`is ${expected ?? "left out"}`, async () => {
        const { port } = (await open()).app.config;
        const paths = [
          "/us-east-1_Nobody123/login",
          "/us-east-1_Nobody123/oauth2/token",
          "/us-east-1_Nobody123/error",
        ];
        for (const target of paths) {
          const text = requestText({ target, headers: [`host: ${new URL(publicUrl).host}`] });
          const { headers, status } = await sendRaw(`http://127.0.0.1:${port}`, text);
          assert.notEqual(status, 421);
          assert.equal(headers["strict-transport-security"], expected, target);
        }
      });
    },
    { POOLHOUSE_PUBLIC_URL: publicUrl },
  );
