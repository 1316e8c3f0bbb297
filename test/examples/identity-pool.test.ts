/** examples/identity-pool in Chromium: what guests, users and members of groups may do with their temporary credentials. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { parseEnv } from "node:util";
import { ListGroupsCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, Page } from "playwright-core";
import { findings, picture, schemes, widths } from "../browser/axe.ts";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { forEachServer, forOneServer } from "../kit/server.ts";
import {
  type Museum,
  objects,
  openMuseum,
  openStore,
  runSetup,
  type Store,
  setupEnvironment,
} from "./identity-pool.ts";

const opened: { close(): unknown }[] = [];
/** Closes something when a suite is over, the last one first: before its server, which waits for connections. */
const closing = () => {
  after(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close();
  });
};

interface Visit {
  readonly page: Page;
  /** Scripts that failed, and what the page's policy kept it from. */
  readonly trouble: string[];
  /** What was sent, as text. */
  readonly sent: string[];
}

/** Comes to the page as somebody who was never there. */
async function visit({ url }: Museum): Promise<Visit> {
  const context: BrowserContext = await browse();
  opened.push(context);
  const page = await context.newPage();
  const trouble: string[] = [];
  const sent: string[] = [];
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) trouble.push(message.text());
  });
  page.on("request", (request) => sent.push(`${request.url()} ${request.postData()}`));
  await page.goto(url);
  await seen(page, "You are a guest");
  return { page, trouble, sent };
}

const seen = (page: Page, heading: string) =>
  page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const refused = (page: Page, text: RegExp | string) =>
  page.getByRole("alert").filter({ hasText: text }).waitFor();

async function enter(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel("User name", { exact: true }).fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await press(page, "Sign in");
}

/** What the page says of who one is, once the API has said it, too. */
async function told(page: Page, role: string): Promise<Record<string, string>> {
  const arn = `arn:aws:sts::000000000000:assumed-role/${role}/CognitoIdentityCredentials`;
  await page.getByRole("definition").filter({ hasText: arn }).waitFor();
  const [terms, texts] = [
    await page.locator("dt").allTextContents(),
    await page.locator("dd").allTextContents(),
  ];
  return Object.fromEntries(terms.map((term, index) => [term, texts[index]!]));
}

const denied = (role: string) =>
  `403 AccessDeniedExceptionUser: arn:aws:sts::000000000000:assumed-role/${role}/CognitoIdentityCredentials is not authorized ` +
  "to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:000000000000:museum/prod/GET/api/visitors";

describe("examples/identity-pool", needs("chromium"), () => {
  forEachServer("with a store", (open) => {
    let prepared: Promise<{ museum: Museum; store: Store }> | undefined;
    closing();
    const example = () => {
      prepared ??= prepare();
      return prepared;
    };
    async function prepare() {
      const server = await open();
      const store = await openStore(server);
      opened.push(store);
      const museum = await openMuseum(server, store);
      opened.push(museum);
      return { museum, store };
    }

    test("as a guest, as a member of admins, and as a guest again", async () => {
      const { museum } = await example();
      const { page, trouble, sent } = await visit(museum);
      const guest = await told(page, "museum-guests");
      assert.equal(guest["Groups"], "none");
      assert.match(guest["Identity"]!, /^us-east-1:[\da-f-]{36}$/);
      assert.match(guest["Your access key"]!, /^ASIA[A-Z2-7]{16}, until \d/);
      await press(page, "Read the figures");
      await refused(page, denied("museum-guests"));
      await press(page, "List the bucket");
      await refused(page, /^403 AccessDenied.*museum-guests.* s3:ListBucket/);

      await enter(page, "ada", "Wrong-Horse-7");
      await refused(page, "Incorrect username or password.");
      await enter(page, "ada", museum.password);
      await seen(page, "You are signed in as ada");
      assert.equal(await page.locator(":focus").textContent(), "You are signed in as ada");
      const ada = await told(page, "museum-admins");
      assert.equal(ada["Groups"], "admins, files");
      assert.equal(ada["Identity"], guest["Identity"], "the guest's identity is hers from now on");
      assert.equal(await page.getByRole("alert").count(), 0, "what the guest was refused is gone");
      await press(page, "Read the figures");
      await page.getByRole("row", { name: "Saturday 968" }).waitFor();
      await press(page, "List the bucket");
      for (const [key, size] of Object.entries(objects)) {
        const bytes = `${size.toLocaleString("en")} bytes`;
        await page.getByRole("listitem").filter({ hasText: key }).filter({ hasText: bytes }).waitFor();
      }
      await picture(page, "identity-pool-files");
      await page.reload();
      await seen(page, "You are signed in as ada");
      assert.equal((await told(page, "museum-admins"))["Identity"], ada["Identity"]);
      await press(page, "Read the figures");
      await page.getByRole("row", { name: "Saturday 968" }).waitFor();

      await press(page, "Sign out");
      await seen(page, "You are a guest");
      const again = await told(page, "museum-guests");
      assert.notEqual(again["Identity"], ada["Identity"]);
      assert.equal(await page.getByRole("row").count(), 0, "her figures are gone");
      await press(page, "Read the figures");
      await refused(page, denied("museum-guests"));
      assert.ok(sent.length > 0);
      assert.deepEqual(
        sent.filter((one) => one.includes(museum.password)),
        [],
        "the password stays in the browser",
      );
      assert.deepEqual(trouble, []);
    });

    test("who is signed in without a group is refused, by the API and by the identity pool", async () => {
      const { museum, store } = await example();
      const { page, trouble } = await visit(museum);
      await enter(page, "gus", museum.password);
      await seen(page, "You are signed in as gus");
      const gus = await told(page, "museum-members");
      assert.equal(gus["Groups"], "none");
      await press(page, "Read the figures");
      await refused(page, denied("museum-members"));
      await press(page, "List the bucket");
      await refused(page, "Access to a role was denied for this identity.");
      await press(page, "Sign out");
      await seen(page, "You are a guest");
      await page.route(`${store.url}**`, (route) => route.abort());
      await press(page, "List the bucket");
      await refused(page, "The store does not answer, or does not let this page call it (CORS).");
      await page.route(`${museum.settings["POOLHOUSE_URL"]}/**`, (route) => route.abort());
      await page.reload();
      await refused(page, "The server does not answer. Is it running?");
      assert.deepEqual(trouble, []);
    });
  });

  forOneServer("sqlite", "without a store", (open) => {
    closing();

    test("no screen breaks WCAG 2.2 AA or is wider than its window", async () => {
      const museum = await openMuseum(await open());
      opened.push(museum);
      const { page, trouble } = await visit(museum);
      const look = async (scene: string) => {
        for (const [size, viewport] of Object.entries(widths))
          for (const colorScheme of schemes) {
            await page.setViewportSize(viewport);
            await page.emulateMedia({ colorScheme });
            await picture(page, `identity-pool-${scene}-${size}-${colorScheme}`);
            const rules = colorScheme === "light" ? "every" : "colors";
            assert.deepEqual(await findings(page, rules), [], `${scene} ${size} ${colorScheme}`);
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            assert.equal(overflow, 0, `${scene} is wider than ${viewport.width}px`);
          }
      };
      await told(page, "museum-guests");
      await page.getByText("No store for S3 is configured.").waitFor();
      assert.equal(await page.getByRole("button", { name: "List the bucket" }).count(), 0);
      await look("guest");
      await press(page, "Read the figures");
      await refused(page, denied("museum-guests"));
      await enter(page, "ada", "Wrong-Horse-7");
      await refused(page, "Incorrect username or password.");
      await look("refused");
      await enter(page, "ada", museum.password);
      assert.equal((await told(page, "museum-admins"))["Groups"], "admins");
      await press(page, "Read the figures");
      await page.getByRole("row", { name: "Saturday 968" }).waitFor();
      await look("admin");
      assert.deepEqual(trouble, []);
    });

    test("a store with roles of its own has the one of the group files", async () => {
      const folder = temporaryFolder();
      const role = "arn:aws:iam::4711:role/readers";
      const store = { S3_URL: "https://s3.example.com", S3_BUCKET: "museum", S3_ROLE_ARN: role };
      const server = await open();
      await runSetup(folder, { ...setupEnvironment(server), ...store });
      const settings = parseEnv(readFileSync(join(folder, ".env"), "utf8"));
      assert.equal(settings["S3_ROLE_ARN"], role);
      const { Groups } = await server.client.send(
        new ListGroupsCommand({ UserPoolId: settings["USER_POOL_ID"] }),
      );
      const roles = Object.fromEntries(Groups!.map(({ GroupName, RoleArn }) => [GroupName, RoleArn]));
      assert.equal(roles["files"], role);
      const made = JSON.parse(readFileSync(join(folder, "roles.json"), "utf8")) as { RoleName: string }[];
      assert.deepEqual(
        made.map(({ RoleName }) => RoleName),
        ["museum-guests", "museum-members", "museum-admins"],
      );
    });

    test("a setup that cannot be meant changes nothing", async () => {
      const folder = temporaryFolder();
      const env = setupEnvironment(await open());
      const half = { ...env, S3_URL: "http://localhost:9000" };
      await assert.rejects(runSetup(folder, half), /S3_URL and S3_BUCKET belong together/);
      const unnumbered = { ...half, S3_BUCKET: "museum", S3_ROLE_ARN: "arn:aws:iam:::role/readers" };
      await assert.rejects(runSetup(folder, unnumbered), /^Error: .*\nS3_ROLE_ARN must be the ARN of a role/);
      assert.deepEqual(readdirSync(folder), []);
      writeFileSync(join(folder, ".env"), "A=b\n");
      await assert.rejects(runSetup(folder, env), /\.env is there already/);
      assert.deepEqual(readdirSync(folder), [".env"]);
    });
  });
});
