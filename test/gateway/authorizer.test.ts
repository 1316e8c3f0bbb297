/** Lambda authorizers: what API Gateway sends in each of its ways, and what it makes of the answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  APIGatewayRequestAuthorizerEvent,
  APIGatewayRequestAuthorizerEventV2,
  APIGatewayRequestAuthorizerHandler,
  APIGatewaySimpleAuthorizerResult,
  APIGatewayTokenAuthorizerEvent,
  APIGatewayTokenAuthorizerHandler,
} from "aws-lambda";
import {
  type AuthorizerEvent,
  type AuthorizerOptions,
  type AuthorizerRule,
  createAuthorizer,
  createSimpleAuthorizer,
  type PolicyAnswer,
  type PolicyDocument,
} from "../../src/verify/authorizer.ts";
import { TokenError } from "../../src/verify/index.ts";
import { dice } from "../kit/dice.ts";
import { accessClaims, because, type Claims, startIssuer, verifierOf } from "./issuers.ts";

const issuer = await startIssuer();
const verifier = verifierOf(issuer);
const newToken = (claims: Claims = {}) => issuer.token({ ...accessClaims.cognito(), ...claims });

const stage = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod";

/** Whether API Gateway lets a request pass by a policy: an explicit Deny wins, and what nothing allows is denied. */
function passes({ Statement }: PolicyDocument, arn: string): boolean {
  const fits = (resource: string) =>
    new RegExp(
      `^${resource
        .replace(/[.$(){}+|\\^[\]]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
      "s",
    ).test(arn);
  const effects = Statement.filter(({ Action, Resource }) => {
    assert.equal(Action, "execute-api:Invoke");
    return [Resource].flat().some(fits);
  }).map(({ Effect }) => Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}

const tokenEvent = (authorizationToken: string, call = "GET/orders") =>
  ({
    type: "TOKEN",
    methodArn: `${stage}/${call}`,
    authorizationToken,
  }) satisfies APIGatewayTokenAuthorizerEvent;

const requestEvent = (change: Partial<APIGatewayRequestAuthorizerEvent>, call = "GET/orders") =>
  ({
    ...{ type: "REQUEST", methodArn: `${stage}/${call}`, resource: "/orders", httpMethod: "GET" },
    ...{ path: call.replace(/^[^/]+/, ""), headers: {}, multiValueHeaders: {}, pathParameters: {} },
    ...{ queryStringParameters: {}, multiValueQueryStringParameters: {}, stageVariables: {} },
    requestContext: {} as APIGatewayRequestAuthorizerEvent["requestContext"],
    ...change,
  }) satisfies APIGatewayRequestAuthorizerEvent;

const httpEvent = (headers: Record<string, string>, call = "GET/orders") => {
  const [, method = "", path = ""] = /^([^/]+)(.*)$/.exec(call) ?? [];
  const event = {
    ...{ version: "2.0", type: "REQUEST", routeArn: `${stage}/${call}`, routeKey: `${method} ${path}` },
    ...{ identitySource: Object.values(headers), rawPath: `/prod${path}`, rawQueryString: "", cookies: [] },
    headers,
    requestContext: {} as APIGatewayRequestAuthorizerEventV2["requestContext"],
    pathParameters: {},
    stageVariables: {},
  } satisfies Partial<APIGatewayRequestAuthorizerEventV2>;
  return event as typeof event & AuthorizerEvent;
};

const $connect = (change: Partial<APIGatewayRequestAuthorizerEvent>) => requestEvent(change, "$connect");

const events: Readonly<Record<string, (token: string) => AuthorizerEvent>> = {
  "TOKEN of a REST API": (token) => tokenEvent(`Bearer ${token}`),
  "TOKEN, by itself as for Cognito's authorizer": (token) => tokenEvent(token),
  "REQUEST of a REST API": (token) => requestEvent({ headers: { Authorization: `Bearer ${token}` } }),
  "REQUEST, with each header as a list, too": (token) =>
    requestEvent({
      headers: { authorization: `Bearer ${token}` },
      multiValueHeaders: { authorization: [`Bearer ${token}`] },
    }),
  "payload 1.0 of an HTTP API": (token) => ({
    ...requestEvent({ headers: { authorization: `Bearer ${token}` } }),
    version: "1.0",
    authorizationToken: `Bearer ${token}`,
  }),
  "payload 2.0 of an HTTP API": (token) => httpEvent({ authorization: `Bearer ${token}` }),
};

for (const [name, event] of Object.entries(events))
  test(`${name}: whose token it is, and the whole stage`, async () => {
    const answer = await createAuthorizer(verifier)(event(await newToken()));
    assert.equal(answer.principalId, "ann's id");
    assert.deepEqual(answer.policyDocument, {
      Version: "2012-10-17",
      Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: `${stage}/*` }],
    });
    const { username, "cognito:groups": groups, exp } = answer.context;
    assert.deepEqual([username, groups, typeof exp], ["ann", "admins", "number"]);
    assert.ok(!("usageIdentifierKey" in answer));
  });

test("the context has claims as texts, numbers and truth values alone", async () => {
  const token = await newToken({ list: ["a", 1], deep: { a: 1 }, deepList: [{}], yes: true, no: null });
  const { context } = await createAuthorizer(verifier)(tokenEvent(token));
  assert.deepEqual([context["list"], context["yes"]], ["a,1", true]);
  for (const name of ["deep", "deepList", "no"]) assert.ok(!(name in context), name);
  const few = await createAuthorizer(verifier, { claims: ["sub", "scope", "none"] })(tokenEvent(token));
  assert.deepEqual(few.context, { sub: "ann's id", scope: "openid orders/read" });
});

test("a usage plan's key", async () => {
  const authorize = createAuthorizer(verifier, {
    usageIdentifierKey: ({ groups }) => (groups.includes("admins") ? "key of admins" : undefined),
  });
  assert.equal((await authorize(tokenEvent(await newToken()))).usageIdentifierKey, "key of admins");
  const other = await authorize(tokenEvent(await newToken({ "cognito:groups": [] })));
  assert.ok(!("usageIdentifierKey" in other));
});

const expired = () => newToken({ exp: 1 });
const unauthorized: Readonly<Record<string, () => AuthorizerEvent | Promise<AuthorizerEvent>>> = {
  "no token": () => requestEvent({}),
  "headers that are missing": () => requestEvent({ headers: null }),
  "an empty one": () => tokenEvent(""),
  "another scheme": () => tokenEvent("Basic YTpi"),
  "one that has expired": async () => tokenEvent(await expired()),
  "one that is forged": async () => tokenEvent((await newToken()).replace(/.{20}$/, "A".repeat(20))),
  "an ID token": async () => tokenEvent(await newToken({ token_use: "id" })),
  "two headers": async () => {
    const both = [await newToken(), await newToken()].map((token) => `Bearer ${token}`);
    return requestEvent({ headers: { authorization: both[1] }, multiValueHeaders: { authorization: both } });
  },
  "a header twice, in two spellings": async () =>
    requestEvent({ headers: { authorization: await newToken(), Authorization: await newToken() } }),
  "two headers as HTTP APIs join them": async () =>
    httpEvent({ authorization: `Bearer ${await newToken()},Bearer ${await newToken()}` }),
  "a token in the query, unless it was asked for": async () =>
    $connect({ queryStringParameters: { token: await newToken() } }),
};

for (const [name, event] of Object.entries(unauthorized))
  test(`${name}: 401`, async () => {
    const refused: TokenError[] = [];
    const options: AuthorizerOptions = { onRefused: (error) => refused.push(error) };
    for (const authorize of [createAuthorizer(verifier, options), createSimpleAuthorizer(verifier, options)])
      await assert.rejects(authorize(await event()), { name: "Error", message: "Unauthorized" });
    assert.equal(refused.length, 2);
    assert.ok(refused.every((error) => error instanceof TokenError && error.status === 401));
  });

test("the token of a WebSocket in its query, where that is asked for; not also in a header", async () => {
  const authorize = createAuthorizer(verifier, { query: "token" });
  const token = await newToken();
  const answer = await authorize($connect({ queryStringParameters: { token } }));
  assert.ok(passes(answer.policyDocument, `${stage}/$connect`));
  const both = $connect({ queryStringParameters: { token }, headers: { Authorization: token } });
  await assert.rejects(authorize(both), /^Error: Unauthorized$/);
});

test("the token in another header", async () => {
  const authorize = createAuthorizer(verifier, { header: "X-Token" });
  const answer = await authorize(requestEvent({ headers: { "x-token": await newToken() } }));
  assert.equal(answer.principalId, "ann's id");
});

test("a token without the groups or scopes that all need is denied everything", async () => {
  for (const lacking of [{ groups: ["editors"] }, { scopes: ["orders/write"] }]) {
    const own = await createAuthorizer(verifier, lacking)(tokenEvent(await newToken()));
    const below = await createAuthorizer(verifierOf(issuer, {}, lacking))(tokenEvent(await newToken()));
    for (const { policyDocument } of [own, below])
      assert.deepEqual(
        policyDocument.Statement.map(({ Effect, Resource }) => [Effect, Resource]),
        [["Deny", `${stage}/*`]],
      );
    const event = httpEvent({ authorization: await newToken() });
    assert.deepEqual(await createSimpleAuthorizer(verifier, lacking)(event), {
      isAuthorized: false,
      context: {},
    });
  }
});

test("while nobody can tell it is neither 401 nor a policy", async () => {
  const away = verifierOf(issuer, {}, { isRevoked: () => Promise.reject(new Error("away")) });
  for (const authorize of [createAuthorizer(away), createSimpleAuthorizer(away)])
    await assert.rejects(authorize(tokenEvent(await newToken())), because("unavailable"));
});

test("what is no event is no token's fault", async () => {
  const token = await newToken();
  for (const event of [{}, { type: "TOKEN", methodArn: "arn:aws:s3:::x" }, { methodArn: `${stage}` }])
    await assert.rejects(createAuthorizer(verifier)({ ...event, authorizationToken: token }), TypeError);
});

const rules: readonly AuthorizerRule[] = [
  { path: "/admin/{proxy+}", groups: ["admins"] },
  { path: "/orders", methods: ["POST"], scopes: ["orders/write"] },
  { path: "/orders/{id}", methods: ["PUT", "DELETE"], scopes: ["orders/write"] },
  { path: "/admin/keys", scopes: ["keys"] },
  { path: "/reports", methods: ["GET"], groups: ["auditors"] },
  { path: "/", methods: ["DELETE"], groups: ["owners"] },
  { path: "/{proxy+}", methods: ["PATCH"], groups: ["owners"] },
  { path: "/shops/{id}/keys", groups: ["owners"] },
];

/** Calls, by who may make them: Ann is an admin and may read; Max is in no group and may write. */
const calls: readonly [call: string, ann: boolean, max: boolean][] = [
  ["GET/orders", true, true],
  ["POST/orders", false, true],
  ["POST/orders/", false, true],
  ["GET/orders/17", true, true],
  ["DELETE/orders/17", false, true],
  ["DELETE/orders/17/items/3", false, true],
  ["GET/admin", true, false],
  ["GET/admin/", true, false],
  ["GET/admin/users/17", true, false],
  ["POST/admin/keys", false, false],
  ["GET/administrators", true, true],
  ["GET/reports", false, false],
  ["HEAD/reports", false, false],
  ["POST/reports", true, true],
  ["DELETE/", false, false],
  ["PATCH/", false, false],
  ["PATCH/orders/17", false, false],
  ["GET/mine/admin/keys", true, true],
  ["GET/shops/17/keys", false, false],
  ["GET/shops/17/lists/3/keys", false, false],
  ["GET/shops/17", true, true],
  ["GET/", true, true],
];

const people = {
  ann: () => newToken(),
  max: () => newToken({ sub: "max", "cognito:groups": undefined, scope: "orders/write" }),
};

test("rules by method and path: in the policy for the whole stage, for the request alone, and simply", async () => {
  const whole = createAuthorizer(verifier, { rules });
  const alone = createAuthorizer(verifier, { rules, resource: "method" });
  const simple = createSimpleAuthorizer(verifier, { rules });
  const tokens = { ann: await people.ann(), max: await people.max() };
  const first = {
    ann: await whole(tokenEvent(tokens.ann)),
    max: await whole(tokenEvent(tokens.max)),
  };
  for (const [call, ...may] of calls)
    for (const [at, name] of (["ann", "max"] as const).entries()) {
      const arn = `${stage}/${call}`;
      const what = `${name}: ${call}`;
      const own = await whole(tokenEvent(tokens[name], call));
      assert.equal(passes(own.policyDocument, arn), may[at], what);
      assert.equal(
        passes(first[name].policyDocument, arn),
        may[at],
        `${what}, by the policy for another call`,
      );
      const { policyDocument } = await alone(tokenEvent(tokens[name], call));
      assert.equal(passes(policyDocument, arn), may[at], `${what}, alone`);
      assert.ok(!passes(policyDocument, `${stage}/GET/other`), `${what}, alone, for another`);
      const { isAuthorized } = await simple(httpEvent({ authorization: tokens[name] }, call));
      assert.equal(isAuthorized, may[at], `${what}, simply`);
    }
});

test("whatever the rules, a policy says the same of each call as the simple answer", async () => {
  const { pick, chance } = dice(20_261_130);
  const token = await newToken();
  const path = (...more: readonly string[]) => {
    const segments = () => pick(["a", "b", "ab", "a.b", "a-b", ...more]);
    return Array.from({ length: pick([0, 1, 2, 3]) }, segments).join("/");
  };
  const methods = ["GET", "HEAD", "POST", "DELETE"] as const;
  const seen = { true: 0, false: 0 };
  for (let round = 0; round < 60; round++) {
    const some: AuthorizerRule[] = Array.from({ length: pick([1, 2, 3, 4]) }, () => ({
      path: `/${path("{id}")}${pick(["", "/{proxy+}"])}`.replace("//", "/"),
      ...(chance(2) && { methods: [pick(methods), pick(methods)] }),
      groups: [pick(["admins", "owners"])],
    }));
    const simple = createSimpleAuthorizer(verifier, { rules: some });
    const { policyDocument } = await createAuthorizer(verifier, { rules: some })(tokenEvent(token, "PUT/x"));
    for (let call = 0; call < 20; call++) {
      const asked = `${pick(methods)}/${path()}`;
      const { isAuthorized } = await simple(httpEvent({ authorization: token }, asked));
      seen[`${isAuthorized}`] += 1;
      assert.equal(passes(policyDocument, `${stage}/${asked}`), isAuthorized, JSON.stringify([asked, some]));
    }
  }
  assert.ok(seen.true > 100 && seen.false > 100, JSON.stringify(seen));
});

test("a method that no rule can name is taken for any", async () => {
  const event = httpEvent({ authorization: await people.max() }, "PURGE/admin/x");
  assert.ok(!(await createSimpleAuthorizer(verifier, { rules })(event)).isAuthorized);
});

const unclear = [
  ...["GET/ADMIN/users", "GET/%61dmin/users", "GET//admin/users", "GET/x/../admin", "GET/./admin"],
  ...["GET/admin;x=1/users", "GET/x\\admin", "GET/admin%2fusers", "GET/%2561dmin", "GET/x%00"],
];

test("what the application may take for another path is denied, unless there are no rules", async () => {
  const token = await people.max();
  for (const call of unclear) {
    for (const resource of ["stage", "method"] as const) {
      const authorize = createAuthorizer(verifier, { rules, resource });
      const { policyDocument } = await authorize(tokenEvent(token, call));
      assert.ok(!passes(policyDocument, `${stage}/${call}`), call);
    }
    const event = httpEvent({ authorization: token }, call);
    assert.ok(!(await createSimpleAuthorizer(verifier, { rules })(event)).isAuthorized, call);
    assert.ok((await createSimpleAuthorizer(verifier)(event)).isAuthorized, call);
  }
});

test("the path that was asked for counts as well as that of the route", async () => {
  const event = {
    ...httpEvent({ authorization: await people.max() }, "GET/{proxy+}"),
    rawPath: "/prod/admin/x",
  };
  assert.ok(!(await createSimpleAuthorizer(verifier, { rules })(event)).isAuthorized);
});

test("what a path has of a policy's own characters allows nothing else", async () => {
  const authorize = createAuthorizer(verifier, { resource: "method" });
  for (const call of ["GET/*", "GET/orders/*", "GET/?rders", "GET/${*}", `GET/${"x".repeat(600)}`]) {
    const { policyDocument } = await authorize(tokenEvent(await newToken(), call));
    assert.ok(!passes(policyDocument, `${stage}/GET/orders/17`), call);
  }
});

test("rules that cannot be meant are refused", () => {
  const some = { groups: ["admins"] };
  const wrong: readonly AuthorizerRule[] = [
    { path: "orders", ...some },
    { path: "/orders/*", ...some },
    { path: "/orders//x", ...some },
    { path: "/{proxy+}/x", ...some },
    { path: "/orders", methods: ["get"], ...some },
    { path: "/orders", methods: ["*"], ...some },
    { path: "/orders", methods: [], ...some },
    { path: "/orders" },
    { path: "/orders", groups: [] },
    { path: "/orders", group: ["admins"] } as AuthorizerRule,
    { path: "/orders", scopes: "openid" } as unknown as AuthorizerRule,
  ];
  for (const options of [{ rule: [] }, { resource: "api" }, { groups: "admins" }] as object[])
    assert.throws(() => createAuthorizer(verifier, options), TypeError, JSON.stringify(options));
  for (const rule of wrong)
    for (const create of [createAuthorizer, createSimpleAuthorizer])
      assert.throws(() => create(verifier, { rules: [rule] }), TypeError, JSON.stringify(rule));
});

test("answers have the types of a Lambda function", async () => {
  const authorize = createAuthorizer(verifier);
  const ofToken = (async (event) => authorize(event)) satisfies APIGatewayTokenAuthorizerHandler;
  const ofRequest = (async (event) => authorize(event)) satisfies APIGatewayRequestAuthorizerHandler;
  const simply = async (
    event: APIGatewayRequestAuthorizerEventV2,
  ): Promise<APIGatewaySimpleAuthorizerResult> => createSimpleAuthorizer(verifier)(event);
  const token = await newToken();
  const answers: readonly PolicyAnswer[] = [
    await ofToken(tokenEvent(token)),
    await ofRequest(requestEvent({ headers: { authorization: token } })),
  ];
  assert.ok(answers.every(({ principalId }) => principalId === "ann's id"));
  const event = httpEvent({ authorization: token }) as unknown as APIGatewayRequestAuthorizerEventV2;
  assert.ok((await simply(event)).isAuthorized);
});
