/** AssumeRoleWithWebIdentity: tokens of identity pools and of user pools, and whatever is none. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type CognitoIdentityClient,
  DeleteIdentitiesCommand,
  DeleteIdentityPoolCommand,
  GetIdCommand,
  GetOpenIdTokenCommand,
  GetOpenIdTokenForDeveloperIdentityCommand,
} from "@aws-sdk/client-cognito-identity";
import {
  AdminUserGlobalSignOutCommand,
  DescribeUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import {
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  GetCallerIdentityCommand,
  type STSClient,
} from "@aws-sdk/client-sts";
import { fromWebToken } from "@aws-sdk/credential-providers";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { deleteTrustedProvider, putTrustedProvider } from "../../src/store/trusted-providers.ts";
import { makeClient, makePool, makeSomebody, refused, signIn } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { allowing, identityClient, makeIdentityPool, makeRole, providerOf, trusting } from "./setup.ts";
import { allow, askUnsigned, keysOf, policy, stsClient, version } from "./sts-setup.ts";

const describing = { p: allowing("cognito-idp:DescribeUserPool") };
const developer = "login.example";

interface World {
  readonly server: TestServer;
  readonly identities: CognitoIdentityClient;
  /** Without credentials. */
  readonly sts: STSClient;
  readonly userPoolId: string;
  readonly clientId: string;
  readonly poolId: string;
  /** A role for identities of the pool that signed in, and one for its guests. */
  readonly role: string;
  readonly guestRole: string;
}

forEachServer("AssumeRoleWithWebIdentity", (open) => {
  let made: Promise<World> | undefined;
  const world = () => (made ??= makeWorld(open));
  const clients: { destroy(): void }[] = [];
  const kept = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  after(async () => {
    const running = await made;
    for (const client of [...clients, ...(running ? [running.sts, running.identities] : [])])
      client.destroy();
  });
  const exchange = async (
    WebIdentityToken: string,
    RoleArn: string,
    more: Partial<AssumeRoleWithWebIdentityCommandInput> = {},
  ) =>
    (await world()).sts.send(
      new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: "app", WebIdentityToken, ...more }),
    );
  const denied = refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
  const invalid = refused("InvalidIdentityTokenException");

  test("the basic flow: tokens of those who signed in, and of guests", async () => {
    const { server, userPoolId, poolId, role, guestRole } = await world();
    const [user, guest] = [await userToken(await world()), await guestToken(await world())];
    const { sub } = decodeJwt(user);
    const given = await exchange(user, role);
    assert.equal(given.SubjectFromWebIdentityToken, sub);
    assert.equal(given.Audience, poolId);
    assert.equal(given.Provider, `${server.endpoint}/identity`);
    assert.match(given.AssumedRoleUser!.AssumedRoleId!, /^AROA\w+:app$/);
    const sdk = kept(newSdk(server.endpoint, { credentials: keysOf(given.Credentials) }));
    const { UserPool } = await sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }));
    assert.equal(UserPool?.Id, userPoolId);
    await assert.rejects(
      makePool({ client: sdk }),
      refused("AccessDeniedException", /assumed-role\/role\d+\/app is/),
    );
    await exchange(guest, guestRole);
    await assert.rejects(exchange(guest, role), denied);
    await assert.rejects(exchange(user, guestRole), denied);
    await assert.rejects(exchange(user, role.replace(/\/role\d+$/, "/missing")), denied);
    await assert.rejects(exchange(user, role.replace(/:role\//, ":role/path/")), denied);
    for (const arn of ["no-arn-at-all-in-this-text", role.replace(":role/", ":saml-provider/")])
      await assert.rejects(exchange(user, arn), refused("ValidationError", "Request ARN is invalid"));
  });

  test("fromWebToken signs calls", async () => {
    const { server, userPoolId, role } = await world();
    const credentials = fromWebToken({
      roleArn: role,
      webIdentityToken: await userToken(await world()),
      clientConfig: { endpoint: server.endpoint, region: "us-east-1" },
    });
    const sdk = kept(newSdk(server.endpoint, { credentials }));
    const { UserPool } = await sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }));
    assert.equal(UserPool?.Id, userPoolId);
  });

  test("a token of another pool, of a deleted identity, and of a deleted pool", async () => {
    const { identities, role } = await world();
    const AllowUnauthenticatedIdentities = true;
    const other = await makeIdentityPool(identities, {
      AllowClassicFlow: true,
      AllowUnauthenticatedIdentities,
    });
    const { server } = await world();
    const otherRole = await makeRole(server, trusting(other, "unauthenticated"), describing);
    const token = await guestToken({ ...(await world()), poolId: other });
    await exchange(token, otherRole);
    await assert.rejects(exchange(token, role), denied);
    await identities.send(new DeleteIdentitiesCommand({ IdentityIdsToDelete: [decodeJwt(token).sub!] }));
    await assert.rejects(exchange(token, otherRole), invalid);
    const another = await guestToken({ ...(await world()), poolId: other });
    const { Credentials } = await exchange(another, otherRole);
    await identities.send(new DeleteIdentityPoolCommand({ IdentityPoolId: other }));
    await assert.rejects(exchange(another, otherRole), invalid);
    const gone = kept(stsClient(server, { credentials: keysOf(Credentials) }));
    await assert.rejects(gone.send(new GetCallerIdentityCommand({})), refused("ExpiredToken"));
  });

  test("tags of a developer's token need sts:TagSession, and limit the session", async () => {
    const { server, userPoolId, poolId } = await world();
    const token = await developerToken(await world(), { team: "red" });
    const plain = await developerToken(await world(), {});
    const statement = {
      Effect: "Allow",
      Principal: { Federated: "cognito-identity.amazonaws.com" },
      Condition: { StringEquals: { "cognito-identity.amazonaws.com:aud": poolId } },
    };
    const withoutTags = policy({ ...statement, Action: "sts:AssumeRoleWithWebIdentity" });
    const untagged = await makeRole(server, withoutTags, describing);
    await exchange(plain, untagged);
    await assert.rejects(exchange(token, untagged), denied);
    const byTeam = (team: string) => ({
      p: policy({
        ...allow("cognito-idp:DescribeUserPool"),
        Condition: { StringEquals: { "aws:PrincipalTag/team": team } },
      }),
    });
    const tagged = policy({ ...statement, Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"] });
    for (const [team, may] of [
      ["red", true],
      ["blue", false],
    ] as const) {
      const { Credentials } = await exchange(token, await makeRole(server, tagged, byTeam(team)));
      const sdk = kept(newSdk(server.endpoint, { credentials: keysOf(Credentials) }));
      const described = sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }));
      if (may) await described;
      else await assert.rejects(described, refused("AccessDeniedException"));
    }
  });

  test("ID tokens of a user pool, where the trust policy names it as a provider", async () => {
    const { server, userPoolId, clientId } = await world();
    const provider = `${new URL(server.endpoint).host}/${userPoolId}`;
    const arn = `arn:aws:iam::${server.app.config.accountId}:oidc-provider/${provider}`;
    const trust = (condition: object) =>
      policy({
        Effect: "Allow",
        Principal: { Federated: arn },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: { StringEquals: condition },
      });
    const username = await makeSomebody(server, userPoolId);
    const { IdToken, AccessToken } = await signIn(server, clientId, username);
    const { sub } = decodeJwt(IdToken);
    const role = await makeRole(server, trust({ [`${provider}:aud`]: clientId }), describing);
    const given = await exchange(IdToken, role);
    assert.deepEqual([given.SubjectFromWebIdentityToken, given.Audience], [sub, clientId]);
    const sdk = kept(newSdk(server.endpoint, { credentials: keysOf(given.Credentials) }));
    await sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }));
    await exchange(IdToken, await makeRole(server, trust({ [`${provider}:sub`]: sub })));
    const notTheirs = await makeRole(server, trust({ [`${provider}:sub`]: "somebody" }));
    await assert.rejects(exchange(IdToken, notTheirs), denied);
    await assert.rejects(exchange(IdToken, (await world()).role), denied);
    await assert.rejects(exchange(AccessToken, role), invalid);
    // Whoever registers the pool as a provider says which clients count.
    const { ClientId: other } = await makeClient(server, userPoolId);
    const times = { createdAt: 0, updatedAt: 0 };
    const register = (clientIds: string[]) =>
      putTrustedProvider(server.app.db, {
        ...{ arn, kind: "oidc", document: { url: `${server.endpoint}/${userPoolId}`, clientIds } },
        ...times,
      });
    await register([other]);
    await assert.rejects(
      exchange(IdToken, role),
      refused("InvalidIdentityTokenException", "Incorrect token audience"),
    );
    await register([other, clientId]);
    await exchange(IdToken, role);
    await deleteTrustedProvider(server.app.db, arn);
    await server.client.send(
      new AdminUserGlobalSignOutCommand({ UserPoolId: userPoolId, Username: username }),
    );
    await assert.rejects(exchange(IdToken, role), invalid);
  });

  test("forged tokens", async () => {
    const { role } = await world();
    const token = await userToken(await world());
    const claims = decodeJwt(token);
    const [header, payload, signature] = token.split(".") as [string, string, string];
    const { privateKey, publicKey } = await generateKeyPair("RS256");
    const { kid } = JSON.parse(Buffer.from(header, "base64url").toString()) as { kid: string };
    const foreign = (more: object, key: { kid?: string; jwk?: object } = { kid }) =>
      new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg: "RS256", ...key }).sign(privateKey);
    const changed = Buffer.from(JSON.stringify({ ...claims, amr: ["authenticated"] })).toString("base64url");
    const hmac = new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid });
    const forged: Record<string, string> = {
      "no signature": new UnsecuredJWT(claims).encode(),
      "no signature left": `${header}.${payload}.`,
      "another payload": `${header}.${changed}.${signature}`,
      "another signature": `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`,
      "a foreign key": await foreign({}),
      "its own key": await foreign({}, { jwk: await exportJWK(publicKey) }),
      "the id of the key as a secret": await hmac.sign(Buffer.from(kid.padEnd(32, "x"))),
      "no issuer": await foreign({ iss: undefined }),
      "an unknown issuer": await foreign({ iss: "https://<evil>.example\u0001" }),
      "the issuer of AWS": await foreign({ iss: "https://cognito-identity.amazonaws.com" }),
      "a user pool that does not exist": await foreign({
        iss: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Nothing00",
      }),
      text: "abcd",
      dots: "....",
      "an opaque token of Facebook": `EAA${"x".repeat(200)}`,
    };
    for (const [what, one] of Object.entries(forged))
      await assert.rejects(exchange(one, role), invalid, what);
    await assert.rejects(
      exchange(token, role, { ProviderId: "graph.facebook.com" }),
      refused("ValidationError", /ProviderId/),
    );
  });

  test("session policies, durations, and the time of the token", async () => {
    const { server, userPoolId, role } = await world();
    const token = await userToken(await world());
    const Policy = JSON.stringify(policy(allow("cognito-idp:ListUsers")));
    const { Credentials, PackedPolicySize } = await exchange(token, role, { Policy, DurationSeconds: 900 });
    assert.ok(PackedPolicySize! > 0);
    const left = Credentials!.Expiration!.getTime() - server.clock.now;
    assert.ok(left <= 900_000 && left > 870_000, String(left));
    const sdk = kept(newSdk(server.endpoint, { credentials: keysOf(Credentials) }));
    await assert.rejects(
      sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId })),
      refused("AccessDeniedException", /no session policy allows/),
    );
    await assert.rejects(
      exchange(token, role, { Policy: "{}" }),
      refused("MalformedPolicyDocumentException"),
    );
    await assert.rejects(
      exchange(token, role, { Policy: "x".repeat(2049) }),
      refused("ValidationError", /'policy'/),
    );
    await assert.rejects(exchange(token, role, { DurationSeconds: 3601 }), refused("ValidationError"));
    await assert.rejects(exchange(token, role, { RoleSessionName: "a b" }), refused("ValidationError"));
    server.clock.advance(601_000);
    await assert.rejects(exchange(token, role), refused("ExpiredTokenException"));
  });

  test("a signature is ignored", async () => {
    const { server, role } = await world();
    const body = new URLSearchParams({
      ...{
        Action: "AssumeRoleWithWebIdentity",
        Version: "2011-06-15",
        RoleArn: role,
        RoleSessionName: "app",
      },
      WebIdentityToken: await userToken(await world()),
    });
    const authorization = "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y";
    const answer = await askUnsigned(server.endpoint, String(body), { authorization });
    assert.equal(answer.status, 200, answer.body);
    const { code } = await askUnsigned(server.endpoint, `Action=AssumeRole&${version}`, { authorization });
    assert.equal(code, "IncompleteSignature");
  });
});

async function makeWorld(open: () => Promise<TestServer>): Promise<World> {
  const server = await open();
  const identities = identityClient(server);
  const { UserPoolId, ClientId } = await makePool(server);
  const poolId = await makeIdentityPool(identities, {
    AllowUnauthenticatedIdentities: true,
    AllowClassicFlow: true,
    DeveloperProviderName: developer,
    CognitoIdentityProviders: [{ ProviderName: providerOf(UserPoolId), ClientId }],
  });
  return {
    ...{ server, identities, poolId, userPoolId: UserPoolId, clientId: ClientId },
    sts: stsClient(server, { credentials: undefined as never }),
    role: await makeRole(server, trusting(poolId, "authenticated"), describing),
    guestRole: await makeRole(server, trusting(poolId, "unauthenticated"), describing),
  };
}

async function userToken({ server, identities, poolId, userPoolId, clientId }: World): Promise<string> {
  const { IdToken } = await signIn(server, clientId, await makeSomebody(server, userPoolId));
  return tokenOf(identities, poolId, { [providerOf(userPoolId)]: IdToken });
}

const guestToken = ({ identities, poolId }: World) => tokenOf(identities, poolId, undefined);

async function tokenOf(
  client: CognitoIdentityClient,
  IdentityPoolId: string,
  Logins: Record<string, string> | undefined,
): Promise<string> {
  const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId, Logins }));
  return (await client.send(new GetOpenIdTokenCommand({ IdentityId, Logins }))).Token!;
}

async function developerToken(
  { identities, poolId }: World,
  PrincipalTags: Record<string, string>,
): Promise<string> {
  const given = await identities.send(
    new GetOpenIdTokenForDeveloperIdentityCommand({
      IdentityPoolId: poolId,
      Logins: { [developer]: "ann" },
      PrincipalTags,
    }),
  );
  return given.Token!;
}
