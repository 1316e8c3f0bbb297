/** Builds the page with its settings, and serves it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import express, { type Router } from "express";
import { setting } from "./settings.ts";
import type { Settings } from "./src/settings.ts";

const path = (name: string) => join(import.meta.dirname, "src", name);

function pageSettings(): Settings {
  const url = process.env["S3_URL"];
  return {
    poolhouse: setting("POOLHOUSE_URL"),
    region: setting("REGION"),
    userPoolId: setting("USER_POOL_ID"),
    clientId: setting("CLIENT_ID"),
    identityPoolId: setting("IDENTITY_POOL_ID"),
    store: url ? { url, bucket: setting("S3_BUCKET"), roleArn: setting("S3_ROLE_ARN") } : null,
  };
}

/**
 * The page's Content-Security-Policy: tokens and credentials are in the browser, so only the page's own script may run, and
 * requests may only go to the API, to Poolhouse and to the store.
 */
const policy = ({ poolhouse, store }: Settings) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    ["connect-src 'self'", poolhouse, ...(store ? [new URL(store.url).origin] : [])].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

/** The page with its style sheet and its script. */
export async function buildPage(): Promise<Router> {
  const settings = pageSettings();
  const { outputFiles } = await build({
    entryPoints: [path("main.ts")],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    define: { SETTINGS: JSON.stringify(settings) },
    logLevel: "error",
  });
  const files = {
    "/": { type: "html", body: readFileSync(path("index.html"), "utf8") },
    "/style.css": { type: "css", body: readFileSync(path("style.css"), "utf8") },
    "/main.js": { type: "js", body: outputFiles[0]!.text },
  };
  const page = express.Router();
  for (const [file, { type, body }] of Object.entries(files))
    page.get(file, (_request, response) => {
      response.set({
        "content-security-policy": policy(settings),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
      });
      response.type(type).send(body);
    });
  return page;
}
