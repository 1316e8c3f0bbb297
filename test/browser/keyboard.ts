/** A page that is used by keyboard alone: what a scene clicks and fills is gone to by Tab, typed and pressed. */
import type { Locator, Page } from "playwright-core";

/** More than any page has to go through. */
const mostSteps = 40;

/** Goes on from where the focus is until it is on the element. */
async function reach(page: Page, element: Locator): Promise<void> {
  for (let step = 0; step <= mostSteps; step++) {
    if (await element.evaluate((one) => one === one.ownerDocument.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never comes to ${element}`);
}

async function type(page: Page, element: Locator, value: string): Promise<void> {
  await reach(page, element);
  if ((await element.getAttribute("readonly")) !== null) return;
  if ((await element.getAttribute("type")) === "date") {
    // Month, day, year: each part of the field takes its digits and hands on to the next.
    const [year, month, day] = value.split("-");
    return page.keyboard.type(`${month}${day}${year}`);
  }
  await page.keyboard.press("Control+A");
  await page.keyboard.type(value);
}

/** Where it leads to another page, that is waited for, as a click would. */
async function press(page: Page, element: Locator): Promise<void> {
  await reach(page, element);
  const left = page.waitForEvent("framenavigated");
  await page.keyboard.press("Enter");
  await left;
  await page.waitForLoadState();
}

function withKeys(page: Page, locator: Locator): Locator {
  return new Proxy(locator, {
    get(target, name) {
      if (name === "click") return () => press(page, target);
      if (name === "fill") return (value: string) => type(page, target, value);
      if (name === "first") return () => withKeys(page, target.first());
      return bound(target, name);
    },
  });
}

export function byKeyboard(page: Page): Page {
  return new Proxy(page, {
    get(target, name) {
      if (name === "fill")
        return (selector: string, value: string) => type(target, target.locator(selector).first(), value);
      if (name === "click") return (selector: string) => press(target, target.locator(selector).first());
      if (name === "locator") return (selector: string) => withKeys(target, target.locator(selector));
      if (name === "getByRole" || name === "getByLabel")
        return (...given: Parameters<Page["getByRole"]>) => withKeys(target, target[name](...given));
      return bound(target, name);
    },
  });
}

function bound<T extends object>(target: T, name: string | symbol): unknown {
  const value = Reflect.get(target, name);
  return typeof value === "function" ? value.bind(target) : value;
}

/** Something the keyboard comes to, as its page tells it. */
export interface Stop {
  /** Its place among all that can be used on the page. */
  readonly index: number;
  /** Whether one sees that the focus is there. */
  readonly shown: boolean;
}

const usable = `[...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter(
  (one) => !one.disabled && one.type !== "hidden" && one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0)`;

/** How many things a page has that can be used. */
export function countUsable(page: Page): Promise<number> {
  return page.evaluate(`${usable}.length`);
}

/**
 * Where Tab goes, from the beginning of the page to its end. A field of several parts, as for a date, is one stop. It is
 * not followed around the end: there the browser itself has the focus, and gives it back at some moment of its own.
 */
export async function walkOf(page: Page, count: number): Promise<Stop[]> {
  const stops: Stop[] = [];
  const dates = await page.locator("input[type=date]").count();
  await page.evaluate("document.documentElement.tabIndex = -1, document.documentElement.focus()");
  for (let step = 0; step < count + 4 * dates; step++) {
    await page.keyboard.press("Tab");
    const stop: Stop = await page.evaluate(`(() => {
      const at = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      return { index: ${usable}.indexOf(at), shown: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
    })()`);
    if (stop.index < 0) break;
    if (stop.index !== stops.at(-1)?.index) stops.push(stop);
  }
  await page.evaluate(`document.documentElement.removeAttribute("tabindex")`);
  return stops;
}
