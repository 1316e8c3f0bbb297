/** Pages held against WCAG 2.2, and pictures of them. */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where to put a picture of every page; none are taken without. */
const pictures = process.env["TEST_PICTURES"];

export const widths = { narrow: { width: 320, height: 640 }, wide: { width: 1280, height: 900 } } as const;
export const schemes = ["light", "dark"] as const;

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

const everyRule = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** The rules that look at colors. What another color scheme changes is colors, and nothing else. */
const colorRules = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

/** What breaks a rule of WCAG 2.2 AA or a best practice; for a further color scheme, only rules about colors. */
export async function findings(page: Page, rules: "every" | "colors" = "every"): Promise<string[]> {
  // Half a megabyte, once a document.
  if ((await page.evaluate("typeof axe")) === "undefined") await page.evaluate(axe);
  const runOnly = rules === "every" ? everyRule : colorRules;
  const found: { violations: Finding[] } = await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(runOnly)}, resultTypes: ["violations"] })`,
  );
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html}\n${node.failureSummary}`),
  );
}

export async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}
