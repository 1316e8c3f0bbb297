/** How many identities, and how many logins of one, there can be: over the wire, with low limits. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DeleteIdentitiesCommand } from "@aws-sdk/client-cognito-identity";
import { call } from "../kit/calls.ts";
import { refused, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { makeIdentityPool } from "./setup.ts";
import { developer, World } from "./world.ts";

const [perAddress, perLogin] = [4, 3];
const day = 86_400_000;

forEachServer(
  "limits of identities",
  (open) => {
    let made: Promise<World> | undefined;
    const world = () => (made ??= World.make(open));
    after(async () => (await made)?.client.destroy());

    test("guests of an address and day; each pool has its own count, each address, and each day", async () => {
      const w = await world();
      const poolId = await makeIdentityPool(w.client, { AllowUnauthenticatedIdentities: true });
      const another = await makeIdentityPool(w.client, { AllowUnauthenticatedIdentities: true });
      const guest = async (from: string, IdentityPoolId = poolId) => {
        const { status, type = "made" } = await call(
          w.server.endpoint,
          "GetId",
          { IdentityPoolId },
          { "x-amz-target": "AWSCognitoIdentityService.GetId", "x-forwarded-for": from },
        );
        assert.equal(status, type === "made" ? 200 : 400);
        return type;
      };
      // At once: no more are made than are allowed.
      const all = await Promise.all(Array.from({ length: perAddress + 3 }, () => guest("198.51.100.7")));
      assert.equal(all.filter((one) => one === "made").length, perAddress);
      assert.equal(all.filter((one) => one === "TooManyRequestsException").length, 3);
      assert.equal(await guest("198.51.100.7", another), "made");
      assert.equal(await guest("198.51.100.8"), "made");
      // A network of IPv6 counts as one address.
      const v6 = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:3", "2001:db8::4", "2001:db8::5"];
      const made6: string[] = [];
      for (const from of v6) made6.push(await guest(from));
      assert.deepEqual(made6, [...Array(perAddress).fill("made"), "TooManyRequestsException"]);
      assert.equal(await guest("2001:db8:0:1::1"), "made");
      w.server.clock.advance(day);
      assert.equal(await guest("198.51.100.7"), "made");
    });

    test("identities of a login and day: what is deleted or unlinked is counted, too", async () => {
      const w = await world();
      w.client.config.systemClockOffset = w.server.clock.now - Date.now();
      const login = await w.login(0);
      for (let n = 0; n < perLogin; n++) {
        const id = await w.id(login);
        assert.equal(await w.id(login), id, "it is counted once");
        if (n % 2 === 0) await w.unlink(id, Object.keys(login), login);
        else await w.client.send(new DeleteIdentitiesCommand({ IdentityIdsToDelete: [id] }));
      }
      await assert.rejects(w.id(login), refused("TooManyRequestsException"));
      assert.ok(await w.id(await w.login(0)), "others are not concerned");
    });

    test("a login that comes for the first time, many times at once, is counted once", async () => {
      const w = await world();
      for (let round = 0; round < 2; round++) {
        const login = await w.login(0);
        const ids = await Promise.all(Array.from({ length: perLogin + 7 }, () => w.id(login)));
        assert.equal(new Set(ids).size, 1);
        const [id = ""] = ids;
        for (let n = 2; n <= perLogin; n++) {
          await w.unlink(await w.id(login), Object.keys(login), login);
          assert.notEqual(await w.id(login), id);
        }
        await w.unlink(await w.id(login), Object.keys(login), login);
        await assert.rejects(w.id(login), refused("TooManyRequestsException"));
      }
    });

    test("an identity has twenty logins at most, also of requests at once", async () => {
      const w = await world();
      const { id } = await w.vouch(unique("dev"));
      for (let n = 2; n <= 17; n++) await w.vouch(unique("dev"), id);
      const more = await Promise.allSettled(Array.from({ length: 6 }, () => w.vouch(unique("dev"), id)));
      assert.equal(more.filter(({ status }) => status === "fulfilled").length, 3);
      for (const one of more)
        if (one.status === "rejected") assert.equal(one.reason.name, "ResourceConflictException");
      assert.equal((await w.namesOf(id)).length, 20);
      const full = refused("ResourceConflictException", "An identity has at most 20 logins.");
      await assert.rejects(w.vouch(unique("dev"), id), full);
      await assert.rejects(w.vouch((await w.namesOf(id))[0]!, id, await w.login(1)), full);
      const other = unique("dev");
      const { id: otherId } = await w.vouch(other);
      await assert.rejects(w.merge(other, (await w.namesOf(id))[0]!), full);
      assert.equal((await w.vouch(other)).id, otherId, "what could not be merged is as it was");
      assert.deepEqual(await w.loginsOf(id), [developer]);
    });
  },
  {
    POOLHOUSE_TRUSTED_PROXIES: "127.0.0.0/8,::1",
    POOLHOUSE_LIMITS: `guests-per-address=${perAddress},identities-per-login=${perLogin}`,
  },
);
