/**
 * `npm run test:saml-providers`, the second part: a sign-in and both ways to sign out with LemonLDAP::NG, in Chromium. It is not skipped
 * where that is not installed, but fails.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keepOpen } from "../kit/chromium.ts";
import { forEachServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { enterAtLemonldap, type Lemonldap, rose, startLemonldap } from "./lemonldap.ts";
import {
  atCampus,
  attributesFrom,
  authorizeUrl,
  isSignedIn,
  logoutUrl,
  newSamlPlace,
  openBrowser,
  refreshError,
  tokensAt,
  userOf,
} from "./saml-browser.ts";

const mapping = { email: "mail", name: "displayName" };

forEachServer("LemonLDAP::NG", (open) => {
  test("a sign-in with a signed request, and signing out here and there", async () => {
    const server = await open();
    let lemon: Lemonldap | undefined;
    const knowing = async (metadataUrl: string) => {
      lemon = keepOpen(await startLemonldap(await (await fetch(metadataUrl)).text()));
      return { MetadataFile: await lemon.metadata(), IDPSignout: "true" };
    };
    const place = await newSamlPlace(server, knowing, { attributes: mapping });
    const { page } = await openBrowser();
    const signIn = async () => {
      await page.goto(authorizeUrl(place, atCampus));
      await enterAtLemonldap(page, rose.name);
      return tokensAt(page, place);
    };
    await page.goto(authorizeUrl(place, atCampus));
    await enterAtLemonldap(page, rose.name, "wrong");
    await enterAtLemonldap(page, rose.name);
    const tokens = await tokensAt(page, place);
    assert.equal(userOf(tokens), `Campus_${rose.mail}`);
    const { email, name } = await attributesFrom(place, tokens);
    assert.deepEqual({ email, name }, { email: rose.mail, name: rose.fullName });

    await page.goto(logoutUrl(place));
    await page.waitForURL(place.goodbye);
    assert.equal(await isSignedIn(page, place), false);

    const again = await signIn();
    assert.equal(await isSignedIn(page, place), true);
    await page.goto(lemon?.signOutUrl ?? assert.fail());
    await until(
      "the provider has told the pool",
      async () => (await refreshError(place, again)) === "invalid_grant",
    );
    assert.equal(await isSignedIn(page, place), false);
  });
});
