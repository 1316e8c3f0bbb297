/** Ids of clients and domains that a pool gave up: its own to take back, nobody else's for a year. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  CreateUserPoolDomainCommand,
  DeleteUserPoolClientCommand,
  DeleteUserPoolCommand,
  DeleteUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { releaseName } from "../../src/store/retired-names.ts";
import { makePool } from "./people.ts";
import { forEachServer, type TestServer } from "./server.ts";

const unique = (text: string) => `${text}${randomBytes(6).toString("hex")}`;
const day = 86_400_000;

interface Kind {
  readonly kind: "client" | "domain";
  readonly name: () => string;
  take(server: TestServer, UserPoolId: string, name: string): Promise<unknown>;
  give(server: TestServer, UserPoolId: string, name: string): Promise<unknown>;
}

const client: Kind = {
  kind: "client",
  name: () => unique("retired"),
  take: ({ client }, UserPoolId, name) =>
    client.send(new CreateUserPoolClientCommand({ UserPoolId, ClientName: `_custom_id_:${name}` })),
  give: ({ client }, UserPoolId, ClientId) =>
    client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId })),
};
const domainOf = (name: () => string, custom?: { CertificateArn: string }): Kind => ({
  kind: "domain",
  name,
  take: ({ client }, UserPoolId, Domain) =>
    client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain, CustomDomainConfig: custom })),
  give: ({ client }, UserPoolId, Domain) =>
    client.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain })),
});
const kinds: Readonly<Record<string, Kind>> = {
  "client id": client,
  "prefix domain": domainOf(() => unique("retired-")),
  "custom domain": domainOf(() => `${unique("id-")}.retired.example`, {
    CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000",
  }),
};

const ofAnother = {
  name: "InvalidParameterException",
  message:
    /belonged to another user pool; it is free for others from 20\d\d-.*, or once an operator releases it/,
};

forEachServer("names that were deleted", (open) => {
  const pools = async (server: TestServer) => [
    (await makePool(server)).UserPoolId,
    (await makePool(server)).UserPoolId,
  ];

  for (const [title, { kind, name: newName, take, give }] of Object.entries(kinds)) {
    test(`a ${title} is free for its pool at once, for others after a year`, async () => {
      const server = await open();
      const [mine, other] = (await pools(server)) as [string, string];
      const name = newName();
      await take(server, mine, name);
      await give(server, mine, name);
      await assert.rejects(take(server, other, name), ofAnother);
      await take(server, mine, name);
      await give(server, mine, name);
      server.clock.advance(364 * day);
      await assert.rejects(take(server, other, name), ofAnother);
      server.clock.advance(2 * day);
      await take(server, other, name);
      // It is the other's now, also when that one gives it up.
      await give(server, other, name);
      await assert.rejects(take(server, mine, name), ofAnother);
    });

    test(`a ${title} is free for others when an operator releases it`, async () => {
      const server = await open();
      const [mine, other] = (await pools(server)) as [string, string];
      const name = newName();
      await take(server, mine, name);
      assert.equal(await releaseName(server.app.db, kind, name), undefined, "in use");
      await give(server, mine, name);
      assert.equal((await releaseName(server.app.db, kind, name))?.poolId, mine);
      await take(server, other, name);
    });

    test(`a ${title} goes to nobody else, however many ask while it is given up`, async () => {
      const server = await open();
      const [mine, ...others] = [...(await pools(server)), ...(await pools(server))] as [string, ...string[]];
      for (let round = 0; round < 5; round++) {
        const name = newName();
        await take(server, mine, name);
        const asked = others.flatMap((pool) => [take(server, pool, name), take(server, pool, name)]);
        const [given, ...taken] = await Promise.allSettled([give(server, mine, name), ...asked]);
        assert.equal(given.status, "fulfilled");
        assert.deepEqual([...new Set(taken.map(({ status }) => status))], ["rejected"]);
        await take(server, mine, name);
      }
    });
  }

  test("what a deleted pool had is free for a pool of its id alone", async () => {
    const server = await open();
    const { UserPoolId: other, ClientId } = await makePool(server);
    const pinned = () =>
      server.client.send(
        new CreateUserPoolCommand({ PoolName: "pinned", UserPoolTags: { _custom_id_: id } }),
      );
    const id = unique("us-east-1_");
    await pinned();
    const name = client.name();
    await client.take(server, id, name);
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId: id }));
    await assert.rejects(client.take(server, other, name), ofAnother);
    await pinned();
    await client.take(server, id, name);
    // Ids that nobody chose are as well known to applications.
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId: other }));
    await assert.rejects(client.take(server, id, ClientId), ofAnother);
  });
});
