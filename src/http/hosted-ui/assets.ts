/** The style and the script of the pages, as files of ours: named by what is in them, so they may be kept for ever. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Context } from "hono";

interface Asset {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

function load(file: string, type: string): Asset {
  const text = readFileSync(new URL(`public/${file}`, import.meta.url), "utf8");
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return { name: `${hash}${file.slice(file.lastIndexOf("."))}`, type, text };
}

export const style = load("style.css", "text/css; charset=utf-8");
export const script = load("script.js", "text/javascript; charset=utf-8");

const assets: ReadonlyMap<string, Asset> = new Map([style, script].map((asset) => [asset.name, asset]));

export function answerAsset(c: Context): Response {
  const asset = assets.get(c.req.param("name") ?? "");
  if (asset === undefined) return c.json({ message: "There is nothing here." }, 404);
  return c.body(asset.text, 200, {
    "content-type": asset.type,
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
  });
}
