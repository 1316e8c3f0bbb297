/** `poolhouse/verify` and `poolhouse/authorizer` outside Node.js: bundled for workers, with nothing but what the web has. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import type * as authorizer from "../../src/verify/authorizer.ts";
import type * as verify from "../../src/verify/index.ts";
import { hangingMs } from "../kit/waiting.ts";
import { accessClaims, client, startIssuer } from "./issuers.ts";

const source = join(import.meta.dirname, "..", "..", "src", "verify");

/** What a worker has of the web that is used; no `process`, `Buffer`, `require` or modules. */
const { AbortSignal, crypto, fetch, Headers, Request, Response, TextDecoder, TextEncoder, URL } = globalThis;
const web = {
  ...{ AbortSignal, atob, btoa, crypto, fetch, Headers, Request, Response, TextDecoder, TextEncoder, URL },
  ...{ CryptoKey: globalThis.CryptoKey, Uint8Array, structuredClone },
};

async function bundled<Module>(
  file: string,
  runtime: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly module: Module; readonly from: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(source, file)],
    ...{ bundle: true, write: false, metafile: true, format: "iife", globalName: "module" },
    ...{ platform: "browser", conditions: ["worker"], target: "es2022" },
  });
  const context = createContext({ ...web, ...runtime });
  runInContext(outputFiles[0]!.text, context);
  return { module: runInContext("module", context) as Module, from: Object.keys(metafile.inputs) };
}

test("poolhouse/verify needs jose alone, and verifies in a worker", async () => {
  const { module, from } = await bundled<typeof verify>("index.ts");
  const packages = new Set(
    from.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []),
  );
  assert.deepEqual([...packages], ["jose"]);
  const ours = from.filter((file) => !file.includes("node_modules/"));
  assert.ok(
    ours.every((file) => /src\/(?:verify|lib)\//.test(file)),
    ours.join("\n"),
  );
  const issuer = await startIssuer();
  const verifier = module.createVerifier({ issuer: issuer.issuer, clientId: client });
  const token = await issuer.token(accessClaims.cognito());
  const request = new Request("https://api.example.com/", { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await verifier.verifyRequest(request, { groups: ["admins"] })).subject, "ann's id");
  const forged = await issuer.token(accessClaims.cognito(), { kid: "other" });
  await assert.rejects(verifier.verify(forged), { name: "TokenError", problem: "signature" });
});

test("poolhouse/authorizer does, too", async () => {
  const { module } = await bundled<typeof authorizer>("authorizer.ts");
  const verify = () => Promise.reject(new Error("asked"));
  const authorize = module.createAuthorizer({ verify } as never);
  const methodArn = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/GET/orders";
  await assert.rejects(authorize({ type: "TOKEN", methodArn, authorizationToken: "a.b.c" }), /asked/);
});

/** `fetch` whose first answer from a URL never comes, as in a worker whose request has ended; `gone` is when it was asked for. */
function abandoned(url: string) {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  let left = 1;
  const abandoning: typeof fetch = (input, init) => {
    if (left === 0 || String(input) !== url) return fetch(input, init);
    left--;
    resolve();
    return new Promise(() => undefined);
  };
  return { gone, fetch: abandoning as never };
}

test("in Cloudflare Workers and the like, no request waits for what another one has asked for", {
  timeout: hangingMs,
}, async () => {
  for (const runtime of [
    { navigator: { userAgent: "Cloudflare-Workers" } },
    { EdgeRuntime: "edge-runtime" },
  ]) {
    const { module } = await bundled<typeof verify>("index.ts", runtime);
    const issuer = await startIssuer();
    issuer.mood.userInfo = { sub: "ann's id" };
    const keys = abandoned(`${issuer.issuer}/jwks`);
    const userInfo = abandoned(`${issuer.issuer}/userinfo`);
    const isRevoked = module.revokedAtUserInfo({ fetch: userInfo.fetch });
    const options = { issuer: issuer.issuer, clientId: client };
    const verifier = module.createVerifier(options, { isRevoked, fetch: keys.fetch });
    const token = await issuer.token(accessClaims.cognito());
    for (const { gone } of [keys, userInfo]) {
      void verifier.verify(token);
      await gone;
    }
    for (let time = 0; time < 3; time++) assert.equal((await verifier.verify(token)).subject, "ann's id");
    const asked = ["/jwks", "/userinfo"].map((path) => issuer.seen.filter((line) => line === `GET ${path}`));
    assert.deepEqual([asked[0]!.length, asked[1]!.length], [1, 1], "answers that came are kept");
  }
});
