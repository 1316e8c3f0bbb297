/** A link of another site to the gateway's sign-out, in Chromium: it asks first, and then leads to the provider and back. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { paths, startApplication } from "../gateway/place.ts";
import { scriptedPlace, signedIn } from "../gateway/scripted-place.ts";
import { browse } from "../kit/chromium.ts";

test("another site's link asks, and the button signs out at the provider, too", async () => {
  const place = await scriptedPlace("sqlite::memory:");
  const { origin, provider } = place;
  // Signs out and sends the browser back, on another origin than the gateway's.
  const { origin: goodbye } = await startApplication((incoming, outgoing) => {
    const back = new URL(incoming.url!, "http://x").searchParams.get("post_logout_redirect_uri")!;
    outgoing.writeHead(303, { location: back }).end();
  });
  provider.metadata = { end_session_endpoint: goodbye };
  const { origin: elsewhere } = await startApplication((_, outgoing) => {
    const link = `<a href="${origin}${paths.signOut}?rd=/public/bye">look here</a><img src="${origin}${paths.signOut}">`;
    outgoing.writeHead(200, { "content-type": "text/html" }).end(link);
  });
  const { jar } = await signedIn(place);
  const context = await browse();
  after(() => context.close());
  await context.addCookies([...jar].map(([name, value]) => ({ name, value, url: origin })));
  const page = await context.newPage();
  const status = async () => (await context.request.get(`${origin}${paths.session}`)).status();

  // `localhost` and 127.0.0.1 are two sites.
  await page.goto(elsewhere.replace("127.0.0.1", "localhost"));
  await page.getByText("look here").click();
  await page.getByRole("heading", { name: "Sign out" }).waitFor();
  assert.equal(await status(), 200, "neither the link nor the image signs out");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${origin}/public/bye`);
  assert.equal(await status(), 401);
});
