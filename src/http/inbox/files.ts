/** The style sheet and the scripts of the inbox. */
import { readFileSync } from "node:fs";
import type { Context } from "hono";
import { copyScript } from "../kit/copy.ts";

const folder = "/inbox/public";
const own = (name: string) => new URL(`public/${name}`, import.meta.url);
const kept = [
  ["inbox.css", "text/css", own("inbox.css")],
  ["inbox.js", "text/javascript", own("inbox.js")],
  ["copy.js", "text/javascript", copyScript],
] as const;

const texts: ReadonlyMap<string, { readonly type: string; readonly text: string }> = new Map(
  kept.map(([name, type, file]) => [name, { type, text: readFileSync(file, "utf8") }]),
);

/** What the pages of the inbox name in their heads. */
export const files = { style: `${folder}/inbox.css`, script: `${folder}/inbox.js` } as const;
export const filesRoute = `${folder}/:name{[a-z]+\\.(?:css|js)}` as const;

export function answerFile(c: Context): Response {
  const file = texts.get(c.req.param("name") ?? "");
  if (file === undefined) return c.json({ message: "There is nothing here." }, 404);
  return c.body(file.text, 200, {
    "content-type": `${file.type}; charset=utf-8`,
    "cache-control": "no-cache",
  });
}
