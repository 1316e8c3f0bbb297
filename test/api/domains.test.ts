/** Domains of user pools through the AWS SDK for JavaScript v3, and which pool a host name serves. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  CreateUserPoolDomainCommand,
  type CreateUserPoolDomainCommandInput,
  DeleteUserPoolCommand,
  DeleteUserPoolDomainCommand,
  DescribeUserPoolCommand,
  DescribeUserPoolDomainCommand,
  UpdateUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { domainBase, servedBy as servedDomain } from "../../src/domain/user-pools/domains.ts";
import { createCtx } from "../../src/http/context.ts";
import { insertDomain } from "../../src/store/domains.ts";
import { deletePool } from "../../src/store/pool-removal.ts";
import { releaseName } from "../../src/store/retired-names.ts";
import { makePool, refused } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const CertificateArn = "arn:aws:acm:us-east-1:000000000000:certificate/0c1d2e3f";
const custom = { CustomDomainConfig: { CertificateArn } };
const unique = (name: string) => `${name}-${randomBytes(4).toString("hex")}`;

const ctxOf = ({ app }: TestServer) =>
  createCtx(app, { requestId: "test", address: "127.0.0.1", userAgent: undefined });
const servedBy = async (server: TestServer, host: string) =>
  (await servedDomain(ctxOf(server), host))?.poolId;
const baseOf = (server: TestServer, id: string) => domainBase(ctxOf(server), { id });

const create = (
  { client }: TestServer,
  UserPoolId: string,
  Domain: string,
  more: Partial<CreateUserPoolDomainCommandInput> = {},
) => client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain, ...more }));
const remove = ({ client }: TestServer, UserPoolId: string, Domain: string) =>
  client.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain }));
const describe = async ({ client }: TestServer, Domain: string) =>
  (await client.send(new DescribeUserPoolDomainCommand({ Domain }))).DomainDescription;
const shown = async ({ client }: TestServer, UserPoolId: string) => {
  const { UserPool } = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
  return { Domain: UserPool?.Domain, CustomDomain: UserPool?.CustomDomain };
};

const taken = refused("InvalidParameterException", "Domain already associated with another user pool.");
const unknown = refused("InvalidParameterException", "No such domain or user pool exists.");

forOneServer(
  "postgres",
  "domains",
  (open) => {
    test("a prefix domain is made, described, changed and deleted", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId } = await makePool(server);
      const name = unique("shop");
      assert.deepEqual(await shown(server, UserPoolId), { Domain: undefined, CustomDomain: undefined });
      assert.equal(await baseOf(server, UserPoolId), undefined);
      const { $metadata: _, ...made } = await create(server, UserPoolId, name);
      assert.deepEqual(made, { ManagedLoginVersion: 1 });
      const described = await describe(server, name);
      const { Version, ...rest } = described ?? {};
      assert.match(Version ?? "", /^20\d{12}$/);
      assert.deepEqual(rest, {
        UserPoolId,
        AWSAccountId: "000000000000",
        Domain: name,
        CloudFrontDistribution: "localhost",
        Status: "ACTIVE",
        CustomDomainConfig: {},
        ManagedLoginVersion: 1,
      });
      assert.deepEqual(await shown(server, UserPoolId), { Domain: name, CustomDomain: undefined });
      const { port } = new URL(server.endpoint);
      assert.equal(await baseOf(server, UserPoolId), `http://${name}.auth.localhost:${port}`);

      server.clock.advance(1000);
      const update = new UpdateUserPoolDomainCommand({ UserPoolId, Domain: name, ManagedLoginVersion: 2 });
      assert.equal((await server.client.send(update)).ManagedLoginVersion, 2);
      const changed = await describe(server, name);
      assert.equal(changed?.ManagedLoginVersion, 2);
      assert.equal(Number(changed?.Version) > Number(Version), true);
      await assert.rejects(
        server.client.send(new UpdateUserPoolDomainCommand({ UserPoolId, Domain: name, ...custom })),
        refused("InvalidParameterException", /only be set for a custom domain/),
      );
      await remove(server, UserPoolId, name);
      assert.deepEqual(await describe(server, name), {});
      await assert.rejects(remove(server, UserPoolId, name), unknown);
      await assert.rejects(server.client.send(update), unknown);
      await create(server, UserPoolId, name);
    });

    test("a custom domain is compared without case, and as ASCII", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const id = unique("x");
      const made = await create(server, UserPoolId, `Anmelden.${id}.BÜCHER.example`, {
        CustomDomainConfig: { CertificateArn, SecurityPolicy: "TLS_V1_2_2021" },
        ManagedLoginVersion: 2,
      });
      assert.equal(made.CloudFrontDomain, "localhost");
      const ascii = `anmelden.${id}.xn--bcher-kva.example`;
      for (const spelling of [ascii, ascii.toUpperCase(), `anmelden.${id}.bücher.example`]) {
        const described = await describe(server, spelling);
        assert.equal(described?.Domain, ascii);
        assert.equal(described?.UserPoolId, UserPoolId);
        assert.deepEqual(described?.CustomDomainConfig, { CertificateArn, SecurityPolicy: "TLS_V1_2_2021" });
      }
      await assert.rejects(create(server, UserPoolId, ascii.toUpperCase(), custom), taken);
      const CustomDomainConfig = { CertificateArn: `${CertificateArn}9` };
      await server.client.send(
        new UpdateUserPoolDomainCommand({ UserPoolId, Domain: ascii.toUpperCase(), CustomDomainConfig }),
      );
      const changed = await describe(server, ascii);
      assert.deepEqual(changed?.CustomDomainConfig, CustomDomainConfig);
      assert.equal(changed?.ManagedLoginVersion, 2);
      const { port } = new URL(server.endpoint);
      assert.equal(await baseOf(server, UserPoolId), `http://${ascii}:${port}`);
    });

    test("a pool has several; the oldest of each kind is shown", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId } = await makePool(server);
      const [first, second] = [unique("z"), unique("a")];
      for (const name of [first, second]) {
        await create(server, UserPoolId, name);
        await create(server, UserPoolId, `${name}.example`, custom);
        server.clock.advance(1000);
      }
      assert.deepEqual(await shown(server, UserPoolId), { Domain: first, CustomDomain: `${first}.example` });
      await remove(server, UserPoolId, first);
      await remove(server, UserPoolId, `${first}.example`);
      assert.deepEqual(await shown(server, UserPoolId), {
        Domain: second,
        CustomDomain: `${second}.example`,
      });
    });

    test("a name has one pool in the whole installation, also when many ask at once", async () => {
      const server = await open();
      const pools = await Promise.all(Array.from({ length: 8 }, () => makePool(server)));
      const name = unique("wanted");
      const answers = await Promise.allSettled(
        pools.map(({ UserPoolId }) => create(server, UserPoolId, name)),
      );
      assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
      for (const answer of answers)
        if (answer.status === "rejected") assert.equal(answer.reason.message, taken.message);
      const owner = (await describe(server, name))?.UserPoolId;
      const other = pools.find(({ UserPoolId }) => UserPoolId !== owner)?.UserPoolId ?? assert.fail();
      // A host name of one label is the same name.
      await assert.rejects(create(server, other, name, custom), taken);
      await assert.rejects(remove(server, other, name), unknown);
      await assert.rejects(
        server.client.send(new UpdateUserPoolDomainCommand({ UserPoolId: other, Domain: name })),
        unknown,
      );
      assert.equal(await servedBy(server, `${name}.auth.localhost`), owner);
    });

    test("names that are none, or somebody else's, are refused", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const characters = /^The domain name contains an invalid character\./;
      const rows: [string, Partial<CreateUserPoolDomainCommandInput>, RegExp][] = [
        ["Shop", {}, characters],
        ["my_shop", {}, characters],
        ["-shop", {}, characters],
        ["shop-", {}, characters],
        ["shop.example", {}, characters],
        ["s".repeat(64), {}, characters],
        ["s".repeat(254), custom, /'domain' failed to satisfy constraint/],
        ["shop:80", custom, /'domain' failed to satisfy constraint/],
        ["my-aws-shop", {}, /^Domain cannot contain reserved word: aws$/],
        ["amazonas", {}, /^Domain cannot contain reserved word: amazon$/],
        ["cognito1", {}, /^Domain cannot contain reserved word: cognito$/],
        ["shop", { ManagedLoginVersion: 3 }, /ManagedLoginVersion/],
        ["shop.example", { CustomDomainConfig: { CertificateArn: "none" } }, /certificateArn/],
        ["my_shop.example", custom, /is not a valid domain name/],
        ["shop..example", custom, /is not a valid domain name/],
        [".example", custom, /is not a valid domain name/],
        ["10.0.0.1", custom, /is not a valid domain name/],
        ["shop.0x7f", custom, /is not a valid domain name/],
        [`${"s".repeat(64)}.example`, custom, /is not a valid domain name/],
        ["LOCALHOST", custom, /is a name of this server itself/],
        ["id.example.com", custom, /is a name of this server itself/],
        ["auth.localhost", custom, /is a name of this server itself/],
        ["Auth.LocalHost.", custom, /is a name of this server itself/],
        ["shop.auth.localhost", custom, /lies in the domain of prefix domains/],
        ["a.shop.auth.localhost", custom, /lies in the domain of prefix domains/],
      ];
      for (const [name, more, message] of rows)
        await assert.rejects(
          create(server, UserPoolId, name, more),
          refused("InvalidParameterException", message),
          name,
        );
      await assert.rejects(
        create(server, "us-east-1_Nowhere", unique("shop")),
        refused("ResourceNotFoundException", "User pool us-east-1_Nowhere does not exist."),
      );
      assert.deepEqual(await describe(server, "no..name"), {});
      assert.deepEqual(await describe(server, unique("nobody")), {});
    });

    test("a pool that has a domain is not deleted; with the pool its domains go", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const names = [unique("stays"), `${unique("stays")}.example`] as const;
      await create(server, UserPoolId, names[0]);
      await create(server, UserPoolId, names[1], custom);
      const drop = () => server.client.send(new DeleteUserPoolCommand({ UserPoolId }));
      await assert.rejects(
        drop(),
        refused(
          "InvalidParameterException",
          "User pool cannot be deleted. It has a domain configured that should be deleted first.",
        ),
      );
      // As when a domain is made while the pool is being deleted.
      await deletePool(server.app.db, UserPoolId, server.clock.now);
      for (const name of names) assert.deepEqual(await describe(server, name), {});
      const next = await makePool(server);
      // The root key takes a name that another pool gave up (retired-names.test.ts has who else may).
      await create(server, next.UserPoolId, names[0]);
      await remove(server, next.UserPoolId, names[0]);
      await server.client.send(new DeleteUserPoolCommand({ UserPoolId: next.UserPoolId }));
    });

    test("no domain outlives a pool that is deleted meanwhile", async () => {
      const server = await open();
      const { db } = server.app;
      const pools = await Promise.all(Array.from({ length: 20 }, () => makePool(server)));
      const insert = (poolId: string) =>
        insertDomain(db, {
          poolId,
          domain: unique("brief"),
          kind: "prefix",
          loginVersion: 1,
          customConfig: undefined,
          routing: undefined,
          createdAt: 0,
          updatedAt: 0,
        });
      // Half of the deletions begin first.
      await Promise.all(
        pools.map(({ UserPoolId: id }, index) =>
          index % 2 === 0
            ? Promise.all([insert(id), deletePool(db, id, 0)])
            : Promise.all([deletePool(db, id, 0), insert(id)]),
        ),
      );
      for (const { UserPoolId } of pools) assert.equal(await insert(UserPoolId), "no-pool");
      const ids = pools.map(({ UserPoolId }) => UserPoolId);
      for (const table of ["domains", "domain_pools"] as const) {
        const left = await db.kysely
          .selectFrom(table)
          .select("pool_id")
          .where("pool_id", "in", ids)
          .execute();
        assert.deepEqual(left, [], table);
      }
    });

    test("a host name serves the pool that has it, and nothing else", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const [name, digits, bare] = [unique("served"), `7${Date.now()}`, unique("bare")];
      await create(server, UserPoolId, name);
      await create(server, UserPoolId, digits);
      await create(server, UserPoolId, `${name}.example`, custom);
      await create(server, UserPoolId, bare, custom);
      for (const host of [`${name}.auth.localhost`, `${digits}.auth.localhost`, `${name}.example`, bare]) {
        assert.equal(await servedBy(server, host), UserPoolId, host);
        assert.equal(await servedBy(server, `${host.toUpperCase()}.`), UserPoolId, host);
      }
      const nobody = [
        name,
        digits,
        `${bare}.auth.localhost`,
        `a.${name}.auth.localhost`,
        `a.${name}.example`,
        `${name}.example.auth.localhost`,
        `${name}.auth.localhost.example`,
        "auth.localhost",
        ".auth.localhost",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "id.example.com",
        "",
        ".",
        `${name}\0.example`,
        "\ud800.example",
        "a".repeat(10_000),
      ];
      for (const host of nobody) assert.equal(await servedBy(server, host), undefined, host.slice(0, 80));
    });

    test("what is remembered of a host name is dropped when it changes, elsewhere after seconds", async () => {
      const server = await open();
      server.clock.freeze();
      const [one, two] = [await makePool(server), await makePool(server)];
      const name = unique("moves");
      const host = `${name}.auth.localhost`;
      assert.equal(await servedBy(server, host), undefined);
      await create(server, one.UserPoolId, name);
      assert.equal(await servedBy(server, host), one.UserPoolId);
      await remove(server, one.UserPoolId, name);
      assert.equal(await servedBy(server, host), undefined);
      await releaseName(server.app.db, "domain", name);
      await create(server, two.UserPoolId, name);
      assert.equal(await servedBy(server, host), two.UserPoolId);
      // Another server's doing.
      const { kysely } = server.app.db;
      for (const table of ["domains", "domain_pools"] as const)
        await kysely.deleteFrom(table).where("domain", "=", name).execute();
      server.clock.advance(4_999);
      assert.equal(await servedBy(server, host), two.UserPoolId);
      server.clock.advance(1);
      assert.equal(await servedBy(server, host), undefined);
    });
  },
  { POOLHOUSE_EXTRA_HOSTS: "ID.example.com" },
);

forOneServer(
  "postgres",
  "domains below a configured domain",
  (open) => {
    test("prefixes lie below it, at the scheme and port of the public URL", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const name = unique("shop");
      await create(server, UserPoolId, name);
      assert.equal(await servedBy(server, `${name}.login.example.org`), UserPoolId);
      assert.equal(await servedBy(server, `${name}.auth.localhost`), undefined);
      await create(server, UserPoolId, `${name}.auth.localhost`, custom);
      assert.equal(await servedBy(server, `${name}.auth.localhost`), UserPoolId);
      await remove(server, UserPoolId, `${name}.auth.localhost`);
      const ctx = ctxOf(server);
      const config = { ...ctx.config, publicUrl: "https://id.example.org/idp" };
      const base = () => domainBase({ ...ctx, config }, { id: UserPoolId });
      assert.equal(await base(), `https://${name}.login.example.org`);
      await create(server, UserPoolId, `${name}.example.net`, custom);
      assert.equal(await base(), `https://${name}.example.net`);
    });
  },
  { POOLHOUSE_AUTH_DOMAIN: "login.example.org" },
);
