/** The secrets of identity providers are in the answers of those who may read them, and nowhere else. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UpdateIdentityProviderCommand } from "@aws-sdk/client-cognito-identity-provider";
import { sql } from "kysely";
import type { Db } from "../../src/store/db.ts";
import { readProvider } from "../../src/store/identity-providers.ts";
import { readSamlKey } from "../../src/store/saml-keys.ts";
import { signed } from "../kit/calls.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { makePool } from "../kit/people.ts";
import { createProvider, describeProvider, least, providerTypes, providerWith } from "../kit/providers.ts";
import { startTestServer } from "../kit/server.ts";

/** Everything in the database, as text: bytes are Latin letters. */
async function everything(db: Db): Promise<string> {
  const tables = await db.kysely.introspection.getTables();
  let text = "";
  for (const { name } of tables) {
    const { rows } = await sql`select * from ${sql.table(name)}`.execute(db.kysely);
    text += JSON.stringify(rows, (_, value: unknown) =>
      value instanceof Uint8Array || (value as { type?: unknown } | null)?.type === "Buffer"
        ? Buffer.from((value as { data?: number[] }).data ?? (value as Uint8Array)).toString("latin1")
        : value,
    );
  }
  return text;
}

describe("secrets of identity providers", () => {
  forEachDatabase((database, _open, fresh) => {
    test("they are sealed in the database, and in no log, event or message", async () => {
      const lines: unknown[] = [];
      const { server, test: running } = await startTestServer(database, fresh, {}, {}, (line) =>
        lines.push(line),
      );
      const { client, app } = running;
      try {
        const { UserPoolId } = await makePool(running);
        for (const type of providerTypes)
          await createProvider(
            running,
            UserPoolId,
            type === "OIDC" ? providerWith("OIDC", { client_secret: "s3cret-of-app" }) : least[type],
          );
        const key = { UserPoolId, ProviderName: "Google" };
        const { ProviderDetails } = await describeProvider(running, UserPoolId, "Google");
        assert.equal(ProviderDetails?.["client_secret"], "s3cret-of-app");
        const next = { ...ProviderDetails, client_secret: "s3cret-of-app-2" };
        await client.send(new UpdateIdentityProviderCommand({ ...key, ProviderDetails: next }));
        assert.equal(
          (await readProvider(app.db, UserPoolId, "Google"))?.secrets["client_secret"],
          "s3cret-of-app-2",
        );
        // Refused ones, too.
        const wrong = { client_secret: "s3cret-of-app-3", none: "s3cret-of-app-4" };
        const tooLong = { client_secret: `s3cret-of-app-5${"x".repeat(131_072)}` };
        for (const given of [wrong, tooLong]) {
          const answer = await signed(running, "UpdateIdentityProvider", { ...key, ProviderDetails: given });
          assert.equal(answer.type, "InvalidParameterException");
          assert.ok(!JSON.stringify(answer.body).includes("s3cret"), answer.message);
        }
        await app.audit.flush();
        const stored = await everything(app.db);
        // The events are there, by the names of what they are about.
        assert.match(stored, /UpdateIdentityProvider/);
        assert.match(stored, /ProviderDetails/);
        const signing = await readSamlKey(app.db, UserPoolId, "Campus");
        const secrets = [
          "s3cret-of-app",
          "k3y-of-team",
          signing?.privateKey.split("\n").at(-4) ?? assert.fail("no key"),
        ];
        const logged = JSON.stringify(lines);
        assert.match(logged, /UpdateIdentityProvider/);
        for (const secret of secrets) {
          assert.ok(!stored.includes(secret), `${secret} in the database`);
          assert.ok(!logged.includes(secret), `${secret} in the log`);
        }
      } finally {
        client.destroy();
        await server.close();
      }
    });
  });
});
