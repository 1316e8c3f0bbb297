/** examples/federation as its user runs it: with all four stand-ins, by requests, then in Chromium. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { parseEnv } from "node:util";
import { AdminGetUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { findings } from "../browser/axe.ts";
import { formsIn } from "../hosted-ui/visitor.ts";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { attributesOf } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { root, spawnCommand } from "./people.ts";
import { newVisitor, type Shown, type Visitor } from "./visitor.ts";

const readme = readFileSync(join(root, "examples", "federation", "README.md"), "utf8");
const folder = temporaryFolder();

interface Running {
  readonly club: string;
  readonly poolhouse: string;
  /** What .env says. */
  readonly settings: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

let started: Promise<Running> | undefined;
const running = () => {
  started ??= begin("--port", "22200");
  return started;
};
/** Starts the example, without npm, which would install a clone whose dependencies differ first. */
async function begin(...argv: string[]): Promise<Running> {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const command = [...scripts["example"]!.split(" "), "federation", "--keep", folder, ...argv];
  const program = spawnCommand(command, { cwd: root, env: {} });
  const said = (pattern: RegExp) => pattern.exec(program.said())?.[1] ?? assert.fail(program.said());
  await program.hear(/Ctrl-C ends it/);
  return {
    club: said(/^Open (\S+)/m),
    poolhouse: said(/Poolhouse: (\S+)\)/),
    settings: parseEnv(readFileSync(join(folder, ".env"), "utf8")) as Record<string, string>,
    end: async () => {
      // Its programs are its own to end.
      program.process.kill("SIGTERM");
      assert.equal(await program.ended, 0, program.said());
    },
  };
}

const pageOf = ({ url, text }: Shown, title: string | RegExp) => {
  const [, shown] = /<h1[^>]*>([^<]*)<\/h1>/.exec(text) ?? assert.fail(`${url}: ${text}`);
  assert.match(shown!, new RegExp(title));
  return text;
};

/** Follows redirects; at a page of a stand-in, becomes that person there. */
async function go(visitor: Visitor, url: string, person: string): Promise<Shown> {
  let shown = await visitor.ask(url);
  for (let step = 0; step < 30; step++) {
    const location = shown.headers.get("location");
    const isChoice = shown.text.includes('name="person"');
    const [form] = shown.text.includes('name="SAMLResponse"') ? formsIn(shown.text) : [];
    const send = (action: string, fields: Record<string, string>) =>
      visitor.ask(new URL(action, shown.url), { method: "POST", body: new URLSearchParams(fields) });
    if (location !== null) shown = await visitor.ask(new URL(location, shown.url));
    else if (isChoice) shown = await send(shown.url, { person });
    else if (form !== undefined) shown = await send(form.action, form.fields);
    else return shown;
  }
  return assert.fail(`too many steps, the last at ${shown.url}`);
}

const providers = ["Google", "Facebook", "Corporate", "Campus"] as const;

async function comeThrough(club: string, provider: string, person: string): Promise<string> {
  const shown = await go(newVisitor(), `${club}sign-in?provider=${provider}`, person);
  return pageOf(shown, "Welcome, Ben Baker");
}

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();

/** From the club's start page through the pool's page to a stand-in, and back as Ann. */
async function signIn(page: Page, club: string, provider: string): Promise<void> {
  await page.goto(club);
  await page.getByRole("link", { name: "Sign in", exact: true }).click();
  // Names on buttons are isolated from the direction of the text around them.
  await page.getByRole("link", { name: new RegExp(`^Continue with \\W?${provider}`) }).click();
  await heading(page, `Sign in at ${provider}`);
  assert.deepEqual(await findings(page), []);
  await page.getByRole("button", { name: /Ann Archer/ }).click();
  await heading(page, "Welcome, Ann Archer");
}

/** Corporate asks whether its own session is to end; Campus is told by single logout, through the browser. */
async function signOut(page: Page, provider: string): Promise<void> {
  await page.getByRole("button", { name: "Sign out" }).click();
  if (provider === "Corporate") {
    await heading(page, "Sign out of Corporate?");
    assert.deepEqual(await findings(page), []);
    await page.getByRole("button", { name: "Sign out of Corporate" }).click();
  }
  await heading(page, "The club");
}

describe("examples/federation", () => {
  // Before its programs are ended by force.
  after(async () => (await started)?.end());

  test("through each of the four, twice: an ordinary user, whose visits the function counts", async () => {
    const { club, poolhouse, settings } = await running();
    const { accessKeyId, secretAccessKey } = JSON.parse(
      readFileSync(join(folder, "poolhouse", "secrets", "root-access-key.json"), "utf8"),
    );
    const idp = newSdk(poolhouse, { credentials: { accessKeyId, secretAccessKey } });
    for (const provider of providers) {
      for (const visit of [1, 2]) {
        const text = await comeThrough(club, provider, "1002");
        assert.match(
          text,
          new RegExp(`through <strong>${provider}</strong>, with the address ben@example.com`),
        );
        assert.match(text, new RegExp(`Member since [\\d-]{10}; this is visit number ${visit}\\.`));
      }
      const key = { UserPoolId: settings["USER_POOL_ID"]!, Username: `${provider}_1002` };
      const user = await idp.send(new AdminGetUserCommand(key));
      assert.equal(user.UserStatus, "EXTERNAL_PROVIDER");
      const { "custom:visits": visits, name, email } = attributesOf(user.UserAttributes);
      assert.deepEqual([visits, name, email], ["2", "Ben Baker", "ben@example.com"]);
    }
    idp.destroy();
  });

  test("the stand-ins refuse what the real providers refuse, and the club an answer that it has not asked for", async () => {
    const { club, settings } = await running();
    const {
      FACEBOOK_URL = "",
      SAML_URL = "",
      GOOGLE_URL = "",
      FACEBOOK_SECRET = "",
      POOL_URL = "",
    } = settings;
    const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status;
    const dialog = (query: Record<string, string>) =>
      status(`${FACEBOOK_URL}dialog/oauth?${new URLSearchParams(query)}`);
    const redirect_uri = `${POOL_URL}/oauth2/idpresponse`;
    assert.equal(await dialog({ client_id: "our-app-at-facebook", redirect_uri }), 200);
    assert.equal(await dialog({ client_id: "our-app-at-facebook", redirect_uri: `${club}callback` }), 400);
    assert.equal(await dialog({ client_id: "another", redirect_uri }), 400);
    const body = new URLSearchParams({
      ...{ client_id: "our-app-at-facebook", client_secret: FACEBOOK_SECRET },
      ...{ code: "unknown", redirect_uri, code_verifier: "x" },
    });
    assert.equal(await status(`${FACEBOOK_URL}oauth/access_token`, { method: "POST", body }), 400);
    assert.equal(
      await status(`${FACEBOOK_URL}me?fields=id`, { headers: { authorization: "Bearer x" } }),
      401,
    );
    const wrongClient = `${GOOGLE_URL}auth?client_id=another&response_type=code&scope=openid`;
    assert.equal(await status(wrongClient), 400);

    const atSaml = await newVisitor().ask(`${club}sign-in?provider=Campus`);
    const atPool = await newVisitor().ask(atSaml.headers.get("location")!);
    const asked = atPool.headers.get("location") ?? assert.fail(atPool.text);
    assert.ok(asked.startsWith(`${SAML_URL}sso?SAMLRequest=`), asked);
    assert.equal(await status(asked), 200);
    assert.equal(await status(asked.replace(/&Signature=[^&]*/, "")), 400);
    assert.equal(await status(asked.replace(/RelayState=[^&]*/, "RelayState=another")), 400);
    assert.equal(await status(`${club}callback?code=x&state=y`), 400);
  });

  test(
    "the steps of the README, in Chromium: by a click on a button to each provider and back, and out again",
    needs("chromium"),
    async () => {
      const [command] = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block);
      assert.equal(command, "npm run example federation\n");
      const { club } = await running();
      const browser = await browse();
      try {
        const page = await browser.newPage();
        for (const provider of providers) {
          await signIn(page, club, provider);
          assert.match(
            (await page.textContent("main")) ?? "",
            new RegExp(`${provider}_1001.*visit number 1`, "s"),
          );
          assert.deepEqual(await findings(page), []);
          await signOut(page, provider);
        }
        // It has no session any more, so that it asks again.
        await page.getByRole("link", { name: "Corporate", exact: true }).click();
        await heading(page, "Sign in at Corporate");
        await page.goto(club);
        // Google remembers the browser, as the real one does.
        await page.getByRole("link", { name: "Google", exact: true }).click();
        await heading(page, "Welcome, Ann Archer");
        assert.match((await page.textContent("main")) ?? "", /visit number 2/);
      } finally {
        await browser.close();
      }
    },
  );

  test("what was kept is used again: users, keys and secrets", async () => {
    const first = await running();
    await first.end();
    started = begin();
    const again = await running();
    assert.equal(again.club, first.club);
    for (const provider of ["Google", "Campus"])
      assert.match(await comeThrough(again.club, provider, "1002"), /visit number 3/);
  });
});
