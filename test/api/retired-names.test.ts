/** Ids of clients and domains that a pool gave up: its own to take back, for a year nobody else's but by a permission. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  CreateUserPoolDomainCommand,
  DeleteUserPoolClientCommand,
  DeleteUserPoolCommand,
  DeleteUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { releaseName } from "../../src/store/retired-names.ts";
import { makePool } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

const unique = (text: string) => `${text}${randomBytes(6).toString("hex")}`;
const day = 86_400_000;

interface Kind {
  readonly kind: "client" | "domain";
  readonly name: () => string;
  take(by: CognitoIdentityProviderClient, UserPoolId: string, name: string): Promise<unknown>;
  give(by: CognitoIdentityProviderClient, UserPoolId: string, name: string): Promise<unknown>;
}

const client: Kind = {
  kind: "client",
  name: () => unique("retired"),
  take: (by, UserPoolId, name) =>
    by.send(new CreateUserPoolClientCommand({ UserPoolId, ClientName: `_custom_id_:${name}` })),
  give: (by, UserPoolId, ClientId) => by.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId })),
};
const domainOf = (name: () => string, custom?: { CertificateArn: string }): Kind => ({
  kind: "domain",
  name,
  take: (by, UserPoolId, Domain) =>
    by.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain, CustomDomainConfig: custom })),
  give: (by, UserPoolId, Domain) => by.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain })),
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
    /belonged to another user pool; it is free for others from 20\d\d-.*, or once an operator releases it \(poolhouse names release (?:client|domain) \S+\)\. .*permits poolhouse:ReuseName on arn:aws:cognito-idp:us-east-1:000000000000:userpool\/us-east-1_\w+ may/,
};

const arnOf = (pool: string) => `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${pool}`;
const clients: CognitoIdentityProviderClient[] = [];
after(() => {
  for (const one of clients) one.destroy();
});

/** Of a key that may do what AWS has actions for, and choose ids. */
async function clientWith(server: TestServer, ...statements: object[]) {
  const plain = { Effect: "Allow", Action: ["cognito-idp:*", "poolhouse:PinClientId"], Resource: "*" };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [plain, ...statements] });
  const credentials = await createAccessKey(server.app, "team", policy);
  const { endpoint } = server;
  const systemClockOffset = server.clock.now - Date.now();
  const settings = { endpoint, region: "us-east-1", credentials, systemClockOffset, maxAttempts: 1 };
  const made = new CognitoIdentityProviderClient(settings);
  clients.push(made);
  return made;
}

/** What the trail's latest event about a pool tells of where a name comes from. */
async function formerPool(server: TestServer, poolId: string) {
  const latest = { limit: 1, order: "newest first" } as const;
  const [event = assert.fail()] = await listAuditEvents(server.app.db, { poolId, result: "ok" }, latest);
  assert.match(event.operation, /^CreateUserPool(?:Client|Domain)$/);
  return event.details?.["formerPool"];
}

forEachServer("names that were deleted", (open) => {
  const pools = async (server: TestServer) => [
    (await makePool(server)).UserPoolId,
    (await makePool(server)).UserPoolId,
  ];

  for (const [title, { kind, name: newName, take, give }] of Object.entries(kinds)) {
    test(`a ${title} is free for its pool at once, for others after a year`, async () => {
      const server = await open();
      const team = await clientWith(server);
      const [mine, other] = (await pools(server)) as [string, string];
      const name = newName();
      await take(team, mine, name);
      await give(team, mine, name);
      await assert.rejects(take(team, other, name), ofAnother);
      await take(team, mine, name);
      await give(team, mine, name);
      const later = (days: number) => {
        server.clock.advance(days * day);
        team.config.systemClockOffset = server.client.config.systemClockOffset;
      };
      later(364);
      await assert.rejects(take(team, other, name), ofAnother);
      later(2);
      await take(team, other, name);
      // It is the other's now, also when that one gives it up.
      await give(team, other, name);
      await assert.rejects(take(team, mine, name), ofAnother);
    });

    test(`a ${title} is free for others when an operator releases it`, async () => {
      const server = await open();
      const team = await clientWith(server);
      const [mine, other] = (await pools(server)) as [string, string];
      const name = newName();
      await take(team, mine, name);
      assert.equal(await releaseName(server.app.db, kind, name), undefined, "in use");
      await give(team, mine, name);
      assert.equal((await releaseName(server.app.db, kind, name))?.poolId, mine);
      await take(team, other, name);
    });

    test(`a ${title} goes to nobody else, however many ask while it is given up`, async () => {
      const server = await open();
      const team = await clientWith(server);
      const [mine, ...others] = [...(await pools(server)), ...(await pools(server))] as [string, ...string[]];
      for (let round = 0; round < 5; round++) {
        const name = newName();
        await take(team, mine, name);
        const asked = others.flatMap((pool) => [take(team, pool, name), take(team, pool, name)]);
        const [given, ...taken] = await Promise.allSettled([give(team, mine, name), ...asked]);
        assert.equal(given.status, "fulfilled");
        assert.deepEqual([...new Set(taken.map(({ status }) => status))], ["rejected"]);
        await take(team, mine, name);
      }
    });

    test(`another pool can take a ${title} at once if a policy permits it, and the audit log records it`, async () => {
      const server = await open();
      const [mine, other] = (await pools(server)) as [string, string];
      const permits = { Effect: "Allow", Action: "poolhouse:ReuseName", Resource: arnOf(other) };
      const [team, allowed] = [await clientWith(server), await clientWith(server, permits)];
      const name = newName();
      for (const by of [allowed, server.client]) {
        await take(team, mine, name);
        await give(team, mine, name);
        await assert.rejects(take(team, other, name), ofAnother);
        await take(by, other, name);
        assert.equal(await formerPool(server, other), mine);
        // In use, it is nobody's to take.
        await assert.rejects(take(server.client, mine, name), { name: "InvalidParameterException" });
        await give(team, other, name);
        await assert.rejects(take(allowed, mine, name), ofAnother, "of another pool alone");
        assert.ok(await releaseName(server.app.db, kind, name));
      }
      // What never was another's, or is not any more, needs and notes nothing.
      await take(server.client, other, name);
      assert.equal(await formerPool(server, other), undefined);
    });

    test(`a ${title} survives that a deployment destroys its pool and makes it anew`, async () => {
      const server = await open();
      const name = newName();
      for (let round = 0; round < 2; round++) {
        const { UserPoolId } = await makePool(server);
        await take(server.client, UserPoolId, name);
        await give(server.client, UserPoolId, name);
        await take(server.client, UserPoolId, name);
        if (kind === "domain") await give(server.client, UserPoolId, name);
        await server.client.send(new DeleteUserPoolCommand({ UserPoolId }));
      }
    });
  }

  test("what a deleted pool had is free for a pool of its id alone", async () => {
    const server = await open();
    const team = await clientWith(server);
    const { UserPoolId: other, ClientId } = await makePool(server);
    const pinned = () =>
      server.client.send(
        new CreateUserPoolCommand({ PoolName: "pinned", UserPoolTags: { _custom_id_: id } }),
      );
    const id = unique("us-east-1_");
    await pinned();
    const name = client.name();
    await client.take(team, id, name);
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId: id }));
    await assert.rejects(client.take(team, other, name), ofAnother);
    await pinned();
    await client.take(team, id, name);
    // Ids that nobody chose are as well known to applications.
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId: other }));
    await assert.rejects(client.take(team, id, ClientId), ofAnother);
  });
});
