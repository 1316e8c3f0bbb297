/** A signature that was verified once is not verified again; everything else about its token is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GetUserCommand, GlobalSignOutCommand } from "@aws-sdk/client-cognito-identity-provider";
import { importedKeys } from "../../src/domain/tokens/signing-keys.ts";
import { makePool, makeUser, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const refused = (message: string) => ({ name: "NotAuthorizedException", message });

async function signedIn(server: TestServer) {
  const pool = await makePool(server);
  await makeUser(server, pool.UserPoolId, "alice");
  const { AccessToken } = await signIn(server, pool.ClientId, "alice");
  const getUser = (token = AccessToken) => server.client.send(new GetUserCommand({ AccessToken: token }));
  await getUser();
  await getUser();
  return { pool, AccessToken, getUser };
}

/** The token with one character of a part exchanged. */
function altered(token: string, part: 0 | 1 | 2): string {
  const parts = token.split(".");
  const at = Math.floor(parts[part]!.length / 2);
  const other = parts[part]![at] === "A" ? "B" : "A";
  parts[part] = parts[part]!.slice(0, at) + other + parts[part]!.slice(at + 1);
  return parts.join(".");
}

forOneServer("postgres", "verified tokens", (open) => {
  test("another token of the same claims or the same signature is not the one that was verified", async () => {
    const { AccessToken, getUser } = await signedIn(await open());
    for (const part of [0, 1, 2] as const) {
      await assert.rejects(getUser(altered(AccessToken, part)), refused("Invalid Access Token"));
    }
    await assert.rejects(getUser(`${AccessToken}=`), refused("Invalid Access Token"));
  });

  test("its time runs out", async () => {
    const server = await open();
    const { getUser } = await signedIn(server);
    server.clock.advance(3_580_000);
    await getUser();
    server.clock.advance(21_000);
    await assert.rejects(getUser(), refused("Access Token has expired"));
  });

  test("a sign-out is seen at the next call", async () => {
    const server = await open();
    const { AccessToken, getUser } = await signedIn(server);
    await server.client.send(new GlobalSignOutCommand({ AccessToken }));
    await assert.rejects(getUser(), refused("Access Token has been revoked"));
  });

  test("a key that the pool has no longer verifies nothing", async () => {
    const server = await open();
    const { pool, getUser } = await signedIn(server);
    const { kysely } = server.app.db;
    await kysely.deleteFrom("signing_keys").where("pool_id", "=", pool.UserPoolId).execute();
    server.app.caches.of(importedKeys).clear();
    await assert.rejects(getUser(), refused("Invalid Access Token"));
  });
});
