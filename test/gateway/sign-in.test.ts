/** A browser comes to an application behind the gateway, signs in, and is known there. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { forEachServer } from "../kit/server.ts";
import { annsBrowser, Browser, gatewayPlace, newStore, paths, type Seen } from "./place.ts";

forEachServer("gateway", (start, kind) => {
  for (const store of [kind, "cookies"] as const) {
    describe(`sessions in ${store}`, () => {
      test("a visitor is sent to sign in, and comes back as somebody whom the application knows", async () => {
        const place = await gatewayPlace(await start(), await newStore(store));
        const browser = annsBrowser(place);
        const first = await browser.get(`${place.origin}/articles?page=2`);
        assert.equal(first.status, 302);
        const shown = await browser.follow(`${place.origin}/articles?page=2`);
        assert.equal(shown.url, `${place.origin}/articles?page=2`);
        const seen = JSON.parse(await shown.answer.text()) as Seen;
        assert.equal(seen.headers["x-auth-request-preferred-username"], "ann");
        assert.equal(seen.headers["x-auth-request-email"], "ann@example.com");
        assert.match(seen.headers["x-auth-request-token"] ?? "", /^eyJ/);
        assert.doesNotMatch(seen.headers["cookie"] ?? "", /session/);
        const told = await browser.get(`${place.origin}${paths.session}`);
        assert.equal(told.status, 200);
        assert.equal(JSON.parse(await told.text()).username, "ann");
      });

      test("signing out ends it", async () => {
        const place = await gatewayPlace(await start(), await newStore(store));
        const browser = annsBrowser(place);
        await browser.follow(`${place.origin}/`);
        const out = await browser.get(`${place.origin}${paths.signOut}`);
        assert.equal(out.status, 303);
        assert.match(out.headers.get("location") ?? "", /\/logout\?/);
        assert.equal((await browser.get(`${place.origin}${paths.session}`)).status, 401);
        const shown = await browser.follow(out.headers.get("location")!);
        assert.match(shown.url, /\/login\?/);
      });

      test("without a session: pages lead to the sign-in, programs get 401, public paths pass", async () => {
        const place = await gatewayPlace(await start(), await newStore(store));
        const browser = new Browser();
        const page = await browser.get(`${place.origin}/`);
        assert.equal(page.status, 302);
        const program = await browser.get(`${place.origin}/`, {
          accept: "application/json",
          "sec-fetch-mode": "cors",
        });
        assert.equal(program.status, 401);
        assert.equal((await browser.get(`${place.origin}/public/logo.svg`)).status, 200);
      });

      test("a route for bearer tokens asks for one, and no sign-in helps", async () => {
        const place = await gatewayPlace(await start(), await newStore(store));
        const browser = annsBrowser(place);
        await browser.follow(`${place.origin}/`);
        for (const headers of [{}, { accept: "application/json", "sec-fetch-mode": "cors" }]) {
          const answer = await browser.get(`${place.origin}/api/x`, headers);
          assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"]);
          assert.match(await answer.text(), /This needs an access token/);
        }
      });

      test("a group that the user is not in is refused", async () => {
        const place = await gatewayPlace(await start(), await newStore(store));
        const browser = annsBrowser(place);
        await browser.follow(`${place.origin}/`);
        for (const path of ["/admin", "/admin/", "/ADMIN/x", "/admin;x=1/y", "/admin/x"])
          assert.equal((await browser.get(`${place.origin}${path}`)).status, 403, path);
      });
    });
  }
});
