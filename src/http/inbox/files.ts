/** The style sheet and the script of the inbox. */
import { readFileSync } from "node:fs";
import type { Context } from "hono";

const folder = "/inbox/public";
const types = { "inbox.css": "text/css", "inbox.js": "text/javascript" } as const;

const texts: ReadonlyMap<string, { readonly type: string; readonly text: string }> = new Map(
  Object.entries(types).map(([name, type]) => [
    name,
    { type, text: readFileSync(new URL(`public/${name}`, import.meta.url), "utf8") },
  ]),
);

/** What the pages of the inbox name in their heads. */
export const files = { style: `${folder}/inbox.css`, script: `${folder}/inbox.js` } as const;
export const filesRoute = `${folder}/:name{inbox\\.(?:css|js)}` as const;

export function answerFile(c: Context): Response {
  const file = texts.get(c.req.param("name") ?? "");
  if (file === undefined) return c.json({ message: "There is nothing here." }, 404);
  return c.body(file.text, 200, {
    "content-type": `${file.type}; charset=utf-8`,
    "cache-control": "no-cache",
  });
}
