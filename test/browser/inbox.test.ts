/** The inbox as people see it, in Chromium: arrivals, copying, deleting, and that nothing of a message runs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { framed } from "../../src/http/inbox/frame.ts";
import { browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { putMessage, readInbox } from "../kit/inbox.ts";
import { needs } from "../kit/machine.ts";
import { forOneServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { findings, picture, schemes, widths } from "./axe.ts";

/** What would run, load or lead away if a message could. */
const hostile = (
  site: string,
) => `<!doctype html><html><head><meta http-equiv="refresh" content="0;url=${site}/refresh">
<base href="${site}/"><link rel="stylesheet" href="${site}/style"><script>alert(1)</script><style>p { color: #00f }</style></head>
<body onload="alert(2)"><p>Hello</p><img src="${site}/image" onerror="alert(3)"><svg onload="alert(4)"></svg>
<iframe src="${site}/frame"></iframe><form action="${site}/form"><button>Send</button></form>
<a id="run" href="javascript:alert(5)">run</a> <a id="top" target="_top" href="${site}/top">top</a>
<a id="go" href="${site}/go">go</a><script src="${site}/script"></script></body></html>`;

const long = `Your verification code, ${"which is for an account with a very long name, ".repeat(6)}${"x".repeat(90)}`;

describe("the inbox in Chromium", needs("chromium"), () => {
  forOneServer("sqlite", "of a development server", (open, database) => {
    test("messages arrive while it is looked at; codes are copied; one is deleted, and then all", async () => {
      const server = await open();
      const context = keepOpen(await browse({ locale: "en-US" }));
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.endpoint });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on("console", (message) => problems.push(message.text()));
      await page.goto(`${server.endpoint}/inbox`);
      await page.getByText("No messages yet.").waitFor();
      await putMessage(server, { subject: "First", code: "111111" });
      await page.getByRole("button", { name: "Copy: First" }).click();
      await page.getByRole("button", { name: "Copied: First" }).waitFor();
      assert.equal(await page.evaluate("navigator.clipboard.readText()"), "111111");
      await putMessage(server, { subject: "Second", code: undefined });
      await page.getByText("2 messages.").waitFor();
      const focused = await page.evaluate(
        "document.activeElement.closest('article')?.querySelector('h2').textContent",
      );
      assert.equal(focused, "First", "what arrives moves nothing");
      assert.deepEqual(await page.locator("article h2").allTextContents(), ["Second", "First"]);
      await page.getByRole("link", { name: "First" }).click();
      await page.getByRole("button", { name: "Delete" }).click();
      await page.waitForURL(`${server.endpoint}/inbox`);
      await page.getByText("1 message.").waitFor();
      await page.getByRole("button", { name: "Delete all" }).click();
      await page.getByText("No messages yet.").waitFor();
      assert.deepEqual((await readInbox(server, { cursor: "" })).messages, []);
      assert.deepEqual(problems, []);
    });

    // What the pages are made of does not depend on the database.
    if (database !== "sqlite") return;

    test("nothing of a message runs or is loaded, and its links open in tabs that know nothing of it", async () => {
      const server = await open();
      const site = keepOpen(
        await serveSite("<script>document.title = `${document.referrer}|${opener}`</script>"),
      );
      const at = `http://127.0.0.1:${site.port}`;
      const id = await putMessage(server, {
        body: hostile(at),
        subject: "<script>alert(6)</script>",
        code: "<b>",
      });
      const context = keepOpen(await browse());
      const loaded: string[] = [];
      context.on("response", (response) => loaded.push(response.url()));
      const page = await context.newPage();
      page.on("dialog", (dialog) => assert.fail(`a script ran: ${dialog.message()}`));
      await page.goto(`${server.endpoint}/inbox`);
      await page.getByRole("link", { name: "alert(6)" }).first().click();
      const frame = page.frameLocator("iframe");
      assert.equal(await frame.locator("p").textContent(), "Hello");
      const inside = page.frames().find((one) => one.url().endsWith("/html"));
      const color = await inside?.evaluate("getComputedStyle(document.querySelector('p')).color");
      assert.equal(color, "rgb(0, 0, 255)", "its own style applies");
      await frame.locator("#run").click();
      await frame.locator("#top").click();
      await frame.getByRole("button", { name: "Send" }).click();
      const opening = page.waitForEvent("popup");
      await frame.locator("#go").click();
      const opened = await opening;
      await opened.waitForURL(`${at}/go`);
      assert.equal(await opened.title(), "|null");
      assert.equal(page.url(), `${server.endpoint}/inbox/messages/${id}`);
      const elsewhere = loaded.filter((url) => !url.startsWith(`${server.endpoint}/`));
      assert.deepEqual(
        elsewhere.filter((url) => !/\/favicon\.ico$/.test(url)),
        [`${at}/go`],
      );
    });

    test("images of a message are part of what the frame shows", async () => {
      const bytes = Buffer.from("iVBORw0KGgo=", "base64");
      const images = [{ id: "logo", type: "image/png", bytes }];
      assert.ok(
        framed('<img src="cid:logo"><img src="CID:logo2">', images).endsWith(
          '<img src="data:image/png;base64,iVBORw0KGgo="><img src="CID:logo2">',
        ),
      );
    });

    test("is within everybody's reach, light and dark, narrow and wide, and reads without script", async () => {
      const server = await open();
      await fetch(`${server.endpoint}/inbox/messages`, { method: "DELETE" });
      const context = keepOpen(await browse({ locale: "en-US" }));
      const page = await context.newPage();
      const look = async (name: string, path: string) => {
        await page.goto(`${server.endpoint}${path}`);
        for (const [width, viewport] of Object.entries(widths))
          for (const colorScheme of schemes) {
            await page.setViewportSize(viewport);
            await page.emulateMedia({ colorScheme });
            assert.deepEqual(await findings(page, colorScheme === "light" ? "every" : "colors"), [], name);
            const over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert.equal(await page.evaluate(over), 0, `${name} ${width}`);
            await picture(page, `inbox-${name}-${width}-${colorScheme}`);
          }
      };
      await look("empty", "/inbox");
      const id = await putMessage(server, {
        body: '<h2>Hello</h2><p>Your code is <b>123456</b>. <a href="https://house.example/go">Confirm</a></p>',
        replyTo: "help@house.example",
      });
      await look("one", "/inbox");
      await look("message", `/inbox/messages/${id}`);
      const short = await putMessage(server, {
        body: '<body style="background: #0d0f14; color: #fff">Short',
      });
      await look("short", `/inbox/messages/${short}`);
      const inside = page.frames().find((one) => one.url().endsWith("/html"));
      const background = "getComputedStyle(document.documentElement).backgroundColor";
      assert.equal(
        await inside?.evaluate(background),
        "rgba(0, 0, 0, 0)",
        "the body's color fills the frame",
      );
      await fetch(`${server.endpoint}/inbox/messages/${short}`, { method: "DELETE" });
      const arabic = await putMessage(server, {
        subject: "رمز التحقق الخاص بك",
        body: '<div dir="rtl">رمز التحقق الخاص بك هو 654321</div>',
        code: "654321",
      });
      await putMessage(server, { medium: "SMS", subject: "", destination: "+15550100", kind: "sign-in" });
      const wide = await putMessage(server, {
        subject: long,
        body: `<table><tr><td style="min-width: 900px">${long}</td></tr></table> https://house.example/${"y".repeat(120)}`,
        code: "A-temporary-password-that-is-long-and-goes-on-0123456789!",
        kind: "invitation",
      });
      for (let count = 0; count < 105; count++)
        await putMessage(server, { createdAt: server.clock.now - 60_000 });
      await look("many", "/inbox");
      await look("long", `/inbox/messages/${wide}`);
      await look("arabic", `/inbox/messages/${arabic}`);
      await look("search", "/inbox?q=nothing&to=somebody%40mail.example");

      const plain = keepOpen(await browse({ javaScriptEnabled: false }));
      const read = await plain.newPage();
      await read.goto(`${server.endpoint}/inbox`);
      await read.getByText("The newest 100 of 109 messages.").waitFor();
      await read.getByRole("link", { name: "Refresh automatically" }).click();
      await read.waitForURL(/refresh=on/);
      const subject = `Later ${id}`;
      await putMessage(server, { subject });
      await until("it is there after a while", async () => (await read.getByText(subject).count()) > 0);
      await read.getByRole("link", { name: subject }).click();
      await read.getByRole("button", { name: "Delete" }).click();
      await read.waitForURL(`${server.endpoint}/inbox`);
    });
  });
});
