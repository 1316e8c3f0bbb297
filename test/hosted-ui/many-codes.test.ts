/**
 * How many codes one browser sign-in is good for: beyond that the client gets an error, or the pages ask again, and a
 * new sign-in continues.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeUser, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import {
  type App,
  callback,
  makeApp,
  newVisitor,
  queryOf,
  rawState,
  type Shown,
  type Visitor,
} from "./visitor.ts";

const most = 3;

forOneServer(
  "postgres",
  "many codes for one sign-in",
  (open) => {
    async function town(): Promise<{ app: App; browser: () => Visitor; endpoint: string }> {
      const server = await open();
      const app = await makeApp(server, {}, { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] });
      await makeUser(server, app.UserPoolId, "ann");
      return { app, browser: () => newVisitor(server, app), endpoint: server.endpoint };
    }

    const signIn = async (browser: Visitor, app: App): Promise<Shown> =>
      browser.submit(await browser.get(`/login?${queryOf(app)}`), "/login", { username: "ann", password });

    const authorize = (browser: Visitor, app: App, more: Record<string, string> = {}) =>
      browser.get(`/oauth2/authorize?${queryOf(app, more)}`);

    const answerIn = ({ location }: Shown) => {
      assert.ok(location.startsWith(callback), location);
      assert.ok(location.endsWith(`&state=${rawState}`), location);
      return new URL(location).searchParams;
    };

    /** Signed in, with no codes left. */
    async function usedUp(browser: Visitor, app: App): Promise<void> {
      assert.ok(answerIn(await signIn(browser, app)).has("code"));
      for (let turn = 1; turn < most; turn++)
        assert.ok(answerIn(await authorize(browser, app, { prompt: "none" })).has("code"));
    }

    test("prompt=none is told so at the redirect URI, with state and iss", async () => {
      const { app, browser, endpoint } = await town();
      const ann = browser();
      await usedUp(ann, app);
      for (let turn = 0; turn < 2; turn++) {
        const answer = answerIn(await authorize(ann, app, { prompt: "none" }));
        assert.equal(answer.get("error"), "temporarily_unavailable");
        assert.ok(!answer.has("code"));
        assert.ok(answer.get("iss")?.startsWith(endpoint.replace("127.0.0.1", "localhost")));
      }
    });

    test("it is nobody else's sign-in, nor another browser's of the same user", async () => {
      const { app, browser } = await town();
      const [ann, other] = [browser(), browser()];
      assert.ok(answerIn(await signIn(other, app)).has("code"));
      await usedUp(ann, app);
      assert.ok(answerIn(await authorize(other, app, { prompt: "none" })).has("code"));
      assert.ok(answerIn(await signIn(browser(), app)).has("code"), "a browser that is new");
    });

    test("without prompt=none the pages ask, and who signs in anew goes on, in the same browser too", async () => {
      const { app, browser } = await town();
      const ann = browser();
      await usedUp(ann, app);
      const asked = await authorize(ann, app);
      assert.match(asked.location, /\/login\?/);
      const shown = await ann.get(asked.location);
      assert.ok(shown.forms.length > 0, shown.text);
      const again = await ann.submit(shown, "/login", { continue: "1" });
      const done = await ann.submit(again, "/login", { username: "ann", password });
      assert.ok(answerIn(done).has("code"));
      assert.ok(answerIn(await authorize(ann, app, { prompt: "none" })).has("code"));
    });

    test("a cookie that was stolen keeps nobody out", async () => {
      const { app, browser } = await town();
      const [ann, thief] = [browser(), browser()];
      await signIn(ann, app);
      for (const [name, value] of ann.cookies) thief.cookies.set(name, value);
      for (let turn = 0; turn < 2 * most; turn++) await authorize(thief, app, { prompt: "none" });
      assert.equal(
        answerIn(await authorize(ann, app, { prompt: "none" })).get("error"),
        "temporarily_unavailable",
      );
      const another = await ann.post(`/login?${queryOf(app)}`, { another: "1" });
      const done = await ann.submit(another, "/login", { username: "ann", password });
      assert.ok(answerIn(done).has("code"));
    });
  },
  { POOLHOUSE_LIMITS: `authorization-codes=${most}` },
);
