/**
 * The style sheet and the script of the pages as static files. Their names contain a hash of the content, so they can
 * be cached forever.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Context } from "hono";
import { themeStyle } from "../../kit/theme.ts";

interface Asset {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/** Joins several files into one asset, after what it begins with. */
function load(
  files: readonly string[],
  extension: string,
  type: string,
  first: readonly string[] = [],
): Asset {
  const read = (file: string) =>
    readFileSync(new URL(`../public/${file}${extension}`, import.meta.url), "utf8");
  const text = [...first, ...files.map(read)].join("\n");
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return { name: `${hash}${extension}`, type, text };
}

/** In cascade order, after the theme: later rules win over earlier ones. */
export const styles = ["page", "icons", "parts", "providers", "branding", "states"] as const;

export const style = load(styles, ".css", "text/css; charset=utf-8", [themeStyle]);
export const script = load(["script"], ".js", "text/javascript; charset=utf-8");

const assets: ReadonlyMap<string, Asset> = new Map([style, script].map((asset) => [asset.name, asset]));

export function answerAsset(c: Context): Response {
  const asset = assets.get(c.req.param("name") ?? "");
  if (asset === undefined) return c.json({ message: "There is nothing here." }, 404);
  return c.body(asset.text, 200, {
    "content-type": asset.type,
    "cache-control": "public, max-age=31536000, immutable",
    "cross-origin-resource-policy": "same-origin",
  });
}
