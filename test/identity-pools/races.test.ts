/** What several requests do to an identity, or to its pool, at the same time; and that one request is done as a whole. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DeleteIdentityPoolCommand, UnlinkDeveloperIdentityCommand } from "@aws-sdk/client-cognito-identity";
import { refused, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { makeIdentityPool } from "./setup.ts";
import { developer, forbidden, type Logins, World } from "./world.ts";

const outcomes = async (all: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(all)).map((one) => (one.status === "rejected" ? one.reason.name : "done"));

forEachServer("identities, at once", (open) => {
  let made: Promise<World> | undefined;
  const world = () => (made ??= World.make(open));
  after(async () => (await made)?.client.destroy());

  /** An identity with a login of each user pool and two users of the developer. */
  const someone = async (w: World) => {
    const [one, two] = [await w.login(0), await w.login(1)];
    const id = await w.id({ ...one, ...two });
    const users = [unique("dev"), unique("dev")];
    for (const user of users) await w.vouch(user, id);
    return { id, one, two, users };
  };
  const names = (...logins: Logins[]) => logins.flatMap((login) => Object.keys(login));

  test("of several logins all are unlinked, or none", async () => {
    const w = await world();
    const { id, one, two, users } = await someone(w);
    const before = await w.loginsOf(id);
    const unknown = refused(
      "ResourceNotFoundException",
      "The identity has no login of 'graph.facebook.com'.",
    );
    await assert.rejects(w.unlink(id, [...names(one, two), "graph.facebook.com"], one), unknown);
    await assert.rejects(w.unlink(id, ["graph.facebook.com", ...names(one, two)], one), unknown);
    assert.deepEqual(await w.loginsOf(id), before);
    assert.equal(await w.id(two), id);
    // A name that is given twice, in either form, is one; of a developer's users all are meant.
    const [name = ""] = names(two);
    const { host } = new URL(w.server.app.config.publicUrl);
    await w.unlink(id, [name, name, name.replace(/^[^/]*/, host), developer], one);
    assert.deepEqual(await w.loginsOf(id), names(one));
    assert.deepEqual(await w.namesOf(id), []);
    for (const user of users) assert.notEqual((await w.vouch(user)).id, id);
    assert.notEqual(await w.id(two), id);
  });

  test("two who unlink the same logins: one does it", async () => {
    const w = await world();
    const { id, one, two } = await someone(w);
    const both = await outcomes([w.unlink(id, names(two), one), w.unlink(id, names(two), one)]);
    assert.deepEqual(both.sort(), ["ResourceNotFoundException", "done"]);
    assert.deepEqual(await w.loginsOf(id), [...names(one), developer].sort());
  });

  test("two who unlink the last two logins leave the identity to nobody", async () => {
    const w = await world();
    for (let round = 0; round < 3; round++) {
      const [one, two] = [await w.login(0), await w.login(1)];
      const id = await w.id({ ...one, ...two });
      const both = await outcomes([w.unlink(id, names(one), one), w.unlink(id, names(two), two)]);
      assert.deepEqual(both, ["done", "done"]);
      assert.deepEqual(await w.loginsOf(id), []);
      await assert.rejects(w.use(id, one), forbidden);
      for (const login of [one, two]) assert.notEqual(await w.id(login), id);
    }
  });

  test("unlinking and linking: no login is left at an identity that is disabled", async () => {
    const w = await world();
    for (let round = 0; round < 3; round++) {
      const [one, two] = [await w.login(0), await w.login(1)];
      const id = await w.id(one);
      await outcomes([w.unlink(id, names(one), one), w.use(id, { ...one, ...two })]);
      const left = await w.loginsOf(id);
      // Either the second login came first, and is left, or both belong to others now.
      if (left.length === 0) await assert.rejects(w.use(id, two), forbidden);
      else assert.equal(await w.id(two), id);
      for (const login of [one, two]) assert.equal(await w.use(await w.id(login), login), await w.id(login));
    }
  });

  test("a developer's last user is unlinked by one of several", async () => {
    const w = await world();
    const user = unique("dev");
    const { id } = await w.vouch(user);
    const unlink = () =>
      w.client.send(
        new UnlinkDeveloperIdentityCommand({
          ...{ IdentityPoolId: w.poolId, IdentityId: id },
          ...{ DeveloperProviderName: developer, DeveloperUserIdentifier: user },
        }),
      );
    assert.deepEqual((await outcomes([unlink(), unlink(), unlink()])).sort(), [
      "ResourceNotFoundException",
      "ResourceNotFoundException",
      "done",
    ]);
    assert.notEqual((await w.vouch(user)).id, id);
  });

  test("merging in both directions ends in one identity", async () => {
    const w = await world();
    for (let round = 0; round < 3; round++) {
      const [one, two] = [unique("dev"), unique("dev")];
      const ids = [(await w.vouch(one)).id, (await w.vouch(two)).id];
      const merged = await Promise.allSettled([w.merge(one, two), w.merge(two, one)]);
      for (const each of merged) if (each.status === "fulfilled") assert.ok(ids.includes(each.value));
      const [first, second] = [(await w.vouch(one)).id, (await w.vouch(two)).id];
      assert.equal(first, second);
      assert.deepEqual(await w.namesOf(first), [one, two].sort());
    }
  });

  test("a pool that is deleted while it makes identities leaves none", async () => {
    const w = await world();
    const { db } = w.server.app;
    for (let round = 0; round < 4; round++) {
      const poolId = await makeIdentityPool(w.client, {
        AllowUnauthenticatedIdentities: true,
        DeveloperProviderName: developer,
      });
      const pool = w.of(poolId);
      const { id } = await pool.vouch("first");
      const remove = w.client.send(new DeleteIdentityPoolCommand({ IdentityPoolId: poolId }));
      const makers = Array.from({ length: 12 }, (_, n) =>
        [() => pool.id(), () => pool.vouch(`user ${n}`), () => pool.vouch(`more ${n}`, id)][n % 3]!(),
      );
      const done = await outcomes(makers);
      await remove;
      const expected = new Set(["done", "ResourceNotFoundException", "ResourceConflictException"]);
      assert.deepEqual(
        done.filter((name) => !expected.has(name)),
        [],
      );
      for (const table of ["identities", "identity_logins"] as const) {
        const rows = db.kysely.selectFrom(table).selectAll().where("pool_id", "=", poolId);
        assert.deepEqual(await rows.execute(), [], table);
      }
      await assert.rejects(pool.id(), refused("ResourceNotFoundException"));
    }
  });
});
