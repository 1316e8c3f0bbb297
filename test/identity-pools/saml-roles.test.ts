/** What identities of SAML providers are given: roles and principal tags by attributes; and metadata by URL. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import {
  type CreateIdentityPoolCommandInput,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  type MappingRule,
  type RoleMapping,
  SetIdentityPoolRolesCommand,
  SetPrincipalTagAttributeMapCommand,
} from "@aws-sdk/client-cognito-identity";
import { DescribeUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { readSamlMetadata } from "../../src/store/saml-keys.ts";
import { identityPoolsOwner } from "../../src/store/signing-keys.ts";
import { deleteTrustedProvider, putTrustedProvider } from "../../src/store/trusted-providers.ts";
import { attributeOf, type Key, metadataOf, newKey, type Said } from "../federation/saml-kit.ts";
import { makePool, refused, unique } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forEachServer } from "../kit/server.ts";
import { samlArn, samlToken, trustSaml } from "./saml-provider.ts";
import { forClient, identityClient, makeIdentityPool, makeRole, trusting } from "./setup.ts";

const keys = { idp: await newKey("provider"), next: await newKey("its next key") };
const roleAttribute = "https://aws.amazon.com/SAML/Attributes/Role";

forEachServer("What identities of SAML providers are given", (open) => {
  const clients: { destroy(): void }[] = [];
  after(() => {
    for (const client of clients) client.destroy();
  });
  const kept = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };

  async function setUp(more: Partial<CreateIdentityPoolCommandInput> = {}) {
    const server = await open();
    server.clock.freeze();
    const client = kept(identityClient(server));
    const arn = samlArn(unique("Corp"));
    await trustSaml(server, arn, keys.idp);
    const pool = await makeIdentityPool(client, { SamlProviderARNs: [arn], ...more });
    return { server, client, arn, pool };
  }
  type World = Awaited<ReturnType<typeof setUp>>;

  /** The credentials of somebody with these attributes. */
  async function give(
    { server, client, arn, pool }: World,
    attributes: string,
    CustomRoleArn?: string,
    said: Partial<Said> = {},
  ) {
    const Logins = { [arn]: samlToken(server.clock.now, keys.idp, { attributes, ...said }) };
    const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: pool, Logins }));
    const answer = await client.send(
      new GetCredentialsForIdentityCommand({ IdentityId, Logins, CustomRoleArn }),
    );
    return forClient(answer.Credentials);
  }
  /** The ARN of the role that they are for. */
  async function roleOf(world: World, attributes: string, wanted?: string): Promise<string> {
    const credentials = await give(world, attributes, wanted);
    const sts = kept(new STSClient({ endpoint: world.server.endpoint, region: "us-east-1", credentials }));
    const { Arn = "" } = await sts.send(new GetCallerIdentityCommand({}));
    return Arn.replace(":sts:", ":iam:").replace(/:assumed-role\/([^/]+)\/.*$/, ":role/$1");
  }
  const rolesFor = ({ server, pool }: World, count: number) =>
    Promise.all(Array.from({ length: count }, () => makeRole(server, trusting(pool, "authenticated"))));
  const setRoles = (
    { client, pool }: World,
    authenticated: string | undefined,
    mapping?: Record<string, RoleMapping>,
  ) =>
    client.send(
      new SetIdentityPoolRolesCommand({
        IdentityPoolId: pool,
        Roles: authenticated === undefined ? {} : { authenticated },
        RoleMappings: mapping,
      }),
    );
  const denied = refused("NotAuthorizedException", /Access to a role was denied/);

  test("rules choose the role by attributes", async () => {
    const world = await setUp();
    const [all, admins, it, outside] = (await rolesFor(world, 4)) as [string, string, string, string];
    const rule = (Claim: string, MatchType: MappingRule["MatchType"], Value: string, RoleARN: string) => ({
      ...{ Claim, MatchType, Value, RoleARN },
    });
    const mail = "http://schemas.xmlsoap.org/claims/EmailAddress";
    const Rules = [
      rule("groups", "Equals", "admins", admins),
      rule("department", "StartsWith", "IT", it),
      rule(mail, "Contains", "@partner.", outside),
    ];
    const RoleMapping = (AmbiguousRoleResolution: "Deny" | "AuthenticatedRole") => ({
      [world.arn]: { Type: "Rules", AmbiguousRoleResolution, RulesConfiguration: { Rules } } as const,
    });
    await setRoles(world, all, RoleMapping("Deny"));
    const both = attributeOf("department", "IT/3") + attributeOf("groups", "staff", "admins");
    assert.equal(await roleOf(world, both), admins);
    assert.equal(await roleOf(world, both, it), it);
    assert.equal(await roleOf(world, attributeOf("department", "IT/3")), it);
    assert.equal(await roleOf(world, attributeOf(mail, "x@partner.example")), outside);
    await assert.rejects(roleOf(world, attributeOf("department", "Sales")), denied);
    // Rules come before what the provider names.
    await assert.rejects(roleOf(world, attributeOf(roleAttribute, `${all},${world.arn}`)), denied);
    await setRoles(world, all, RoleMapping("AuthenticatedRole"));
    assert.equal(await roleOf(world, attributeOf("department", "Sales")), all);
  });

  test("the provider names roles, of which the client chooses", async () => {
    const world = await setUp();
    const [all, one, two] = (await rolesFor(world, 3)) as [string, string, string];
    const named = (...pairs: string[]) => attributeOf(roleAttribute, ...pairs);
    const { arn } = world;
    assert.equal(await roleOf(world, named(`${one},${arn}`)), one, "the pool needs no role of its own");
    await setRoles(world, all);
    assert.equal(await roleOf(world, attributeOf("groups", "staff")), all);
    assert.equal(await roleOf(world, named(`${arn}, ${two}`)), two, "in either order");
    assert.equal(await roleOf(world, named(`${one},${arn}`, `${arn},${one}`)), one);
    assert.equal(await roleOf(world, named(`${one},${arn}`, `${two},${arn}`), two), two);
    await assert.rejects(
      roleOf(world, named(`${one},${arn}`, `${two},${arn}`)),
      refused("InvalidParameterException", /CustomRoleArn must say which one/),
    );
    await assert.rejects(roleOf(world, named(`${one},${arn}`), all), denied);
    for (const odd of [`${one},${samlArn("Another")}`, one, `${one},${arn},${arn}`, arn])
      assert.equal(await roleOf(world, named(odd)), all, odd);
  });

  test("a role that does not trust the pool, or this provider, is not given", async () => {
    const world = await setUp();
    const another = await makeIdentityPool(world.client);
    const refusal = refused("InvalidIdentityPoolConfigurationException");
    const named = (role: string) => attributeOf(roleAttribute, `${role},${world.arn}`);
    const foreign = await makeRole(world.server, trusting(another, "authenticated"));
    await assert.rejects(roleOf(world, named(foreign)), refusal);
    const { server, pool } = world;
    const by = (amr: string) => makeRole(server, trusting(pool, amr as "authenticated"));
    const ours = await by(world.arn);
    assert.equal(await roleOf(world, named(ours)), ours);
    const ann = await by(`${world.arn}:ann@example.com`);
    assert.equal(await roleOf(world, named(ann)), ann);
    await assert.rejects(roleOf(world, named(await by(samlArn("Another")))), refusal);
    await assert.rejects(roleOf(world, named(await by("unauthenticated"))), refusal);
    // A name, which its owner may have chosen, is nobody's login at a user pool.
    const pools = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Aa1";
    const said = { nameId: `a,${pools},${pools}:CognitoSignIn:victim` };
    for (const amr of ["*:CognitoSignIn:*", "*,*", `${world.arn}:*:*`])
      await assert.rejects(give(world, named(await by(amr)), undefined, said), refusal, amr);
    const encoded = `a%2C${pools}%2C${pools}%3ACognitoSignIn%3Avictim`;
    await give(world, named(await by(`${world.arn}:${encoded}`)), undefined, said);
  });

  test("attributes become principal tags, by which policies decide", async () => {
    const world = await setUp();
    const { server, client, arn, pool } = world;
    const { UserPoolId } = await makePool(server);
    const Condition = {
      StringEquals: { "aws:PrincipalTag/team": "red", "aws:PrincipalTag/who": "ann@example.com" },
    };
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "cognito-idp:DescribeUserPool", Resource: "*", Condition }],
    };
    await setRoles(world, await makeRole(server, trusting(pool, "authenticated"), { policy }));
    const map = (given: { UseDefaults?: boolean; PrincipalTags?: Record<string, string> }) =>
      client.send(
        new SetPrincipalTagAttributeMapCommand({ IdentityPoolId: pool, IdentityProviderName: arn, ...given }),
      );
    const describe = async (attributes: string) => {
      const sdk = kept(newSdk(server.endpoint, { credentials: await give(world, attributes) }));
      await sdk.send(new DescribeUserPoolCommand({ UserPoolId }));
    };
    const no = refused("AccessDeniedException");
    await assert.rejects(describe(attributeOf("dept", "red")), no);
    await map({ PrincipalTags: { team: "dept", who: "sub" } });
    await describe(attributeOf("dept", "red"));
    await assert.rejects(describe(attributeOf("dept", "blue")), no);
    await assert.rejects(describe(attributeOf("dept", "red", "blue")), no, "several values are no tag");
    // `sub` is the NameID, whatever the provider calls so besides.
    await describe(attributeOf("dept", "red") + attributeOf("sub", "eve@example.com"));
    await assert.rejects(describe(""), no);
    await assert.rejects(describe(attributeOf("dept", "a;b")), refused("InvalidParameterException"));
    await map({ UseDefaults: true });
    await assert.rejects(describe(attributeOf("dept", "red")), no);
  });

  test("metadata by URL is fetched, kept, renewed for a new key, and forgotten with its provider", async () => {
    const served = { status: 200, body: metadataOf([keys.idp.certificate]), times: 0 };
    const web = createServer((_request, response) => {
      served.times += 1;
      response.writeHead(served.status).end(served.body);
    }).listen(0, "127.0.0.1");
    await once(web, "listening");
    const MetadataURL = `http://127.0.0.1:${(web.address() as AddressInfo).port}/metadata`;
    try {
      const { server, client, arn, pool } = await setUp();
      const put = async (details: Record<string, string>) => {
        const now = server.app.clock();
        const provider = {
          arn,
          kind: "saml",
          document: { details },
          createdAt: now,
          updatedAt: now,
        } as const;
        await putTrustedProvider(server.app.db, provider);
      };
      const id = async (signer: Key, said: Partial<Said> = {}) => {
        const Logins = { [arn]: samlToken(server.clock.now, signer, said) };
        return (await client.send(new GetIdCommand({ IdentityPoolId: pool, Logins }))).IdentityId;
      };
      const row = () => readSamlMetadata(server.app.db, identityPoolsOwner, arn);
      await put({ MetadataURL });
      const whose = await id(keys.idp);
      assert.equal(await id(keys.idp), whose);
      assert.equal(served.times, 1);
      assert.equal((await row())?.url, MetadataURL);
      await assert.rejects(
        id(keys.next),
        refused("NotAuthorizedException", /not in the provider's metadata/),
      );
      assert.equal(served.times, 1, "it is as new as can be");
      served.body = metadataOf([keys.next.certificate]);
      server.clock.advance(60_000);
      assert.equal(await id(keys.next), whose);
      await assert.rejects(id(keys.idp), refused("NotAuthorizedException"));
      assert.equal(served.times, 2);
      await put({ MetadataFile: metadataOf([keys.idp.certificate]) });
      assert.equal(await row(), undefined);
      assert.equal(await id(keys.idp), whose);
      served.status = 503;
      await put({ MetadataURL });
      await assert.rejects(
        id(keys.idp),
        refused("ExternalServiceException", /metadata of the identity provider/),
      );
      served.status = 200;
      assert.equal(await id(keys.next), whose);
      assert.ok(await deleteTrustedProvider(server.app.db, arn));
      assert.equal(await row(), undefined);
    } finally {
      web.close();
    }
  });
});
