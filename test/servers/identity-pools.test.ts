/**
 * Identity pools of two servers on one PostgreSQL: what is made, linked, changed and revoked at one is so at the other, and
 * what comes to both at the same moment has one outcome. The same tests pass with one server, on SQLite.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  DeleteIdentityPoolCommand,
  DescribeIdentityPoolCommand,
  GetCredentialsForIdentityCommand,
  GetOpenIdTokenCommand,
  SetIdentityPoolRolesCommand,
  UpdateIdentityPoolCommand,
} from "@aws-sdk/client-cognito-identity";
import { DescribeUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { decodeProtectedHeader } from "jose";
import { rotateIdentityKeys } from "../../src/domain/identities/rotate-identity-keys.ts";
import { revokeCredentials } from "../../src/domain/identity-pools/manage-identity-pools.ts";
import { removeRole, revokeSessions } from "../../src/domain/roles/manage-roles.ts";
import { publishedBeforeSigning } from "../../src/domain/tokens/rotate-keys.ts";
import { readRole, updateRole } from "../../src/store/roles.ts";
import { type House, start } from "../clients/house.ts";
import {
  allowing,
  forClient,
  makeIdentityPool,
  makeRole,
  providerOf,
  trusting,
} from "../identity-pools/setup.ts";
import { stsClient } from "../identity-pools/sts-setup.ts";
import { developer, forbidden, World } from "../identity-pools/world.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { refused, unique } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";

const minute = 60_000;

describe("identity pools of two servers", () => {
  forEachDatabase((database, _open, fresh) => {
    let house: House;
    let offset = 0;
    const clock = () => Date.now() + offset;
    /** One server, the other, and one after the other. */
    let [one, two] = [] as unknown as [World, World];
    const both = () => [one, two] as const;
    before(async () => {
      house = await start(fresh, database === "postgres" ? 2 : 1, clock);
      const servers = [house.servers[0]!, house.servers.at(-1)!].map(({ app }, index) => ({
        ...{ app, endpoint: `http://localhost:${app.config.port}`, client: house.sdks.at(-index)! },
      })) as unknown as [TestServer, TestServer];
      one = await World.make(async () => servers[0]);
      two = one.at(servers[1]);
    });
    after(async () => {
      for (const { client } of both()) client.destroy();
      await house.close();
    });
    const advance = (milliseconds: number) => {
      offset += milliseconds;
      for (const { client } of both()) client.config.systemClockOffset = offset;
      for (const sdk of house.sdks) sdk.config.systemClockOffset = offset;
    };

    /** Whether credentials count at each of the servers, and what refuses them if not. */
    const countAt = async (credentials: ReturnType<typeof forClient>) =>
      Promise.all(
        both().map(async ({ server }) => {
          const sts = stsClient(server, { credentials, systemClockOffset: offset });
          const found = await sts.send(new GetCallerIdentityCommand({})).then(
            () => "counts",
            (error: Error) => error.name,
          );
          sts.destroy();
          return found;
        }),
      );
    const everywhere = (what: string) => [what, what];
    const credentialsOf = async (w: World, IdentityId: string, Logins?: Record<string, string>) => {
      const command = new GetCredentialsForIdentityCommand({ IdentityId, Logins });
      return forClient((await w.client.send(command)).Credentials);
    };

    test("the identity comes from one, credentials from the other, and they count at both", async () => {
      const login = await one.login(0);
      const id = await one.id(login);
      assert.deepEqual(await countAt(await credentialsOf(two, id, login)), everywhere("counts"));
      const guest = await two.id();
      assert.deepEqual(await countAt(await credentialsOf(one, guest)), everywhere("counts"));
      assert.equal(await two.use(guest, login), id, "a guest of one is known at the other");
    });

    test("a login that comes to both at the same moment has one identity", async () => {
      for (let round = 0; round < 4; round++) {
        const [first, second] = [await one.login(0), await two.login(1)];
        const ids = await Promise.all([1, 2, 3].flatMap(() => both().map((w) => w.id(first))));
        assert.equal(new Set(ids).size, 1);
        const user = unique("dev");
        const vouched = await Promise.all([1, 2, 3].flatMap(() => both().map((w) => w.vouch(user))));
        assert.equal(new Set(vouched.map(({ id }) => id)).size, 1);
        // Two new ones, in either order.
        const [third, fourth] = [await one.login(0), await two.login(1)];
        const crossed = await Promise.all(
          [1, 2, 3].flatMap(() => [one.id({ ...third, ...fourth }), two.id({ ...fourth, ...third })]),
        );
        assert.equal(new Set(crossed).size, 1);
        // With a further login at one of them: that is linked, whichever comes first.
        const [a, b] = await Promise.all([one.id(second), two.id({ ...first, ...second })]);
        const owners = new Set(await Promise.all([one.id(second), two.id(second), one.id(first)]));
        assert.equal(owners.size, 1, `${a} ${b}`);
      }
    });

    test("a guest becomes one of two who sign in at once, at one server each", async () => {
      for (let round = 0; round < 4; round++) {
        const guest = await one.id();
        const logins = [await one.login(0), await two.login(0)] as const;
        const used = await Promise.allSettled([one.use(guest, logins[0]), two.use(guest, logins[1])]);
        assert.equal(used.filter(({ status }) => status === "fulfilled").length, 1);
        const owners = await Promise.all(logins.map((login) => two.id(login)));
        assert.equal(owners.filter((id) => id === guest).length, 1);
        assert.equal(new Set(owners).size, 2);
      }
    });

    test("linking and merging at both ends in one identity with everything", async () => {
      for (let round = 0; round < 4; round++) {
        const users = [unique("dev"), unique("dev"), unique("dev")] as const;
        const [first, second] = [(await one.vouch(users[0])).id, (await two.vouch(users[1])).id];
        const done = await Promise.allSettled([
          one.merge(users[0], users[1]),
          two.merge(users[1], users[0]),
          one.vouch(users[2], first),
          two.vouch(users[2], first),
        ]);
        for (const each of done)
          if (each.status === "rejected")
            assert.match(
              each.reason.name,
              /^(?:ResourceConflict|NotAuthorized|DeveloperUserAlreadyRegistered)Exception$/,
            );
        const ids = [(await one.vouch(users[0])).id, (await two.vouch(users[1])).id];
        assert.equal(new Set(ids).size, 1);
        assert.ok([first, second].includes(ids[0]!));
        // The third was linked before the merge and went along, or found the identity disabled.
        const linked = done.slice(2).some(({ status }) => status === "fulfilled");
        const expected = linked ? users : users.slice(0, 2);
        for (const w of both()) assert.deepEqual(await w.namesOf(ids[0]!), [...expected].sort());
      }
    });

    test("settings and roles that are changed at one hold at the other from the next call on", async () => {
      for (const [here, there] of [
        [one, two],
        [two, one],
      ] as const) {
        const IdentityPoolId = await makeIdentityPool(here.client, {
          ...{ AllowUnauthenticatedIdentities: true, DeveloperProviderName: developer },
        });
        const [pool, other] = [here.of(IdentityPoolId), there.of(IdentityPoolId)];
        const guest = await other.id();
        await assert.rejects(other.use(guest), refused("InvalidIdentityPoolConfigurationException"));
        const unauthenticated = await makeRole(here.server, trusting(IdentityPoolId, "unauthenticated"));
        const Roles = { unauthenticated };
        await pool.client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId, Roles }));
        assert.equal(await other.use(guest), guest);
        const renamed = {
          IdentityPoolId,
          IdentityPoolName: "renamed",
          AllowUnauthenticatedIdentities: false,
        };
        await pool.client.send(new UpdateIdentityPoolCommand(renamed));
        const described = await other.client.send(new DescribeIdentityPoolCommand({ IdentityPoolId }));
        assert.equal(described.IdentityPoolName, "renamed");
        const excluded = refused("NotAuthorizedException", /^Unauthenticated access is not supported/);
        await assert.rejects(other.use(guest), excluded);
        await assert.rejects(other.id(), excluded);
        await pool.client.send(new DeleteIdentityPoolCommand({ IdentityPoolId }));
        await assert.rejects(other.vouch("anybody"), refused("ResourceNotFoundException"));
        await assert.rejects(other.use(guest), refused("ResourceNotFoundException"));
      }
    });

    test("settings that both change at once are of one of the two, and nothing of a third is lost", async () => {
      const IdentityPoolId = await makeIdentityPool(one.client);
      const changes = both().flatMap(({ client }, server) =>
        [1, 2, 3].map((n) =>
          client.send(
            new UpdateIdentityPoolCommand({
              ...{ IdentityPoolId, AllowUnauthenticatedIdentities: server === 0 },
              IdentityPoolName: `server ${server} call ${n}`,
            }),
          ),
        ),
      );
      const unauthenticated = "arn:aws:iam::000000000000:role/some";
      await Promise.all([
        ...changes,
        two.client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId, Roles: { unauthenticated } })),
      ]);
      const [here, there] = await Promise.all(
        both().map(({ client }) => client.send(new DescribeIdentityPoolCommand({ IdentityPoolId }))),
      );
      assert.equal(here?.IdentityPoolName, there?.IdentityPoolName);
      assert.equal(here?.AllowUnauthenticatedIdentities, here?.IdentityPoolName?.startsWith("server 0"));
      const { document } = (await house.beside.db.kysely
        .selectFrom("identity_pools")
        .select("document")
        .where("pool_id", "=", IdentityPoolId)
        .executeTakeFirst())!;
      assert.deepEqual(JSON.parse(document).Roles, { unauthenticated });
    });

    test("a pool that is deleted at one while the other makes identities leaves none", async () => {
      for (let round = 0; round < 4; round++) {
        const IdentityPoolId = await makeIdentityPool(one.client, {
          ...{ AllowUnauthenticatedIdentities: true, DeveloperProviderName: developer },
        });
        const pool = two.of(IdentityPoolId);
        const { id } = await pool.vouch("first");
        const making = Promise.allSettled(
          Array.from({ length: 12 }, (_, n) =>
            [() => pool.id(), () => pool.vouch(`user ${n}`), () => pool.vouch(`more ${n}`, id)][n % 3]!(),
          ),
        );
        await one.client.send(new DeleteIdentityPoolCommand({ IdentityPoolId }));
        for (const each of await making)
          if (each.status === "rejected")
            assert.match(each.reason.name, /^Resource(?:NotFound|Conflict)Exception$/);
        for (const table of ["identities", "identity_logins"] as const) {
          const rows = house.beside.db.kysely.selectFrom(table).selectAll();
          assert.deepEqual(await rows.where("pool_id", "=", IdentityPoolId).execute(), [], table);
        }
      }
    });

    test("roles that are revoked, changed and deleted by a command are so at both at once", async () => {
      const { db } = house.beside;
      const arn = await makeRole(one.server, trusting(one.poolId, "authenticated"), {
        pools: allowing("cognito-idp:DescribeUserPool"),
      });
      const name = arn.replace(/^.*\//, "");
      const Roles = { authenticated: arn };
      await one.client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: one.poolId, Roles }));
      const login = await one.login(0);
      const id = await one.id(login);
      const first = await credentialsOf(one, id, login);
      assert.deepEqual(await countAt(first), everywhere("counts"));
      assert.ok(await revokeSessions({ db, clock }, name));
      assert.deepEqual(await countAt(first), everywhere("ExpiredToken"));
      advance(1000);
      const second = await credentialsOf(two, id, login);
      assert.deepEqual(await countAt(second), everywhere("counts"));
      const { UserPoolId } = one.userPools[0]!;
      const describeAt = (w: World) => {
        const sdk = newSdk(w.server.endpoint, { credentials: second, systemClockOffset: offset });
        return sdk.send(new DescribeUserPoolCommand({ UserPoolId })).finally(() => sdk.destroy());
      };
      for (const w of both()) assert.equal((await describeAt(w)).UserPool?.Id, UserPoolId);
      const role = (await readRole(db, name))!;
      assert.ok(await updateRole(db, { ...role, policies: {} }));
      for (const w of both()) await assert.rejects(describeAt(w), refused("AccessDeniedException"));
      assert.ok(await removeRole({ db }, name));
      assert.deepEqual(await countAt(second), everywhere("ExpiredToken"));
    });

    test("a pool that is revoked by a command is so at both at once", async () => {
      const { db } = house.beside;
      const poolId = await makeIdentityPool(one.client, {
        ...{ AllowUnauthenticatedIdentities: true, DeveloperProviderName: developer },
      });
      const Roles = {
        authenticated: await makeRole(one.server, trusting(poolId, "authenticated")),
        unauthenticated: await makeRole(one.server, trusting(poolId, "unauthenticated")),
      };
      await one.client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: poolId, Roles }));
      const [here, there] = [one.of(poolId), two.of(poolId)];
      const guest = await here.id();
      const credentials = await credentialsOf(there, guest);
      const { id, token } = await here.vouch("someone");
      const own = { "cognito-identity.amazonaws.com": token };
      assert.equal(await there.use(id, own), id);
      assert.ok(await revokeCredentials({ db, clock }, poolId));
      assert.deepEqual(await countAt(credentials), everywhere("ExpiredToken"));
      for (const w of [here, there])
        await assert.rejects(w.use(id, own), refused("NotAuthorizedException", "Invalid login token."));
      advance(1000);
      assert.deepEqual(await countAt(await credentialsOf(here, guest)), everywhere("counts"));
    });

    describe("the issuer's key", () => {
      const kidsAt = ({ server }: World) =>
        fetch(`${server.endpoint}/identity/.well-known/jwks.json`)
          .then((response) => response.json() as Promise<{ keys: { kid: string }[] }>)
          .then(({ keys }) => keys.map(({ kid }) => kid).sort());
      let RoleArn: string;
      before(async () => {
        RoleArn = await makeRole(one.server, trusting(one.poolId, "unauthenticated"));
      });
      const sign = async (w: World) =>
        (await w.client.send(new GetOpenIdTokenCommand({ IdentityId: await w.id() }))).Token!;
      /** A token of one server, which the other accepts: its key's id. */
      const tokenOf = async (w: World, other: World) => {
        const WebIdentityToken = await sign(w);
        const sts = stsClient(other.server, { systemClockOffset: offset });
        const assume = { RoleArn, RoleSessionName: "app", WebIdentityToken };
        await sts.send(new AssumeRoleWithWebIdentityCommand(assume)).finally(() => sts.destroy());
        return decodeProtectedHeader(WebIdentityToken).kid;
      };
      const kids = async () => [await tokenOf(one, two), await tokenOf(two, one)];

      test("is replaced: each accepts what the other signs, at every moment", async () => {
        const [former] = await kids();
        assert.deepEqual(await kids(), [former, former]);
        const { app } = one.server;
        assert.equal((await rotateIdentityKeys({ ...app, clock }, { atOnce: false })).outcome, "done");
        assert.deepEqual(await kids(), [former, former]);
        advance(minute + 1000);
        const published = await kidsAt(one);
        assert.equal(published.length, 2);
        assert.deepEqual(await kidsAt(two), published);
        advance(publishedBeforeSigning - minute);
        const successor = published.find((kid) => kid !== former);
        // The one may sign with the new key before the other has looked.
        for (const kid of await kids()) assert.ok(kid !== undefined && published.includes(kid));
        advance(minute);
        assert.deepEqual(await kids(), [successor, successor]);
      });

      test("is replaced after a leak: what the new one signs counts at once, wherever", async () => {
        const [former] = await kids();
        const { app } = one.server;
        // The one has read its keys half a minute before the other, and will again.
        advance(minute);
        await sign(one);
        advance(minute / 2);
        await sign(two);
        assert.equal((await rotateIdentityKeys({ ...app, clock }, { atOnce: true })).outcome, "done");
        advance(minute / 2);
        const fresh = await tokenOf(one, two);
        assert.notEqual(fresh, former);
        assert.deepEqual(await kids(), [fresh, fresh]);
        advance(minute);
        for (const w of both()) assert.deepEqual(await kidsAt(w), [fresh]);
      });
    });

    test("what one unlinks belongs to nobody at the other", async () => {
      const [first, second] = [await one.login(0), await two.login(1)];
      const id = await one.id({ ...first, ...second });
      const names = Object.keys({ ...first, ...second });
      const done = await Promise.allSettled([
        one.unlink(id, names, first),
        two.unlink(id, Object.keys(second), second),
      ]);
      assert.ok(done.some(({ status }) => status === "fulfilled"));
      for (const each of done)
        if (each.status === "rejected")
          assert.match(each.reason.name, /^(?:ResourceNotFound|NotAuthorized)Exception$/);
      const left = await two.loginsOf(id);
      if (left.length === 0) await assert.rejects(two.use(id, first), forbidden);
      else assert.deepEqual(left, [providerOf(one.userPools[0]!.UserPoolId)]);
      assert.notEqual(await one.id(second), id);
      assert.equal(await one.id(second), await two.id(second));
    });
  });
});
