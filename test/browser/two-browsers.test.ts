/** Two browsers, two pools, one host: who is signed in where, and what the application sees of it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { AdminSetUserPasswordCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { browse, keepOpen } from "../kit/chromium.ts";
import { needs } from "../kit/machine.ts";
import { makeClient, makePool, makeUser, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";

const otherPassword = "Other-Horse-8";

/** An application that remembers what it was asked. */
async function serveApplication() {
  const asked: Pick<IncomingMessage, "url" | "headers">[] = [];
  const server = createServer((request, response) => {
    if (!request.url?.startsWith("/favicon")) asked.push({ url: request.url, headers: request.headers });
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><html lang=en><title>Notes</title>Notes.");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  keepOpen({ close: () => server.close() });
  return { origin: `http://localhost:${(server.address() as AddressInfo).port}`, asked };
}

describe("two browsers", needs("chromium"), () => {
  forOneServer("postgres", "at two pools", (open) => {
    test("sessions never mix, addresses arrive byte by byte, and nothing is told as a referrer", async () => {
      const server = await open();
      const notes = await serveApplication();
      const path = "/cb%2Fx/%7Ey?kept=%7E&empty=";
      const callback = `${notes.origin}${path}`;
      const home = `${notes.origin}/home?from=%2F`;
      const app = {
        ClientName: "Notes",
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code" as const],
        AllowedOAuthScopes: ["openid"],
        CallbackURLs: [callback],
        LogoutURLs: [home],
      };
      const pools = [await makePool(server, {}, app), await makePool(server, {}, app)] as const;
      for (const { UserPoolId } of pools)
        for (const name of ["ann", "bob"]) await makeUser(server, UserPoolId, name);
      const [a, b] = pools;
      const Password = otherPassword;
      await server.client.send(
        new AdminSetUserPasswordCommand({
          UserPoolId: b.UserPoolId,
          Username: "ann",
          Password,
          Permanent: true,
        }),
      );
      const second = { ...a, ...(await makeClient(server, a.UserPoolId, app)) };

      const url = ({ UserPoolId, ClientId }: typeof a, more: Record<string, string> = {}) => {
        const request = {
          response_type: "code",
          client_id: ClientId,
          redirect_uri: callback,
          state: "s-1",
          ...more,
        };
        return `${server.endpoint}/${UserPoolId}/oauth2/authorize?${new URLSearchParams(request)}`;
      };
      const isAsked = async (page: Page, place: typeof a) => {
        await page.goto(url(place));
        return (await page.locator("#password").count()) === 1;
      };
      const signIn = async (page: Page, place: typeof a, name: string, secret: string) => {
        assert.ok(await isAsked(page, place), `${name} is asked`);
        await page.fill("#username", name);
        await page.fill("#password", secret);
        await page.press("#password", "Enter");
        await page.waitForURL(`${notes.origin}/**`);
        assert.ok(page.url().startsWith(`${callback}&code=`), page.url());
        assert.ok(page.url().endsWith("&state=s-1"), page.url());
      };
      /** Who the application is told has signed in; undefined: nobody. */
      const who = async (page: Page, place: typeof a): Promise<string | undefined> => {
        await page.goto(url(place, { prompt: "none" }));
        const code = new URL(page.url()).searchParams.get("code");
        if (code === null) return undefined;
        const form = {
          grant_type: "authorization_code",
          client_id: place.ClientId,
          redirect_uri: callback,
          code,
        };
        const token = `${server.endpoint}/${place.UserPoolId}/oauth2/token`;
        const answer = await fetch(token, { method: "POST", body: new URLSearchParams(form) });
        const { id_token: id = "" } = (await answer.json()) as { id_token?: string };
        return JSON.parse(Buffer.from(id.split(".")[1] ?? "", "base64url").toString())["cognito:username"];
      };

      const contexts = [await browse(), await browse()] as const;
      for (const one of contexts) keepOpen(one);
      const [one, two] = [await contexts[0].newPage(), await contexts[1].newPage()];
      await signIn(one, a, "ann", password);
      assert.equal(await isAsked(one, b), true, "who is in at one pool is nobody at the other");
      assert.equal(await isAsked(two, a), true, "nor in another browser");
      await signIn(one, b, "ann", otherPassword);
      await signIn(two, a, "bob", password);
      assert.deepEqual(
        [await who(one, a), await who(one, b), await who(two, a), await who(two, b)],
        ["ann", "ann", "bob", undefined],
      );
      assert.equal(await who(one, second), "ann", "another application of the same pool need not ask");

      // The cookies of the first browser under the names of the other pool.
      const mine = (await contexts[0].cookies()).filter(({ name }) => name.startsWith("poolhouse-"));
      assert.equal(mine.length, 2);
      for (const cookie of mine)
        assert.deepEqual(
          [cookie.httpOnly, cookie.sameSite, cookie.domain],
          [true, "Lax", "localhost"],
          cookie.name,
        );
      const ofA = mine.find(({ name }) => name.endsWith(a.UserPoolId)) ?? assert.fail("no cookie");
      await contexts[1].addCookies([{ ...ofA, name: `poolhouse-${b.UserPoolId}` }]);
      assert.equal(await who(two, b), undefined);

      const out = new URLSearchParams({ client_id: a.ClientId, logout_uri: home });
      await one.goto(`${server.endpoint}/${a.UserPoolId}/logout?${out}`);
      assert.equal(one.url(), home);
      assert.deepEqual(
        [await who(one, a), await who(one, b), await who(two, a)],
        [undefined, "ann", "bob"],
        "signing out ends this pool's session of this browser",
      );
      await one.goBack();
      assert.equal(await who(one, a), undefined);

      const told = notes.asked.filter(({ headers }) => headers.referer !== undefined);
      assert.deepEqual(told, [], "no address of ours, and no code, came along as a referrer");
      assert.ok(notes.asked.some(({ url: asked }) => asked?.startsWith(`${path}&code=`)));
    });
  });
});
