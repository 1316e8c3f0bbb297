/** examples/react-amplify as its readers have it: built with the pool that its setup makes, and served to Chromium. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AdminCreateUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { buildPage, servePage } from "../../examples/react-amplify/page.ts";
import { makePool, person } from "../../examples/react-amplify/pool.ts";
import { addAuthenticator, browse } from "../kit/chromium.ts";
import { newAddress, password } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";

export interface ReadingRoom {
  readonly server: TestServer;
  readonly url: string;
  readonly UserPoolId: string;
  readonly ClientId: string;
  close(): Promise<void>;
}

/** A pool, and its page on a port of its own. */
export async function openReadingRoom(server: TestServer): Promise<ReadingRoom> {
  const built = Promise.withResolvers<Awaited<ReturnType<typeof buildPage>>>();
  // The pool has to know the page's address before the page can be built with the pool.
  const site = await servePage(built.promise, server.endpoint, 0);
  const url = `http://localhost:${(site.address() as AddressInfo).port}/`;
  const config = await makePool(server.client, server.endpoint, url);
  built.resolve(await buildPage(config));
  const { userPoolId: UserPoolId = "", userPoolClientId: ClientId = "" } = config.Auth?.Cognito ?? {};
  return { server, url, UserPoolId, ClientId, close: () => end(site) };
}

function end(site: Server): Promise<void> {
  return new Promise((resolve) => {
    site.close(() => resolve());
    site.closeAllConnections();
  });
}

/** The page has this heading: somebody has come to it. */
export async function seen(page: Page, heading: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
}

export const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

/** By the labels of the fields. */
export async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields))
    await page.getByLabel(label, { exact: true }).fill(value);
}

/** What is said at the top of a form. */
export async function told(page: Page, role: "alert" | "status", text: RegExp | string): Promise<void> {
  await page.getByRole(role).filter({ hasText: text }).first().waitFor();
}

/** A token that Amplify keeps in the browser. */
export async function kept(page: Page, name: "accessToken" | "refreshToken"): Promise<string | undefined> {
  return page.evaluate(`Object.entries(localStorage).find(([key]) => key.endsWith(".${name}"))?.[1]`);
}

export interface Visitor {
  readonly page: Page;
  close(): Promise<void>;
  /** Comes to a page as somebody who has never been there, and has no passkeys. */
  visit(room: ReadingRoom): Promise<void>;
}

export async function newVisitor(flags: readonly string[]): Promise<Visitor> {
  const context = await browse({}, flags);
  const page = await context.newPage();
  const { devtools, authenticatorId } = await addAuthenticator(page);
  return {
    page,
    close: () => context.close(),
    visit: async ({ url }) => {
      await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
      await context.clearCookies();
      await page.goto(url);
      await page.evaluate("localStorage.clear(); sessionStorage.clear()");
      await page.reload();
    },
  };
}

export async function enter(page: Page, username = person.email, secret = person.password): Promise<void> {
  await seen(page, "Sign in");
  await fill(page, { "Email address": username, Password: secret });
  await press(page, "Sign in");
}

export async function leave(page: Page): Promise<void> {
  await press(page, "Sign out");
  await seen(page, "Sign in");
}

/** Who came by the hosted pages leaves by them: Amplify goes to /logout, which comes back. */
export async function leaveThere(page: Page): Promise<void> {
  await Promise.all([page.waitForEvent("load"), press(page, "Sign out")]);
  await seen(page, "Sign in");
}

/** Somebody new, with the password of tests for their first sign-in alone. */
export async function invite(server: TestServer, UserPoolId: string): Promise<string> {
  const Username = newAddress();
  await server.client.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username,
      TemporaryPassword: password,
      MessageAction: "SUPPRESS",
    }),
  );
  return Username;
}

/** At the hosted pages, which ask for the name first, because this pool has several ways in, and then for the password. */
export async function enterThere(page: Page): Promise<void> {
  await page.fill("#username", person.email);
  await page.locator("button.primary").click();
  await page.fill("#password", person.password);
  await page.locator("button.primary").click();
}
