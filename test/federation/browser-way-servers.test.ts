/** Two servers on one database: a browser begins at one and returns to the other. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { forEachDatabase } from "../kit/databases.ts";
import { byAddress, type Started, startTestServer } from "../kit/server.ts";
import { Browser, codeIn, newPlace, queryOf, redeem } from "./browser-way.ts";

describe("two servers on one PostgreSQL", () => {
  forEachDatabase((database, _open, fresh) => {
    // An embedded database has one server.
    if (database !== "postgres") return;
    const running: Started[] = [];
    after(async () => {
      for (const { server, test: made } of running) {
        made.client.destroy();
        await server.close();
      }
    });

    test("the request may be one's, the response the other's, and only one of them takes it", async () => {
      const options = await fresh();
      const environment = {
        POOLHOUSE_PUBLIC_URL: "http://id.example.test",
        POOLHOUSE_EXTRA_HOSTS: "127.0.0.1",
        POOLHOUSE_PRIVATE_PROVIDERS: "any",
      };
      for (let at = 0; at < 2; at++)
        running.push(await startTestServer(database, async () => options, environment));
      const [one, other] = running.map((started) => byAddress(started.test));
      after(() => {
        for (const made of [one, other]) made?.client.destroy();
      });
      const place = await newPlace(one!);
      const publicBase = `${environment.POOLHOUSE_PUBLIC_URL}/${place.UserPoolId}`;
      const browser = new Browser();
      const query = queryOf(place, { identity_provider: "Upstream" });
      const there = await browser.sent(`${place.base}/oauth2/authorize?${query}`);
      const sent = new URL(there);
      // The provider knows one address of the pool: the one that a load balancer would have.
      assert.equal(sent.searchParams.get("redirect_uri"), `${publicBase}/oauth2/idpresponse`);
      const back = await browser.throughProvider(there, place.upstream, "ann");
      const path = back.slice(environment.POOLHOUSE_PUBLIC_URL.length);
      const jar = browser.jars.get(new URL(one!.endpoint).origin)!;
      browser.jars.set(new URL(other!.endpoint).origin, jar);
      const both = await Promise.all(
        [one!, other!].map(({ endpoint }) => browser.sent(`${endpoint}${path}`)),
      );
      const codes = both.filter((location) => location.startsWith("https://app.example/"));
      assert.equal(codes.length, 1, both.join(" "));
      const tokens = await redeem(place, codeIn(codes[0]!));
      assert.ok(tokens["id_token"]);
    });
  });
});
