/** The gateway's own pages in Chromium: their look, WCAG 2.2, and narrow screens. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import type { Decision, RefusedFor } from "../../src/gateway/admission.ts";
import { askFirst, page } from "../../src/gateway/pages.ts";
import { answerRefused } from "../../src/gateway/refused.ts";
import { browse, keepOpen } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { findings, picture, schemes, widths } from "./axe.ts";

const asked = {
  method: "GET",
  scheme: "https:",
  host: "cms.example.com",
  target: "/",
  header: (name: string) => (name === "accept" ? "text/html" : undefined),
} as const;

const refused = (reason: RefusedFor, status: (Decision & { kind: "refused" })["status"] = 403) =>
  answerRefused(asked, { kind: "refused", status, reason, challenge: undefined });

/** A page of each kind, the longest texts among them. */
const pages: Readonly<Record<string, () => Response>> = {
  "not-allowed": () => refused("group"),
  "two-cookies": () => refused("ambiguous-cookies", 400),
  away: () => refused("provider-away", 503),
  "sign-in-over": () =>
    page({
      status: 400,
      title: "This sign-in is over",
      text: "It took too long, was used already, or began in another browser.",
      link: ["/auth/signin", "Sign in"],
    }),
  "sign-out": () => askFirst("Sign out", "Do you want to sign out?", "/auth/signout", "Sign out"),
};

async function serving(): Promise<string> {
  const server = createServer(async (incoming, outgoing) => {
    const answer = pages[incoming.url?.slice(1) ?? ""]?.() ?? new Response(null, { status: 404 });
    outgoing.writeHead(answer.status, [...answer.headers].flat()).end(await answer.text());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("the gateway's pages in Chromium", needs("chromium"), () => {
  test("can be read by everybody, in light and dark, on narrow screens", async () => {
    const origin = await serving();
    const tab = await keepOpen(await browse({ locale: "en-US", viewport: widths.narrow })).newPage();
    const said: string[] = [];
    tab.on("console", (message) => said.push(message.text()));
    for (const name of Object.keys(pages)) {
      await tab.goto(`${origin}/${name}`);
      for (const scheme of schemes) {
        await tab.emulateMedia({ colorScheme: scheme });
        await picture(tab, `gateway-${name}-${scheme}`);
        assert.deepEqual(
          await findings(tab, scheme === "light" ? "every" : "colors"),
          [],
          `${name} ${scheme}`,
        );
      }
      const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
      assert.equal(await tab.evaluate(overflow), 0, name);
      // As large as WCAG 2.2 asks of what is touched (success criterion 2.5.8), with room.
      for (const target of await tab.locator("main p > a:only-child, button").all())
        assert.ok(((await target.boundingBox())?.height ?? 0) >= 40, `${name}: what is touched is small`);
    }
    // The policy of the pages forbids nothing that they have; a status of 4xx is said to the console, too.
    assert.deepEqual(
      said.filter((text) => !/Failed to load resource/.test(text)),
      [],
    );
  });
});
