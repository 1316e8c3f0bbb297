/** Headless Chromium: profiles, passkeys for its pages, and an application that it opens. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type CDPSession,
  chromium,
  type Page,
} from "playwright-core";
import { chromiumPath } from "./machine.ts";
import { hangingMs } from "./waiting.ts";

const flags = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
  // What a page of another's names elsewhere, such as fonts, is not there.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE ::1",
];

const kept: { close(): unknown }[] = [];
after(async () => {
  for (const one of kept.toReversed()) await one.close();
  for (const one of browsers.values()) await (await one).close();
});

/** Leaves something open until the tests of this file are through. */
export function keepOpen<T extends { close(): unknown }>(one: T): T {
  kept.push(one);
  return one;
}

const browsers = new Map<string, Promise<Browser>>();

/** One process for all tests of a file, a browser each for flags and environment that differ. */
function browserOf(args: readonly string[], env: NodeJS.ProcessEnv | undefined): Promise<Browser> {
  const key = JSON.stringify([args, env]);
  let started = browsers.get(key);
  if (started === undefined) {
    const how = {
      executablePath: chromiumPath(),
      headless: true,
      args: [...flags, ...args],
      timeout: hangingMs,
    };
    started = chromium.launch({ ...how, ...(env && { env: env as Record<string, string> }) });
    browsers.set(key, started);
  }
  return started;
}

/** A profile of its own, with its own cookies, in a browser that the tests of a file share. The caller closes it. */
export async function browse(
  options: BrowserContextOptions = {},
  args: readonly string[] = [],
  env?: NodeJS.ProcessEnv,
): Promise<BrowserContext> {
  const context = await (await browserOf(args, env)).newContext(options);
  context.setDefaultTimeout(hangingMs);
  return context;
}

const bundles = new Map<string, Promise<string>>();

/** The script of a page as a developer would ship it: one file, bundled, once for all tests of a file. */
export function bundle(entry: URL): Promise<string> {
  const path = fileURLToPath(entry);
  const made = bundles.get(path) ?? makeBundle(path);
  bundles.set(path, made);
  return made;
}

async function makeBundle(path: string): Promise<string> {
  const built = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    define: { global: "window" },
    logLevel: "error",
  });
  return built.outputFiles[0]!.text;
}

export interface Site {
  readonly port: number;
  close(): void;
}

/** An application: a page, and its script as /page.js. Its port makes its origin another than the server's. */
export async function serveSite(page: string | (() => string), script = ""): Promise<Site> {
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : typeof page === "string" ? page : page());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

/** What makes and keeps the passkeys of a page. */
export interface Authenticator {
  readonly devtools: CDPSession;
  readonly authenticatorId: string;
}

/** One that is part of the machine, and verifies its user. */
export async function addAuthenticator(page: Page): Promise<Authenticator> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { devtools, authenticatorId };
}
