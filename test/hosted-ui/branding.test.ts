/** Pages in the colors and with the images of their clients. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  CreateTermsCommand,
  CreateUserPoolDomainCommand,
  DeleteManagedLoginBrandingCommand,
  DeleteTermsCommand,
  DeleteUserPoolClientCommand,
  GetUICustomizationCommand,
  SetUICustomizationCommand,
  type SetUICustomizationCommandInput,
  UpdateManagedLoginBrandingCommand,
  type UpdateManagedLoginBrandingCommandInput,
  UpdateUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { classicCss, giveStyle, ico, juniper, juniperAssets, logos, png } from "./brands.ts";
import { type App, callback, formsIn, makeApp, newVisitor, queryOf, type Shown } from "./visitor.ts";

/** What another client needs to use the pages. */
const usesPages = {
  ClientName: "Notes",
  CallbackURLs: [callback],
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code" as const],
  AllowedOAuthScopes: ["openid"],
};

const logo = png(40, 20, [255, 157, 46]);

const update = async (
  { client }: TestServer,
  { UserPoolId }: App,
  id: string,
  given: Partial<UpdateManagedLoginBrandingCommandInput>,
) => {
  const input = { UserPoolId, ManagedLoginBrandingId: id, ...given };
  await client.send(new UpdateManagedLoginBrandingCommand(input));
};

const dress = async (
  { client }: TestServer,
  { UserPoolId }: App,
  given: Omit<SetUICustomizationCommandInput, "UserPoolId">,
) => (await client.send(new SetUICustomizationCommand({ UserPoolId, ...given }))).UICustomization;

const page = (server: TestServer, app: App, path = "/login", more: Record<string, string> = {}) =>
  newVisitor(server, app).get(`${path}?${queryOf(app, more)}`);

/** The paths of branding files that a page names. */
const filesIn = ({ text }: Shown) =>
  [...text.matchAll(/(?:href|src|srcset)="(\/[^"]*\/assets\/brand\/[^"]*)"/g)].map(([, path]) => path!);
const styleIn = (shown: Shown) => filesIn(shown).find((path) => path.endsWith(".css"));

const file = async (server: TestServer, path: string) => {
  const response = await fetch(`${server.endpoint}${path}`);
  return { response, status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
};

async function css(server: TestServer, shown: Shown): Promise<string> {
  const { status, bytes } = await file(
    server,
    styleIn(shown) ?? assert.fail(`no stylesheet in ${shown.text}`),
  );
  assert.equal(status, 200);
  return bytes.toString();
}

const colored = (backgroundColor: string) => ({ components: { form: { lightMode: { backgroundColor } } } });

forOneServer(
  "sqlite",
  "branded pages",
  (open) => {
    test("a style of managed login, with its images, on the pages of its client alone", async () => {
      const server = await open();
      const app = await makeApp(server);
      const bare = { ...app, ...(await makeClient(server, app.UserPoolId, usesPages)) };
      const before = await page(server, app);
      await giveStyle(server, app, { Settings: juniper, Assets: juniperAssets });
      const shown = await page(server, app);
      const text = await css(server, shown);
      assert.match(text, /--accent:#0f5c4a/);
      assert.match(text, /@media \(prefers-color-scheme:dark\)\{:root\{.*--accent:#7fd0aa/);
      assert.match(shown.text, /<meta name="color-scheme" content="light dark">/);
      assert.match(
        shown.text,
        /<div class="logo center"><picture><source [^>]*dark\)"><img [^>]*alt="Notes">/,
      );
      assert.ok(!shown.text.includes('class="mark"'));
      assert.match(shown.text, /<link rel="icon" type="image\/svg\+xml" href=/);
      assert.match(shown.text, /<link rel="icon" type="image\/x-icon" href=/);
      assert.match(shown.text, /<form class="language" action="[^"]*\/login">/);
      // Images that the settings do not use: there is no header.
      assert.ok(!shown.text.includes("<header"));
      for (const path of filesIn(shown)) assert.equal((await file(server, path)).status, 200, path);
      const background = /url\(([^)]+)\)/.exec(text)?.[1] ?? assert.fail(text);
      const folder = `/${app.UserPoolId}/assets/brand/${app.ClientId}`;
      assert.equal((await file(server, `${folder}/${background}`)).status, 200);
      // All other clients look as before.
      assert.deepEqual(filesIn(await page(server, bare)), []);
      assert.deepEqual(filesIn(before), []);
      const policy = shown.response.headers.get("content-security-policy");
      assert.equal(policy, before.response.headers.get("content-security-policy"));
    });

    test("without a style, or with the provided one, a page is what it was, to the byte", async () => {
      const server = await open();
      const app = await makeApp(server);
      const plain = async () => (await page(server, app)).text;
      const before = await plain();
      const id = await giveStyle(server, app, { UseCognitoProvidedValues: true });
      assert.equal(await plain(), before);
      await dress(server, app, { CSS: classicCss, ImageFile: logo });
      assert.equal(await plain(), before, "a style has precedence, also the provided one");
      await update(server, app, id, { Settings: {} });
      assert.equal(await plain(), before, "settings that say nothing");
    });

    test("the next page shows a changed or removed style, and the files of the former one are gone", async () => {
      const server = await open();
      server.clock.freeze();
      const app = await makeApp(server);
      const id = await giveStyle(server, app, { Settings: colored("112233ff"), Assets: juniperAssets });
      const first = await page(server, app);
      assert.match(await css(server, first), /--card:#112233/);
      for (const [index, color] of ["223344ff", "334455ff", "445566ff"].entries()) {
        await update(server, app, id, { Settings: colored(color) });
        assert.match(
          await css(server, await page(server, app)),
          new RegExp(`--card:#${color.slice(0, 6)}`),
          `${index}`,
        );
      }
      assert.equal((await file(server, styleIn(first)!)).status, 404);
      const { UserPoolId } = app;
      await server.client.send(
        new DeleteManagedLoginBrandingCommand({ UserPoolId, ManagedLoginBrandingId: id }),
      );
      assert.deepEqual(filesIn(await page(server, app)), []);
      for (const path of filesIn(first)) assert.equal((await file(server, path)).status, 404, path);
      // The version starts again, but it is another style.
      await giveStyle(server, app, { Settings: colored("556677ff") });
      assert.match(await css(server, await page(server, app)), /--card:#556677/);
    });

    test("the next page shows a change of the classic CSS, even in the same millisecond", async () => {
      const server = await open();
      server.clock.freeze();
      const app = await makeApp(server);
      for (const color of ["#111122", "#222233", "#333344"]) {
        await dress(server, app, {
          ClientId: app.ClientId,
          CSS: `.background-customizable{background:${color}}`,
        });
        assert.match(await css(server, await page(server, app)), new RegExp(`--card:${color}`));
      }
      await dress(server, app, { ClientId: app.ClientId });
      assert.deepEqual(filesIn(await page(server, app)), []);
    });

    test("images run nothing and are kept for ever, whatever they are", async () => {
      const server = await open();
      const app = await makeApp(server);
      await giveStyle(server, app, {
        Settings: { ...juniper, components: { ...juniper.components, favicon: { enabledTypes: ["ICO"] } } },
        Assets: juniperAssets,
      });
      const paths = filesIn(await page(server, app));
      const types = new Map<string, string | null>();
      for (const path of paths) {
        const { response, bytes } = await file(server, path);
        const header = (name: string) => response.headers.get(name);
        types.set(path.slice(path.lastIndexOf(".")), header("content-type"));
        assert.equal(
          header("content-security-policy"),
          "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        );
        assert.equal(header("x-content-type-options"), "nosniff");
        assert.equal(header("cross-origin-resource-policy"), "same-origin");
        assert.equal(header("cache-control"), "public, max-age=31536000, immutable");
        if (path.endsWith(".ico")) assert.deepEqual(bytes, ico);
        if (path.endsWith(".svg")) assert.ok([logos.light, logos.dark].some((one) => one.equals(bytes)));
      }
      assert.deepEqual([...types].toSorted(), [
        [".css", "text/css; charset=utf-8"],
        [".ico", "image/x-icon"],
        [".svg", "image/svg+xml"],
      ]);
    });

    test("files of other pools, of other clients and of nobody are not there", async () => {
      const server = await open();
      const [app, other] = [await makeApp(server), await makeApp(server)];
      await giveStyle(server, app, { Settings: juniper, Assets: juniperAssets });
      const [path] = filesIn(await page(server, app));
      const name = path!.slice(path!.lastIndexOf("/") + 1);
      const at = async (pool: string, client: string, asked = name) =>
        (await file(server, `/${pool}/assets/brand/${client}/${asked}`)).status;
      assert.equal(await at(app.UserPoolId, app.ClientId), 200);
      const foreign: [string, string, string?][] = [
        [other.UserPoolId, other.ClientId],
        [other.UserPoolId, app.ClientId],
        [app.UserPoolId, other.ClientId],
        [app.UserPoolId, "ALL"],
        [app.UserPoolId, app.ClientId, name.replace(/^./, (one) => (one === "a" ? "b" : "a"))],
        [app.UserPoolId, app.ClientId, "__proto__"],
        [app.UserPoolId, app.ClientId, "%00"],
        [app.UserPoolId, "%00", name],
        [app.UserPoolId, `..%2f${app.ClientId}`, name],
      ];
      for (const [pool, client, asked] of foreign)
        assert.equal(await at(pool, client, asked), 404, `${pool} ${client} ${asked}`);
      const { UserPoolId, ClientId } = app;
      await server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId }));
      assert.equal(await at(UserPoolId, ClientId), 404);
    });

    test("hostile settings leave the page as it is", async () => {
      const server = await open();
      const app = await makeApp(server);
      const before = (await page(server, app)).text;
      const bad = '"}</style><script>alert(1)</script>';
      const Settings = {
        categories: {
          global: { colorSchemeMode: bad },
          form: { location: { horizontal: bad, vertical: bad } },
        },
        componentClasses: {
          buttons: { borderRadius: 1e300 },
          link: { lightMode: { defaults: { textColor: bad } } },
        },
        components: {
          form: { lightMode: { backgroundColor: "url(javascript:alert(1))" }, borderRadius: bad },
          pageBackground: { lightMode: { color: "red;}*{display:none}" }, image: { enabled: "true" } },
        },
      };
      await giveStyle(server, app, { Settings });
      assert.equal((await page(server, app)).text, before);
    });

    test("CSS and logo of the classic hosted UI, and where the logo is", async () => {
      const server = await open();
      const app = await makeApp(server);
      const { UserPoolId, ClientId } = app;
      const ofAll = await dress(server, app, { CSS: classicCss, ImageFile: logo });
      assert.ok(
        ofAll?.ImageUrl?.startsWith(`${server.endpoint}/${UserPoolId}/assets/brand/ALL/`),
        ofAll?.ImageUrl,
      );
      const shown = await page(server, app);
      assert.match(shown.text, /<div class="banner"><img src="[^"]*\.png" alt="Notes"><\/div>/);
      assert.match(shown.text, /<meta name="color-scheme" content="light">/);
      assert.match(await css(server, shown), /:root \.field > label\{font-weight:700\}/);
      const get = async (id: string) =>
        (await server.client.send(new GetUICustomizationCommand({ UserPoolId, ClientId: id })))
          .UICustomization;
      assert.equal((await get(ClientId))?.ImageUrl, ofAll?.ImageUrl);
      const image = await file(server, new URL(ofAll!.ImageUrl!).pathname);
      assert.deepEqual([image.response.headers.get("content-type"), image.bytes], ["image/png", logo]);
      const own = await dress(server, app, { ClientId, CSS: ".label-customizable { font-weight: 200 }" });
      assert.equal(own?.ImageUrl, undefined);
      const mine = await page(server, app);
      assert.match(await css(server, mine), /:root \.field > label\{font-weight:200\}/);
      assert.match(mine.text, /<div class="banner"><div class="mark" aria-hidden="true">N<\/div><\/div>/);
    });

    test("a domain shows the pages of its ManagedLoginVersion", async () => {
      const server = await open();
      const app = await makeApp(server);
      const { UserPoolId, ClientId } = app;
      const languages = { categories: { form: { languageSelector: { enabled: true } } } };
      await giveStyle(server, app, { Settings: { ...colored("112233ff"), ...languages } });
      await dress(server, app, { ClientId, CSS: ".background-customizable { background: #445566 }" });
      const Domain = `brand-${server.database}-${UserPoolId.slice(-5).toLowerCase()}`;
      await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
      const host = `${Domain}.login.example.org`;
      const card = async () => {
        const text = await byHost(server, host, `/login?${queryOf(app)}`);
        const path = /href="(\/assets\/brand\/[^"]+\.css)"/.exec(text)?.[1] ?? assert.fail(text);
        return /--card:(#\w+)/.exec(await byHost(server, host, path))?.[1];
      };
      assert.equal(await card(), "#445566");
      await server.client.send(
        new UpdateUserPoolDomainCommand({ UserPoolId, Domain, ManagedLoginVersion: 2 }),
      );
      assert.equal(await card(), "#112233");
      const managed = await byHost(server, host, `/login?${queryOf(app)}`);
      assert.match(managed, /<form class="language" action="\/login">/);
      // The main host has no ManagedLoginVersion.
      assert.match(await css(server, await page(server, app)), /--card:#112233/);
      const other = await makeApp(server);
      assert.match(await byHost(server, host, `/assets/brand/${other.ClientId}/x.css`), /nothing here/);
    });

    test("terms are linked to where both are there, in the language of the page", async () => {
      const server = await open();
      const app = await makeApp(server);
      const { UserPoolId, ClientId } = app;
      const give = async (TermsName: string, Links: Record<string, string>) => {
        const base = { UserPoolId, ClientId, TermsSource: "LINK", Enforcement: "NONE" } as const;
        const made = await server.client.send(new CreateTermsCommand({ ...base, TermsName, Links }));
        return made.Terms?.TermsId ?? assert.fail("no terms");
      };
      const legal = async (lang: string) =>
        /<p class="legal">(.*?)<\/p>/.exec((await page(server, app, "/signup", { lang })).text)?.[1];
      await give("terms-of-use", {
        "cognito:default": "https://example.com/terms?a=1&b=2",
        "cognito:german": "https://example.com/agb",
      });
      assert.equal(await legal("en"), undefined);
      const TermsId = await give("privacy-policy", { "cognito:default": "https://example.com/privacy" });
      assert.equal(
        await legal("en"),
        'By creating an account you agree to the <a href="https://example.com/terms?a=1&amp;b=2" rel="noreferrer">terms of use</a> and the <a href="https://example.com/privacy" rel="noreferrer">privacy policy</a>.',
      );
      assert.match(
        (await legal("de")) ?? "",
        /href="https:\/\/example\.com\/agb".*href="https:\/\/example\.com\/privacy"/,
      );
      // A language of ours that the model does not have.
      assert.match((await legal("ar")) ?? "", /terms\?a=1/);
      await server.client.send(new DeleteTermsCommand({ UserPoolId, TermsId }));
      assert.equal(await legal("en"), undefined);
    });

    test("another language is the same request again", async () => {
      const server = await open();
      const app = await makeApp(server);
      await giveStyle(server, app, {
        Settings: { categories: { form: { languageSelector: { enabled: true } } } },
      });
      const shown = await page(server, app, "/signup", { lang: "de", nonce: '"<x>' });
      const form =
        formsIn(shown.text).find(({ action }) => action === `/${app.UserPoolId}/signup`) ??
        assert.fail(shown.text);
      assert.deepEqual(form.fields, {
        client_id: app.ClientId,
        redirect_uri: callback,
        response_type: "code",
        nonce: '"<x>',
        state: "a/b c=~(x)",
      });
      assert.match(shown.text, /<option value="de" lang="de" selected>Deutsch<\/option>/);
      const query = new URLSearchParams({ ...form.fields, lang: "ar" });
      const next = await newVisitor(server, app).get(`/signup?${query}`);
      assert.match(next.text, /<html lang="ar" dir="rtl">/);
    });

    test("pages that are not for one client do not use the style of the client in their URL", async () => {
      const server = await open();
      const app = await makeApp(server);
      await giveStyle(server, app, { Settings: juniper, Assets: juniperAssets });
      const visitor = newVisitor(server, app);
      for (const path of [
        `/error?error=invalid_client&client_id=${app.ClientId}`,
        `/signedout?client_id=${app.ClientId}`,
      ])
        assert.deepEqual(filesIn(await visitor.get(path)), [], path);
      // A link in a message names a client, which is looked up.
      const confirm = await visitor.get(`/confirmUser?client_id=${app.ClientId}&user_name=ann`);
      assert.ok(styleIn(confirm));
    });

    test("a page with a whole style weighs no more than 25 KB, without its images", async () => {
      const server = await open();
      const app = await makeApp(server);
      await giveStyle(server, app, { Settings: juniper, Assets: juniperAssets });
      const shown = await page(server, app, "/signup");
      const html = Buffer.from(shown.text);
      const paths = [...shown.text.matchAll(/(?:href|src)="(\/[^"]+\.(?:css|js))"/g)].map(
        ([, path]) => path!,
      );
      assert.equal(paths.length, 3);
      const parts = [
        html,
        ...(await Promise.all(paths.map(async (path) => (await file(server, path)).bytes))),
      ];
      const weight = parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
      assert.ok(weight <= 25_000, `${weight} bytes`);
    });
  },
  { POOLHOUSE_AUTH_DOMAIN: "login.example.org" },
);

function byHost(server: TestServer, host: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.endpoint);
    const asked = request({ host: hostname, port, path, headers: { host } }, async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve(body);
    });
    asked.once("error", reject);
    asked.end();
  });
}
