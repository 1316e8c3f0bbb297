/** Builds the page with its configuration and serves it. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import type { ResourcesConfig } from "aws-amplify";
import { build } from "esbuild";

const path = (name: string) => fileURLToPath(new URL(`src/${name}`, import.meta.url));

/** The three files of the page by their paths. */
export type Page = Readonly<Record<string, { readonly type: string; readonly body: string }>>;

export async function buildPage(config: ResourcesConfig): Promise<Page> {
  const { outputFiles } = await build({
    entryPoints: [path("main.tsx")],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    target: "es2022",
    define: { AMPLIFY_CONFIG: JSON.stringify(config), "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
  });
  return {
    "/": { type: "text/html; charset=utf-8", body: readFileSync(path("index.html"), "utf8") },
    "/style.css": { type: "text/css; charset=utf-8", body: readFileSync(path("style.css"), "utf8") },
    "/main.js": { type: "text/javascript; charset=utf-8", body: outputFiles[0]!.text },
  };
}

/**
 * The page's Content-Security-Policy: Amplify keeps tokens in localStorage, so only the page's own script may run, and
 * requests may only go to Poolhouse.
 */
const policy = (poolhouse: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    `connect-src ${poolhouse}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

/** Serves the page on this machine only. The page may still be building when this is called. */
export async function servePage(
  page: Page | Promise<Page>,
  poolhouse: string,
  port: number,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    // The query belongs to the page: a sign-in returns with ?code=…&state=….
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = (await page)[pathname];
    if (file === undefined) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": file.type,
      "content-security-policy": policy(poolhouse),
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });
    return response.end(file.body);
  });
  server.listen(port, "localhost");
  await once(server, "listening");
  return server;
}
