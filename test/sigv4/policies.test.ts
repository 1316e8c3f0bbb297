/** What callers may do at a service behind the verifier, by credentials of an identity pool. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { GetCredentialsForIdentityCommand, GetIdCommand } from "@aws-sdk/client-cognito-identity";
import {
  forClient,
  giveRoles,
  identityClient,
  makeIdentityPool,
  providerOf,
} from "../identity-pools/setup.ts";
import { makePool, makeSomebody, signIn } from "../kit/people.ts";
import { forEachServer, forOneServer } from "../kit/server.ts";
import { newRole, newVerifier, refusedAs, sent, sessionOf, signed, verifying } from "./setup.ts";

const arn = "arn:aws:execute-api:us-east-1:000000000000:orders/prod";
const policy = (...Statement: object[]) => ({ Version: "2012-10-17", Statement });
const allow = (Resource: string | string[], more: object = {}) => ({
  Effect: "Allow",
  Action: "execute-api:Invoke",
  Resource,
  ...more,
});
const deny = (Resource: string) => ({ Effect: "Deny", Action: "*", Resource });

forEachServer("an identity pool's credentials at a service", (open) => {
  test("a user and a guest, each as the role says, with what API Gateway tells of them", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const client = identityClient(server);
    after(() => client.destroy());
    const { UserPoolId, ClientId } = await makePool(server);
    const poolId = await makeIdentityPool(client, {
      AllowUnauthenticatedIdentities: true,
      CognitoIdentityProviders: [{ ProviderName: providerOf(UserPoolId), ClientId }],
    });
    const own = `${arn}/GET/users/\${cognito-identity.amazonaws.com:sub}`;
    await giveRoles(server, client, poolId, {
      authenticated: policy(allow([`${arn}/GET/orders`, own])),
      unauthenticated: policy(allow(`${arn}/GET/public/*`)),
    });
    const Logins = {
      [providerOf(UserPoolId)]: (await signIn(server, ClientId, await makeSomebody(server, UserPoolId)))
        .IdToken,
    };
    const credentials = async (logins: Record<string, string> | undefined) => {
      const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId, Logins: logins }));
      const given = await client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins: logins }));
      return { id: IdentityId!, as: forClient(given.Credentials) };
    };
    const get = async (as: ReturnType<typeof forClient>, target: string) =>
      verifying(
        verifier,
        await signed(as, sent({ method: "GET", body: "", target }), { now: server.clock.now }),
      );
    const user = await credentials(Logins);
    const caller = await get(user.as, "/orders");
    caller.authorizeInvoke();
    (await get(user.as, `/users/${user.id}`)).authorizeInvoke();
    const other = await get(user.as, `/users/${user.id.replace(/.$/, "x")}`);
    assert.throws(() => other.authorizeInvoke(), refusedAs("denied"));
    assert.deepEqual(caller.identity?.identityId, user.id);
    const { sub } = JSON.parse(
      Buffer.from(Logins[providerOf(UserPoolId)]!.split(".")[1]!, "base64url").toString(),
    );
    const provider = providerOf(UserPoolId);
    const { userArn, caller: who, ...identity } = caller.requestContext.identity;
    assert.deepEqual(identity, {
      cognitoIdentityId: user.id,
      cognitoIdentityPoolId: poolId,
      cognitoAuthenticationType: "authenticated",
      cognitoAuthenticationProvider: `${provider},${provider}:CognitoSignIn:${sub}`,
      accessKey: user.as.accessKeyId,
      accountId: "000000000000",
      user: who,
      sourceIp: "192.0.2.7",
      userAgent: null,
    });
    assert.match(userArn, /:assumed-role\/role\d+\/CognitoIdentityCredentials$/);
    assert.match(who, /^AROA\w+:CognitoIdentityCredentials$/);
    const guest = await credentials(undefined);
    const visit = await get(guest.as, "/public/a");
    visit.authorizeInvoke();
    assert.equal(visit.requestContext.identity.cognitoAuthenticationType, "unauthenticated");
    assert.equal(visit.requestContext.identity.cognitoAuthenticationProvider, null);
    const beyond = await get(guest.as, "/orders");
    assert.throws(() => beyond.authorizeInvoke(), refusedAs("denied"));
  });
});

forOneServer("sqlite", "policies at a service", (open) => {
  const callerOf = async (
    document: object,
    call: { method?: string; target?: string; headers?: Record<string, string> } = {},
    session: Parameters<typeof sessionOf>[2] = {},
  ) => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const as = sessionOf(server, await newRole(server, document), session);
    return verifying(verifier, await signed(as, sent(call), { now: server.clock.now }));
  };

  test("session policies narrow what the role allows, and widen nothing", async () => {
    const policies = [JSON.stringify(policy(allow(`${arn}/POST/*`)))];
    const both = await callerOf(policy(allow(`${arn}/*/orders`)), {}, { policies });
    both.authorizeInvoke();
    const narrowed = await callerOf(policy(allow(`${arn}/*/orders`)), { method: "PUT" }, { policies });
    assert.throws(() => narrowed.authorizeInvoke(), refusedAs("denied", /because no session policy allows/));
    const widened = await callerOf(policy(allow(`${arn}/*/orders`)), { target: "/other" }, { policies });
    assert.throws(
      () => widened.authorizeInvoke(),
      refusedAs("denied", /because no identity-based policy allows/),
    );
  });

  test("conditions about the principal, the call and what only the application knows", async () => {
    const when = (Condition: object) => policy(allow("*", { Condition }));
    const session = { tags: { Team: "blue" } };
    const holds: object[] = [
      { StringEquals: { "aws:PrincipalTag/Team": "blue" } },
      { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } },
      { Bool: { "aws:SecureTransport": "true" } },
      { StringLike: { "aws:UserAgent": "test*" } },
      { StringEquals: { "aws:RequestedRegion": "us-east-1", "aws:ResourceAccount": "000000000000" } },
      { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::000000000000:role/*" } },
      { DateGreaterThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } },
      { Null: { "cognito-identity.amazonaws.com:sub": "true", "aws:username": "true" } },
      { StringEquals: { "Orders:Kind": "small" } },
    ];
    const headers = { "user-agent": "test/1" };
    for (const condition of holds) {
      const caller = await callerOf(when(condition), { headers }, session);
      assert.ok(
        caller.allows("execute-api:Invoke", arn, { "orders:kind": "small" }),
        JSON.stringify(condition),
      );
    }
    const fails: object[] = [
      { StringEquals: { "aws:PrincipalTag/Team": "red" } },
      { IpAddress: { "aws:SourceIp": "198.51.100.0/24" } },
      { StringEquals: { "aws:PrincipalTag/None": "blue" } },
      { StringEquals: { "orders:Kind": "large" } },
      // Nobody knows these keys: what depends on them is not allowed, not even if they were absent.
      { Null: { "orders:Other": "true" } },
      { Null: { "aws:ResourceTag/x": "true" } },
      { StringNotEquals: { "aws:TagKeys": "x" } },
    ];
    for (const condition of fails) {
      const caller = await callerOf(when(condition), { headers }, session);
      assert.ok(
        !caller.allows("execute-api:Invoke", arn, { "orders:kind": "small" }),
        JSON.stringify(condition),
      );
    }
    const denied = await callerOf(
      policy(allow("*"), { ...deny("*"), Condition: { StringEquals: { "orders:Other": "x" } } }),
    );
    assert.ok(!denied.allows("execute-api:Invoke", arn));
    // The application cannot put its own word in place of the principal's.
    const tagged = await callerOf(when({ StringEquals: { "aws:PrincipalTag/Team": "red" } }), {}, session);
    assert.ok(!tagged.allows("execute-api:Invoke", arn, { "aws:PrincipalTag/Team": "red" }));
  });

  test("a denied path has no other spelling", async () => {
    const document = policy(allow("*"), deny(`${arn}/GET/admin`), deny(`${arn}/GET/admin/*`));
    const outcome = async (target: string, method = "GET") => {
      try {
        const caller = await callerOf(document, { target, method });
        caller.authorizeInvoke();
        return "allowed";
      } catch (error) {
        return (error as { problem: string }).problem;
      }
    };
    for (const target of ["/admin", "/admin/", "/ADMIN", "/Admin/", "/admin/x", "/aDmin/x/"])
      assert.equal(await outcome(target), "denied", target);
    for (const target of [
      "/%61dmin",
      "/admin%2fx",
      "/x/../admin",
      "/%2e/admin",
      "//admin",
      "/admin;a",
      "/a\\x",
      "/a#b",
      "/%2561",
      "/%",
      "/a%00",
    ])
      assert.equal(await outcome(target), "path", target);
    assert.equal(await outcome("/admin", "HEAD"), "denied");
    for (const target of ["/", "/administration", "/a%20b/%C3%A4", "/a:b@c/~d", "/a.b/..c"])
      assert.equal(await outcome(target), "allowed", target);
    assert.equal(await outcome("/admin", "POST"), "allowed");
  });

  test("a denied path is denied however policy and request spell it", async () => {
    const method = "GET";
    const spellings: readonly (readonly [denied: string, ...targets: string[]])[] = [
      ["/Admin/*", "/Admin/x", "/admin/x", "/ADMIN/x/"],
      ["/Users('x')", "/Users('x')", "/users%28%27x%27%29", "/users(%27x')/"],
      ["/users%28%27x%27%29", "/Users('x')"],
      ["/a%20b(c)", "/a%20b%28c%29"],
      ["/%C3%A4", "/%c3%a4", "/%C3%a4"],
      ["/ä b", "/%c3%a4%20b/"],
      ["/%c3%a4%3A%2A", "/%C3%A4%3a*", "/%C3%A4:%2a"],
    ];
    for (const [path, ...targets] of spellings)
      for (const target of targets) {
        const caller = await callerOf(policy(allow("*"), deny(`${arn}/GET${path}`)), { method, target });
        assert.throws(() => caller.authorizeInvoke(), refusedAs("denied"), `${path} ${target}`);
      }
    // Only a Deny is read so: another spelling is allowed no more than another path.
    const caller = await callerOf(policy(allow(`${arn}/GET/Public/*`)), { method, target: "/public/x" });
    assert.throws(() => caller.authorizeInvoke(), refusedAs("denied"));
    const other = await callerOf(policy(allow("*"), deny(`${arn}/GET/Admin/*`)), {
      method,
      target: "/administration",
    });
    other.authorizeInvoke();
  });
});
