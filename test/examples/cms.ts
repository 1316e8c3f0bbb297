/** examples/cms as its user runs it: the CMS, the shop and the legacy service are processes; the gateway shares the server's clock. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:net";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { readGatewayFile } from "../../src/config/gateway-file.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import { createGatewayServer } from "../../src/gateway/serve.ts";
import { createTlsListener } from "../../src/gateway/tls.ts";
import { certificateFromFile } from "../../src/integrations/tls.ts";
import { newStore } from "../gateway/place.ts";
import { browse } from "../kit/chromium.ts";
import { type DatabaseName, type Fresh, silent } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { startProgram } from "./legacy-cms.ts";
import { type Started, startWithFunctions } from "./with-functions.ts";

const examples = join(import.meta.dirname, "..", "..", "examples");
export const programs = join(examples, "cms");

export interface Cms extends Started {
  readonly urls: Readonly<
    Record<"AUTH_URL" | "CMS_URL" | "SHOP_URL" | "GATEWAY_URL" | "BACKEND_URL" | "LEGACY_URL", string>
  >;
  /** Of the users of old, and of the editor. */
  readonly passwords: { readonly old: string; readonly edna: string };
  /** A browser of its own, which finds the hosts and trusts their certificate. */
  newBrowser(): Promise<BrowserContext>;
}

/** Sets it up, and starts all of it. Sessions are in a database of the same kind as the pool's. */
export async function startCms(database: DatabaseName, fresh: Fresh): Promise<Cms> {
  const urls = await freeUrls();
  const started = await startWithFunctions(database, fresh, {
    programs,
    functions: join(examples, "legacy-cms", "functions.ts"),
    urls: { ...urls, GATEWAY_STORE: (await newStore(database))! },
  });
  const { folder, said, server } = started;
  const closeGateway = await startGateway(join(folder, "gateway.yaml"), () => server.clock.now);
  const files = [
    "legacy/server.ts",
    "../cms/google/server.ts",
    "../cms/cms/server.ts",
    "../cms/shop/server.ts",
  ];
  const children: ChildProcess[] = await Promise.all(files.map((file) => startProgram(folder, file)));
  return {
    ...started,
    urls,
    passwords: { old: /Their password: (\S+)/.exec(said)![1]!, edna: /Her password: (\S+)/.exec(said)![1]! },
    newBrowser: () => browse({}, flagsIn(said)),
    close: async () => {
      for (const child of children) child.kill();
      await closeGateway();
      await started.close();
    },
  };
}

/** The flags of the command that the setup prints. */
export const flagsIn = (said: string): string[] => [
  `--host-resolver-rules=${/--host-resolver-rules="([^"]+)"/.exec(said)![1]}`,
  /--ignore-certificate-errors-spki-list=\S+/.exec(said)![0],
];

async function freeUrls() {
  const [auth, shop, gateway, backend, legacy, google] = await Promise.all(
    Array.from({ length: 6 }, freePort),
  );
  return {
    AUTH_URL: `https://auth-api.example.test:${auth}/`,
    CMS_URL: `https://cms.example.test:${auth}/`,
    SHOP_URL: `https://shop.example.test:${shop}/`,
    GATEWAY_URL: `http://localhost:${gateway}/`,
    BACKEND_URL: `http://localhost:${backend}/`,
    LEGACY_URL: `http://localhost:${legacy}/`,
    GOOGLE_URL: `http://localhost:${google}/`,
  };
}

/** The gateway of a file, with a clock of the test's. Returns how to close it. */
async function startGateway(file: string, now: () => number): Promise<() => Promise<void>> {
  const { settings } = readGatewayFile(file);
  const { host, port, tls } = settings.listen;
  const gateway = await createGateway(settings, { log: silent, now });
  const server = createGatewayServer(gateway, silent);
  const secure = createTlsListener(server, certificateFromFile(tls!.file), silent);
  const listen = (one: Server, at: number) => once(one.listen(at, host), "listening");
  await Promise.all([listen(server, port), listen(secure.server, tls!.port)]);
  return async () => {
    server.close();
    await secure.end(0);
    await gateway.close();
  };
}

/** The application in PHP, on PHP's own server. */
export async function startPhp(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  const at = `127.0.0.1:${await freePort()}`;
  const child = spawn("/usr/bin/php", ["-S", at, join(programs, "php", "index.php")], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (!said.includes("started")) continue;
    child.stderr.resume();
    return { url: `http://${at}/`, process: child };
  }
  throw new Error(`PHP did not start: ${said}`);
}

/** Somebody has come to the page with this heading. */
export const heading = (page: Page, name: string | RegExp) =>
  page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

const submit = (page: Page) => page.locator("form button.primary").first().click();

/** At the pool's page. */
export async function enter(page: Page, username: string, password: string): Promise<void> {
  await page.fill("#username", username);
  await page.fill("#password", password);
  await submit(page);
}

/** At the pool's page: creates an account, which needs the code from the mail. */
export async function signUp(
  page: Page,
  { username, password }: { readonly username: string; readonly password: string },
  code: (to: string) => Promise<string>,
): Promise<void> {
  const email = `${username}@new.example`;
  await page.getByRole("link", { name: "Create one" }).click();
  await page.fill("#username", username);
  await page.fill("#email", email);
  await page.fill("#password", password);
  await submit(page);
  // The page submits a code that is complete.
  await page.locator("input[autocomplete=one-time-code]").fill(await code(email));
}
