/** Amplify, unmodified, in Chromium, over TLS: people sign in through other identity providers. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { GetTokensFromRefreshTokenCommand } from "@aws-sdk/client-cognito-identity-provider";
import { Application } from "../browser/amplify.ts";
import { needs } from "../kit/machine.ts";
import { refused } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { trustedTls } from "../kit/tls.ts";
import {
  cancel,
  confirmLeaving,
  enterOpenId,
  enterSaml,
  type PlaceWithPages,
  placeWithPages,
  scopes,
} from "./provider-pages.ts";

const { environment, flags } = await trustedTls();
const nobody = refused("UserUnAuthenticatedException");
/** What Amplify's Hub tells of a sign-in that the application got an error of. */
const failure = (message: string) => ({
  event: "signInWithRedirect_failure",
  data: { name: "OAuthSignInException", message },
});

describe("Amplify in Chromium, through other identity providers", needs("chromium"), () => {
  forOneServer(
    "sqlite",
    "with a server",
    (open) => {
      let made: Promise<{ app: Application; place: PlaceWithPages }> | undefined;
      // Before the server's own end, which waits for the browser's connections.
      after(async () => (await made)?.app.close());

      /** The application, to which nobody has come yet. */
      async function come() {
        const server = await open();
        made ??= (async () => {
          const app = await Application.open(flags);
          return { app, place: await placeWithPages(server, app.url) };
        })();
        const { app, place } = await made;
        await app.visit(server, place, { scopes });
        return { server, app, place, page: app.page };
      }

      type World = Awaited<ReturnType<typeof come>>;
      const arrive = (app: Application) => app.told("signedIn");

      async function assertRevoked({ server, place: { ClientId } }: World, RefreshToken: string | undefined) {
        await assert.rejects(
          server.client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken })),
          refused("NotAuthorizedException"),
        );
      }

      test("provider: Google, with a state of the application's own", async () => {
        const world = await come();
        const { app, page, place } = world;
        const customState = "to /notes?id=7&tab=a-b é%";
        await app.leave("signInWithRedirect", { provider: "Google", customState });
        await enterOpenId(page, "ann");
        const told = await arrive(app);
        assert.deepEqual(
          told.map(({ event }) => event),
          ["customOAuthState", "signInWithRedirect", "signedIn"],
        );
        assert.equal(told[0]?.data, customState);
        assert.equal(page.url(), app.url, "the code does not stay in the address");
        const { tokens } = await app.call("fetchAuthSession");
        const claims = tokens?.idToken?.payload ?? assert.fail("no ID token");
        const { username, userId } = await app.call("getCurrentUser");
        assert.deepEqual([username, userId], ["Google_ann", claims.sub]);
        assert.equal(claims["cognito:username"], "Google_ann");
        assert.deepEqual(claims["cognito:groups"], [`${place.UserPoolId}_Google`]);
        assert.deepEqual(tokens?.accessToken.payload["cognito:groups"], claims["cognito:groups"]);
        const [identity, ...others] = claims["identities"] as Record<string, unknown>[];
        assert.deepEqual(others, []);
        assert.match(String(identity?.["dateCreated"]), /^\d{13}$/);
        assert.deepEqual(identity, {
          ...{ userId: "ann", providerName: "Google", providerType: "Google", issuer: null, primary: "true" },
          dateCreated: identity?.["dateCreated"],
        });
        const { identities, ...attributes } = await app.call("fetchUserAttributes");
        assert.deepEqual(attributes, {
          ...{ sub: claims.sub, email: "ann@example.com", email_verified: "true", name: "ann Example" },
        });
        assert.equal(JSON.parse(String(identities))[0].providerName, "Google");
        const fresh = (await app.call("fetchAuthSession", { forceRefresh: true })).tokens;
        assert.equal(fresh?.accessToken.payload["origin_jti"], tokens?.accessToken.payload["origin_jti"]);
        assert.notEqual(fresh?.accessToken.payload.jti, tokens?.accessToken.payload.jti);
        assert.deepEqual(fresh?.idToken?.payload["identities"], claims["identities"]);
        await assert.rejects(
          app.call("updatePassword", { oldPassword: "Correct-Horse-7", newPassword: "Another-Horse-8" }),
          refused("NotAuthorizedException", "Incorrect username or password."),
        );
        assert.equal((await app.call("fetchUserAttributes")).sub, claims.sub, "still signed in");
      });

      test("provider: custom, of OpenID; signing out everywhere goes on to the provider", async () => {
        const world = await come();
        const { app, page, place } = world;
        const start = () => app.leave("signInWithRedirect", { provider: { custom: "Corporate" } });
        await start();
        await enterOpenId(page, "ann");
        await arrive(app);
        assert.equal((await app.call("getCurrentUser")).username, "Corporate_ann");
        const RefreshToken = await app.stored("refreshToken");
        await app.signOut({ global: true }, async () => {
          await page.waitForURL(`${place.at.Corporate}/session/end*`);
          await confirmLeaving(page);
        });
        await assert.rejects(app.call("getCurrentUser"), nobody);
        await assertRevoked(world, RefreshToken);
        await start();
        // The provider has forgotten the browser.
        await enterOpenId(page, "ben");
        await arrive(app);
        assert.equal((await app.call("getCurrentUser")).username, "Corporate_ben");
      });

      test("provider: an identifier of one of SAML; signing out goes on to the provider", async () => {
        const world = await come();
        const { app, page, place } = world;
        await app.leave("signInWithRedirect", { provider: { idpIdentifier: "campus.example" } });
        await page.waitForURL(`${place.at.Campus}sso?*`);
        await enterSaml(page, "1001");
        await arrive(app);
        const { tokens } = await app.call("fetchAuthSession");
        const claims = tokens?.idToken?.payload ?? assert.fail("no ID token");
        const [identity] = claims["identities"] as Record<string, unknown>[];
        assert.deepEqual([identity?.["providerType"], identity?.["userId"]], ["SAML", "1001"]);
        assert.deepEqual(claims["cognito:groups"], [`${place.UserPoolId}_Campus`]);
        assert.equal((await app.call("fetchUserAttributes")).email, "ann@example.com");
        const RefreshToken = await app.stored("refreshToken");
        const asked = page.waitForRequest(`${place.at.Campus}slo?SAMLRequest=*`);
        await app.signOut();
        await asked;
        await assertRevoked(world, RefreshToken);
        await app.leave("signInWithRedirect", { provider: { custom: "Campus" } });
        await enterSaml(page, "1002");
        await arrive(app);
        assert.equal((await app.call("getCurrentUser")).username, "Campus_1002");
      });

      test("by a button of the sign-in page; a session that is left is used again, silently", async () => {
        const { app, page, place } = await come();
        await app.leave("signInWithRedirect");
        await page.waitForURL(`${place.base}/login?*`);
        await page.getByRole("link", { name: /^Continue with \W?Google/ }).click();
        await enterOpenId(page, "ann");
        await arrive(app);
        await page.evaluate("localStorage.clear()");
        await page.reload();
        await assert.rejects(app.call("getCurrentUser"), nobody);
        await app.leave("signInWithRedirect", { options: { prompt: "NONE" } });
        await arrive(app);
        assert.equal((await app.call("getCurrentUser")).username, "Google_ann");
        // Without IDPSignout the provider keeps its session, as with Cognito: only the one here ends.
        await app.signOut();
        await app.leave("signInWithRedirect", { options: { prompt: "NONE" } });
        const told = await app.told("signInWithRedirect_failure");
        assert.deepEqual(told, [failure("The user is not signed in.")]);
        await app.leave("signInWithRedirect", { provider: "Google" });
        await arrive(app);
      });

      test("who turns back at the provider has failed to sign in, and can try again", async () => {
        const { app, page } = await come();
        await app.leave("signInWithRedirect", { provider: "Google", options: { loginHint: "ann" } });
        await page.waitForSelector('[name=login][value="ann"]');
        await cancel(page);
        const told = await app.told("signInWithRedirect_failure");
        assert.deepEqual(told, [failure("End-User aborted interaction")]);
        await assert.rejects(app.call("getCurrentUser"), nobody);
        await app.leave("signInWithRedirect", { provider: "Google" });
        await enterOpenId(page, "ann");
        await arrive(app);
      });
    },
    environment,
  );
});
