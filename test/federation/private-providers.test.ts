/** The setting private-providers: whether a provider in the server's own network is asked. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { forEachServer } from "../kit/server.ts";
import { type OwnProvider, ourClient, ourSecret, startOwnProvider } from "./own-provider.ts";
import { begin, newField, refusal } from "./support.ts";

const running: OwnProvider[] = [];
after(() => {
  for (const one of running) one.close();
});

/** Further settings of a server that listens on loopback, and whether it asks providers on its machine. */
const servers: [settings: Readonly<Record<string, string>>, asks: boolean][] = [
  [{}, true],
  [{ POOLHOUSE_EXTRA_HOSTS: "auth.example.com" }, false],
  [{ POOLHOUSE_EXTRA_HOSTS: "auth.example.com", POOLHOUSE_PRIVATE_PROVIDERS: "10.0.0.0/8" }, false],
  [{ POOLHOUSE_EXTRA_HOSTS: "auth.example.com", POOLHOUSE_PRIVATE_PROVIDERS: "10.0.0.0/8, 127.0.0.1" }, true],
  [{ POOLHOUSE_EXTRA_HOSTS: "auth.example.com", POOLHOUSE_PRIVATE_PROVIDERS: "any" }, true],
];

for (const [settings, asks] of servers)
  forEachServer(
    `providers on this machine, with ${JSON.stringify(settings)}`,
    (open, database) => {
      // What is asked depends on no database.
      if (database !== "sqlite") return;
      test(asks ? "are asked" : "are not asked", async () => {
        const own = await startOwnProvider();
        running.push(own);
        const server = await open();
        const field = await newField(server);
        const details = { oidc_issuer: own.issuer, client_id: ourClient, client_secret: ourSecret };
        const provider = field.provider("OIDC", details);
        const { outbound } = server.app;
        if (asks) {
          await begin(field, provider);
          assert.equal(outbound.wrongUrl(own.issuer), undefined);
          return;
        }
        assert.equal(
          await refusal(begin(field, provider)),
          `invalid_request: ${provider.name} Error - the address of the discovery document is not allowed`,
        );
        assert.match(outbound.wrongUrl(own.issuer) ?? "", /^(?:must be an https URL|leads to an address)/);
        assert.deepEqual(own.seen, []);
      });
    },
    settings,
  );
