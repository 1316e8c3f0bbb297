/** docs/gateway.md, by paste: its files are valid, and its snippets say who is signed in. The recipes of gateway-proxies.md. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { readGatewayFile } from "../../src/config/gateway-file.ts";
import { gatewayKeys } from "../../src/config/gateway-keys.ts";
import { headerNames } from "../../src/gateway/identity.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { forOneServer } from "../kit/server.ts";
import { annsBrowser, gatewayPlace, newKey, paths, type Seen } from "./place.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "gateway.md"), "utf8");

const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language: language!,
  text: text!,
}));
const inLanguage = (language: string) => blocks.filter((one) => one.language === language);
const only = (language: string) => {
  const [found, ...others] = inLanguage(language);
  assert.deepEqual(others, []);
  return found?.text ?? assert.fail(language);
};

const folder = temporaryFolder();
writeFileSync(join(folder, "client-secret"), "of-the-client", { mode: 0o600 });
writeFileSync(join(folder, "session-keys"), `${newKey()}\n`, { mode: 0o600 });

test("each recipe for another proxy removes or replaces every identity header that a client could send", () => {
  const recipes = readFileSync(join(import.meta.dirname, "..", "..", "docs", "gateway-proxies.md"), "utf8");
  const of = (title: string) =>
    recipes.split(/^## /m).find((one) => one.startsWith(title)) ?? assert.fail(title);
  const identity = { prefix: "X-Auth-Request-", token: { seconds: 60 }, claims: {}, accessToken: false };
  for (const name of headerNames(identity)) {
    const variable = /proxy_set_header (\S+) \$auth_/g;
    assert.ok(
      [...of("nginx").matchAll(variable)].some(([, set]) => set === name),
      name,
    );
    assert.match(of("Caddy"), new RegExp(`copy_headers [^\n]*\\b${name}\\b`));
    assert.ok(of("Traefik").includes(`customrequestheaders.${name.replaceAll("-", "_")}: ""`), name);
    assert.ok(of("Envoy").includes(`- remove: ${name.toLowerCase()}\n`), name);
  }
  const spellings = ["-", "_"].flatMap((a) =>
    ["-", "_"].flatMap((b) => ["-", "_"].map((c) => `X${a}Auth${b}Request${c}`)),
  );
  for (const start of spellings) assert.ok(of("Caddy").includes(`request_header -${start}*\n`), start);
  const envoy = of("Envoy");
  assert.ok(envoy.indexOf("http.header_mutation\n") < envoy.indexOf("http.ext_authz\n"));
  assert.ok(envoy.includes("headers_with_underscores_action: DROP_HEADER"));
});

test("every file in it is valid", () => {
  const [, heredoc = ""] = /<<END\n(.*?)^END$/ms.exec(page) ?? assert.fail("no file in five minutes");
  const files = [heredoc.replace(/\$\(npx poolhouse gateway new-key\)/, newKey())];
  for (const { text } of inLanguage("yaml"))
    files.push(
      text.includes("public-url:")
        ? text
        : `public-url: https://auth.example.com\nsessions: {keys-file: session-keys}\napplications: [{routes: [{path: /**}]}]\n${text}`,
    );
  assert.equal(files.length, 5);
  for (const text of files) {
    const path = join(folder, "gateway.yaml");
    writeFileSync(path, text, { mode: 0o600 });
    readGatewayFile(path, { env: {}, warn: (warning) => assert.fail(`${warning}\n${text}`) });
  }
});

test("it names each endpoint, and what the environment may have", () => {
  for (const { fallback } of Object.values(gatewayKeys.paths))
    assert.ok(page.includes(`${fallback}`), fallback);
  for (const keys of Object.values(gatewayKeys))
    for (const key of Object.values(keys)) if ("env" in key) assert.ok(page.includes(key.env), key.env);
});

/** Programs that are not installed are said to be. */
const languages = [
  {
    name: "sh",
    program: "/usr/bin/curl",
    run: (text: string) => ["/bin/sh", "-c", text.split("\n")[0]!],
  },
  {
    name: "php",
    program: "/usr/bin/php",
    run: (text: string) => [
      "/usr/bin/php",
      "-r",
      `${text.replace("<?php", "")}\n$_SERVER["HTTP_COOKIE"] = getenv("COOKIE"); echo json_encode(signedIn());`,
    ],
  },
  {
    name: "python",
    program: "/usr/bin/python3",
    run: (text: string) => [
      "/usr/bin/python3",
      "-c",
      `${text}\nimport os\nprint(json.dumps(signed_in(os.environ["COOKIE"])))`,
    ],
  },
] as const;

forOneServer("postgres", "docs/gateway.md", (start) => {
  for (const { name, program, run } of languages)
    test(`${name}: who is signed in`, {
      skip: !existsSync(program) && `${program} is not installed`,
    }, async () => {
      const place = await gatewayPlace(await start(), "sqlite::memory:");
      const browser = annsBrowser(place);
      await browser.follow(`${place.origin}/`);
      const text =
        name === "sh" ? inLanguage("sh").find((one) => one.text.includes("$COOKIE"))!.text : only(name);
      assert.ok(text.includes("http://127.0.0.1:4180"));
      const [command, ...argv] = run(text.replaceAll("http://127.0.0.1:4180", place.origin));
      const answer = async (COOKIE: string) => {
        const { stdout } = await promisify(execFile)(command!, argv, { env: { COOKIE } });
        return JSON.parse(stdout) as { readonly active?: boolean; readonly username?: string } | null;
      };
      const cookie = [...browser.jar].map(([key, value]) => `${key}=${value}`).join("; ");
      assert.equal((await answer(cookie))?.username, "ann");
      assert.ok(!(await answer("session=x"))?.active);
    });

  test("an application verifies the identity token", async () => {
    const place = await gatewayPlace(await start(), undefined);
    const browser = annsBrowser(place);
    const shown = await browser.follow(`${place.origin}/`);
    const seen = JSON.parse(await shown.answer.text()) as Seen;
    const keys = createRemoteJWKSet(new URL(`${place.origin}${paths.keys}`));
    const { payload } = await jwtVerify(seen.headers["x-auth-request-token"] ?? "", keys, {
      issuer: place.origin,
      audience: place.origin,
      algorithms: ["EdDSA"],
    });
    assert.equal(payload.sub, seen.headers["x-auth-request-user"]);
    assert.equal(payload["preferred_username"], "ann");
  });
});
