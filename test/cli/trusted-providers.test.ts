/** `poolhouse trusted-providers` and what doctor says of providers, as an operator uses them beside a running server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type CognitoIdentityClient, GetIdCommand } from "@aws-sdk/client-cognito-identity";
import { metadataFindings } from "../../src/cli/doctor-providers.ts";
import { metadataOf, newKey } from "../federation/saml-kit.ts";
import { samlArn, samlToken } from "../identity-pools/saml-provider.ts";
import { identityClient, makeIdentityPool } from "../identity-pools/setup.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { refused } from "../kit/people.ts";
import { runWith, serve, stop } from "./program.ts";

const key = await newKey("provider");
const metadata = metadataOf([key.certificate]);
const table = "CLIENT IDS OR METADATA";

describe("trusted providers", () => {
  const data = temporaryFolder();
  const folder = temporaryFolder();
  const web = createServer((request, response) =>
    response.writeHead(request.url === "/metadata" ? 200 : 404).end(metadata),
  );
  let server: Awaited<ReturnType<typeof serve>>;
  let client: CognitoIdentityClient;
  let url: string;
  before(async () => {
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/metadata`;
    server = await serve("--data", data);
    const made = await command("keys", "create", "--name", "pools", "--policy", "admin", "--json");
    const credentials = JSON.parse(made.stdout) as { accessKeyId: string; secretAccessKey: string };
    client = identityClient({ endpoint: server.url }, { credentials, maxAttempts: 5 });
  });
  after(async () => {
    client.destroy();
    web.close();
    assert.equal(await stop(server.process), 0);
  });
  const command = (...argv: string[]) => runWith({}, ...argv, "--data", data);
  const providers = (...argv: string[]) => command("trusted-providers", ...argv);
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  test("OpenID providers are trusted, listed and forgotten", async () => {
    const arn = "arn:aws:iam::000000000000:oidc-provider/localhost:1/tenant";
    // Nobody is there, which is only said.
    const put = await providers("put", "http://localhost:1/tenant", "--client-ids", "one, two");
    assert.equal(put.stdout, `${arn}\n`);
    assert.match(
      (await providers("list")).stdout,
      /^one,two +arn:aws:iam::0+:oidc-provider\/localhost:1\/tenant$/m,
    );
    for (const wrong of [
      ["put", "idp.example", "--client-ids", "one"],
      ["put", "https://idp.example?x=1", "--client-ids", "one"],
      ["put", "https://idp.example", "--client-ids", "one,"],
      ["put", "https://idp.example", "--client-ids", "one", "--audiences", "urn:x"],
      ["delete", "arn:aws:iam::000000000000:oidc-provider/other"],
    ])
      assert.notEqual((await providers(...wrong)).code, 0, wrong.join(" "));
    assert.equal((await providers("delete", arn)).code, 0);
    assert.equal((await providers("list")).stdout, `${table}  ARN\n`);
  });

  test("a provider that cannot be asked is trusted, with a warning, and doctor names it", async (context) => {
    const issuer = await openIssuer();
    context.after(() => issuer.close());
    const put = (name: string) => providers("put", `${issuer.url}${name}`, "--client-ids", "one");
    const host = new URL(issuer.url).host;
    const quiet = await put("/good");
    assert.deepEqual([quiet.code, quiet.stderr.trim()], [0, ""]);
    // As its settings say where it is; nobody is there.
    const own = await providers("put", "http://localhost:4747/us-east-1_NoPool123", "--client-ids", "one");
    assert.deepEqual([own.code, own.stderr.trim()], [0, ""], "a user pool of the server is not asked");
    for (const [name, says] of [
      ["/none", `The issuer cannot be asked at ${host}: status 404`],
      ["/other", "The metadata of the issuer name another issuer."],
      ["/keyless", "The metadata of the issuer name no jwks_uri that can be used."],
      ["/no-keys", "The issuer publishes no key set."],
    ] as const) {
      const { code, stdout, stderr } = await put(name);
      assert.deepEqual([code, stdout], [0, `arn:aws:iam::000000000000:oidc-provider/${host}${name}\n`]);
      const text = stderr.trim();
      assert.ok(
        text.startsWith("Its tokens cannot be verified at the moment, and are refused until they can. "),
      );
      assert.ok(text.endsWith(says), text);
    }
    const { stdout } = await command("doctor", "--port", "0");
    assert.match(stdout, new RegExp(`FAIL {2}the trusted provider ${issuer.url}/none: The issuer cannot be`));
    assert.ok(!stdout.includes(`${issuer.url}/good`));
    await issuer.close();
    const away = await put("/good");
    assert.deepEqual([away.code, away.stderr.includes(host)], [0, true], away.stderr);
    for (const name of ["/good", "/none", "/other", "/keyless", "/no-keys"])
      await providers("delete", `arn:aws:iam::000000000000:oidc-provider/${host}${name}`);
    await providers("delete", "arn:aws:iam::000000000000:oidc-provider/localhost:4747/us-east-1_NoPool123");
  });

  test("SAML providers are trusted by a file or a URL, and count at once in a running server", async () => {
    const [byFile, byUrl] = [samlArn("ByFile"), samlArn("ByUrl")];
    const SamlProviderARNs = [byFile, byUrl];
    const OpenIdConnectProviderARNs = ["arn:aws:iam::000000000000:oidc-provider/idp.example"];
    const pool = await makeIdentityPool(client, { SamlProviderARNs, OpenIdConnectProviderARNs });
    const id = async (arn: string) => {
      const Logins = { [arn]: samlToken(Date.now(), key) };
      return (await client.send(new GetIdCommand({ IdentityPoolId: pool, Logins }))).IdentityId;
    };
    const doctor = async () => (await command("doctor", "--port", "0")).stdout;
    const unknown = (arn: string) =>
      `warn  the identity pool ${pool} names the provider ${arn}, which is not registered here`;
    const before = await doctor();
    for (const arn of [...SamlProviderARNs, ...OpenIdConnectProviderARNs])
      assert.ok(before.includes(unknown(arn)), before);

    const put = await providers("put", byFile, "--metadata-file", file("metadata.xml", metadata));
    assert.equal(put.stdout, `${byFile}\n`, put.stderr);
    assert.equal((await providers("put", byUrl, "--metadata-url", url)).stdout, `${byUrl}\n`);
    assert.equal(
      (await providers("list")).stdout,
      `${table.padEnd(url.length)}  ARN\n${"document".padEnd(url.length)}  ${byFile}\n${url}  ${byUrl}\n`,
    );
    const ids = [await id(byFile), await id(byUrl)];
    assert.equal(new Set(ids).size, 2);
    const now = await doctor();
    for (const arn of SamlProviderARNs) assert.ok(!now.includes(unknown(arn)), now);

    const others = ["--audiences", "urn:ours, urn:theirs", "--recipients", "https://app.example/acs"];
    assert.equal((await providers("put", byUrl, "--metadata-url", url, ...others)).code, 0);
    await assert.rejects(id(byUrl), refused("NotAuthorizedException", /app\.example/));
    const { stdout } = await command("audit", "--operation", "PutTrustedProvider", "--json");
    assert.match(stdout, /"audiences":\["urn:ours","urn:theirs"\]/);

    assert.equal((await providers("delete", byFile)).code, 0);
    await assert.rejects(id(byFile), refused("NotAuthorizedException", /not from a supported provider/));
  });

  test("what cannot work is refused when it is put", async () => {
    const arn = samlArn("Wrong");
    const good = file("good.xml", metadata);
    const cases: readonly (readonly [string[], RegExp])[] = [
      [[arn], /either --metadata-file or --metadata-url/],
      [[arn, "--metadata-file", good, "--metadata-url", url], /either --metadata-file or --metadata-url/],
      [[arn, "--metadata-file", join(folder, "nothing.xml")], /cannot be read/],
      [[arn, "--metadata-file", file("bad.xml", "<html/>")], /The metadata is refused: this is no metadata/],
      [[arn, "--metadata-file", file("dtd.xml", `<!DOCTYPE r>${metadata}`)], /document type/],
      [[arn, "--metadata-url", `${url}/nothing`], /the metadata's URL answered 404/],
      [[arn, "--metadata-url", "http://idp.example/metadata"], /--metadata-url /],
      [[arn, "--metadata-url", "metadata"], /--metadata-url /],
      [[arn, "--metadata-file", good, "--audiences", "urn:x,"], /--audiences must be values/],
      [[arn, "--metadata-file", good, "--client-ids", "x"], /--client-ids is for OpenID providers/],
      [
        [arn.replace("000000000000", "111122223333"), "--metadata-file", good],
        /of the form arn:aws:iam::0{12}:/,
      ],
      [[arn.replace("saml", "oidc"), "--metadata-file", good], /of the form arn:aws:iam::0{12}:/],
    ];
    for (const [argv, says] of cases) {
      const { code, stderr } = await providers("put", ...argv);
      assert.notEqual(code, 0, argv.join(" "));
      assert.match(stderr, says);
    }
    assert.doesNotMatch((await providers("list")).stdout, /Wrong/);
  });

  test("metadata that has expired since is named", async () => {
    const MetadataFile = metadataOf([key.certificate], { more: 'validUntil="2030-01-01T00:00:00Z"' });
    const arn = samlArn("Old");
    const known = [
      { arn, kind: "saml", document: { details: { MetadataFile } }, createdAt: 1, updatedAt: 1 },
    ] as const;
    const end = Date.parse("2030-01-01T00:00:00Z");
    assert.deepEqual(await metadataFindings(known, end - 1), []);
    assert.deepEqual(await metadataFindings(known, end), [
      {
        ok: false,
        text: `the logins of ${arn} are refused: the metadata has expired: its validUntil is 2030-01-01T00:00:00.000Z.`,
      },
    ]);
  });
});

/** OpenID providers below one address: `/good`, and others that lack something. */
async function openIssuer() {
  const documents = (url: string): Readonly<Record<string, object>> => ({
    "/good": { issuer: `${url}/good`, jwks_uri: `${url}/keys` },
    "/other": { issuer: `${url}/good`, jwks_uri: `${url}/keys` },
    "/keyless": { issuer: `${url}/keyless` },
    "/no-keys": { issuer: `${url}/no-keys`, jwks_uri: `${url}/no-keys/.well-known/openid-configuration` },
    "/keys": { keys: [] },
  });
  const listening = createServer((request, response) => {
    const path = request.url!.replace("/.well-known/openid-configuration", "");
    const document = documents(`http://${request.headers.host}`)[path];
    response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${(listening.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        listening.closeAllConnections();
        listening.close(resolve);
      }),
  };
}
