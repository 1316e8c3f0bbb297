import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkRedirectUrl } from "../../src/domain/user-pools/client-oauth.ts";
import { type ClientSettings, clientSettings } from "../../src/domain/user-pools/client-settings.ts";
import {
  allowsFlow,
  canRead,
  canWrite,
  hidesUsers,
  tokenLifetimes,
} from "../../src/domain/user-pools/clients.ts";
import { newDocument } from "../../src/domain/user-pools/create-pool.ts";
import type { ClientDocument } from "../../src/domain/user-pools/load-pool.ts";
import { pinnedClientId } from "../../src/domain/user-pools/manage-clients.ts";
import { randomText } from "../../src/lib/random.ts";
import type { ExplicitAuthFlowsType } from "../../src/wire/generated/user-pools.types.ts";

const pool = {
  id: "us-east-1_abcdefghi",
  document: newDocument(
    {
      PoolName: "p",
      Schema: [
        { Name: "email", Required: true },
        { Name: "color", AttributeDataType: "String" },
        { Name: "secret", AttributeDataType: "String", DeveloperOnlyAttribute: true },
      ],
    },
    "us-east-1",
  ),
};
const scopes = ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin", "api/list"];
const settings = (given: ClientSettings, hasSecret = false) =>
  clientSettings(pool, given, { doing: "creating", hasSecret, scopes });
const refused = (message: string | RegExp, code = "InvalidParameterException") => ({ code, message });

/** What a stored document looks like. */
const stored = (document: ClientDocument) => JSON.parse(JSON.stringify(document));

test("defaults are Cognito's", () => {
  assert.deepEqual(stored(settings({})), {
    RefreshTokenValidity: 30,
    AllowedOAuthFlowsUserPoolClient: false,
    EnableTokenRevocation: true,
    EnablePropagateAdditionalUserContextData: false,
    AuthSessionValidity: 3,
    ClientType: "REGULAR",
  });
});

describe("token validity", () => {
  const lifetimes = (given: ClientSettings) => tokenLifetimes({ document: settings(given) });
  test("defaults", () => assert.deepEqual(lifetimes({}), { access: 3600, id: 3600, refresh: 30 * 86_400 }));
  test("default units", () =>
    assert.deepEqual(lifetimes({ AccessTokenValidity: 2, IdTokenValidity: 24, RefreshTokenValidity: 1 }), {
      access: 7200,
      id: 86_400,
      refresh: 86_400,
    }));
  test("own units", () =>
    assert.deepEqual(
      lifetimes({
        AccessTokenValidity: 5,
        IdTokenValidity: 1,
        RefreshTokenValidity: 86_400,
        TokenValidityUnits: { AccessToken: "minutes", IdToken: "days", RefreshToken: "seconds" },
      }),
      { access: 300, id: 86_400, refresh: 86_400 },
    ));
  test("zero means the default", () => {
    const document = settings({
      AccessTokenValidity: 0,
      IdTokenValidity: 0,
      RefreshTokenValidity: 0,
      TokenValidityUnits: { RefreshToken: "minutes" },
    });
    assert.deepEqual(tokenLifetimes({ document }), { access: 3600, id: 3600, refresh: 30 * 86_400 });
    assert.equal(document.RefreshTokenValidity, 30);
    assert.deepEqual(document.TokenValidityUnits, { RefreshToken: "days" });
  });
  const outOfRange: ClientSettings[] = [
    { AccessTokenValidity: 4, TokenValidityUnits: { AccessToken: "minutes" } },
    { IdTokenValidity: 25 },
    { AccessTokenValidity: 2, TokenValidityUnits: { AccessToken: "days" } },
    { RefreshTokenValidity: 59, TokenValidityUnits: { RefreshToken: "minutes" } },
    { RefreshTokenValidity: 3651 },
    { AccessTokenValidity: 2, RefreshTokenValidity: 1, TokenValidityUnits: { RefreshToken: "hours" } },
  ];
  for (const given of outOfRange) {
    test(`${JSON.stringify(given)} is refused`, () =>
      assert.throws(() => settings(given), refused("Invalid range for token validity.")));
  }
});

describe("flows", () => {
  const every = [
    "USER_PASSWORD_AUTH",
    "USER_SRP_AUTH",
    "ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_NO_SRP_AUTH",
    "REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN",
    "CUSTOM_AUTH",
    "USER_AUTH",
    "SOMETHING",
    "toString",
  ];
  const rows: [ExplicitAuthFlowsType[], string[]][] = [
    [[], ["USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "CUSTOM_AUTH"]],
    [["ALLOW_USER_PASSWORD_AUTH"], ["USER_PASSWORD_AUTH"]],
    [["ALLOW_ADMIN_USER_PASSWORD_AUTH"], ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"]],
    [
      ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "USER_AUTH"],
    ],
    [
      ["ADMIN_NO_SRP_AUTH"],
      [
        "USER_SRP_AUTH",
        "ADMIN_USER_PASSWORD_AUTH",
        "ADMIN_NO_SRP_AUTH",
        "REFRESH_TOKEN_AUTH",
        "REFRESH_TOKEN",
      ],
    ],
    [["USER_PASSWORD_AUTH"], ["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"]],
    [["CUSTOM_AUTH_FLOW_ONLY"], ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "CUSTOM_AUTH"]],
  ];
  for (const [ExplicitAuthFlows, allowed] of rows) {
    test(`${ExplicitAuthFlows.join() || "none given"} allows ${allowed.join()}`, () => {
      const client = { document: settings({ ExplicitAuthFlows }) };
      assert.deepEqual(
        every.filter((flow) => allowsFlow(client, flow)),
        allowed,
      );
    });
  }
  test("old and new values do not mix", () =>
    assert.throws(
      () => settings({ ExplicitAuthFlows: ["ADMIN_NO_SRP_AUTH", "ALLOW_USER_SRP_AUTH"] }),
      refused(/mix/),
    ));
  test("rotation takes ALLOW_REFRESH_TOKEN_AUTH away", () => {
    const RefreshTokenRotation = { Feature: "ENABLED" as const };
    const document = settings({ RefreshTokenRotation });
    assert.equal(document.ExplicitAuthFlows, undefined);
    assert.deepEqual(
      every.filter((flow) => allowsFlow({ document }, flow)),
      ["USER_SRP_AUTH", "CUSTOM_AUTH"],
    );
    assert.deepEqual(document.RefreshTokenRotation, { Feature: "ENABLED", RetryGracePeriodSeconds: 0 });
    const legacy = {
      document: settings({ RefreshTokenRotation, ExplicitAuthFlows: ["USER_PASSWORD_AUTH"] }),
    };
    assert.equal(allowsFlow(legacy, "REFRESH_TOKEN_AUTH"), false);
    assert.throws(
      () => settings({ RefreshTokenRotation, ExplicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"] }),
      refused(/ALLOW_REFRESH_TOKEN_AUTH/),
    );
  });
});

describe("attributes", () => {
  const open = { document: settings({}) };
  const narrow = {
    document: settings({ ReadAttributes: ["name", "email"], WriteAttributes: ["email", "custom:color"] }),
  };
  const rows: [string, boolean, boolean, boolean, boolean][] = [
    // attribute, open reads, open writes, narrow reads, narrow writes
    ["sub", true, false, true, false],
    ["email", true, true, true, true],
    ["name", true, true, true, false],
    ["email_verified", true, false, false, false],
    ["custom:color", true, true, false, true],
    ["dev:custom:secret", true, false, false, false],
    ["identities", true, false, false, false],
    ["custom:nothing", false, false, false, false],
  ];
  for (const [name, openReads, openWrites, narrowReads, narrowWrites] of rows) {
    test(name, () => {
      assert.equal(canRead(pool, open, name), openReads);
      assert.equal(canWrite(pool, open, name), openWrites);
      assert.equal(canRead(pool, narrow, name), narrowReads);
      assert.equal(canWrite(pool, narrow, name), narrowWrites);
    });
  }
  const message = "Invalid write attributes specified while creating a client";
  for (const list of [
    ["name"],
    ["email", "nothing"],
    ["email", "email_verified"],
    ["email", "dev:custom:secret"],
  ]) {
    test(`${list.join()} is no list of writable attributes`, () =>
      assert.throws(() => settings({ WriteAttributes: list }), refused(message)));
  }
  test("unknown attributes are not readable", () =>
    assert.throws(
      () => clientSettings(pool, { ReadAttributes: ["x"] }, { doing: "updating", hasSecret: false, scopes }),
      refused("Invalid read attributes specified while updating a client"),
    ));
  test("an empty list is no list", () => {
    const document = settings({ ReadAttributes: [], WriteAttributes: [] });
    assert.equal(document.ReadAttributes, undefined);
    assert.equal(document.WriteAttributes, undefined);
  });
});

describe("OAuth", () => {
  const good = [
    "https://example.com/callback?x=1",
    "http://localhost:3000",
    "http://127.0.0.1/cb",
    "http://[::1]:8080/cb",
    "myapp://example",
    "com.example.app:/oauth2redirect",
  ];
  const bad = [
    "http://example.com",
    "http://localhost.example.com",
    "https://example.com/#here",
    "javascript:alert(1)",
    "javascript://example.com/%0aalert(1)",
    "data:text/html,x",
    "data:/text",
    "file:///etc/passwd",
    "/callback",
    "example.com/callback",
    "https:example.com",
    "https:///example.com",
    "https://exa\\mple.com",
    "mailto:a@example.com",
    "https://*/callback",
    "https://*.example.com/callback",
    "https://app-*.example.com/callback",
    "http://*.localhost:3000",
    "https://a;script-src.example/callback",
    "https://a,b.example/callback",
    "https://'self'.example/callback",
    "https://[::1%25lo]/callback",
  ];
  for (const url of good) test(`${url} is a redirect URL`, () => checkRedirectUrl(url));
  for (const url of bad)
    test(`${url} is none`, () => assert.throws(() => checkRedirectUrl(url), refused(/./)));

  const rows: [string, ClientSettings, string, string | RegExp][] = [
    [
      "flows without scopes",
      { AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: ["code"] },
      "InvalidParameterException",
      /are required/,
    ],
    [
      "an unknown scope",
      { AllowedOAuthScopes: ["api/read"] },
      "ScopeDoesNotExistException",
      "Invalid scope requested: api/read",
    ],
    [
      "mixed flows",
      { AllowedOAuthFlows: ["client_credentials", "code"] },
      "InvalidOAuthFlowException",
      /along with/,
    ],
    [
      "client credentials without a secret",
      { AllowedOAuthFlows: ["client_credentials"] },
      "InvalidOAuthFlowException",
      /secret/,
    ],
    [
      "a default that is no callback",
      { DefaultRedirectURI: "https://a.example" },
      "InvalidParameterException",
      /DefaultRedirectURI/,
    ],
    [
      "context data without a secret",
      { EnablePropagateAdditionalUserContextData: true },
      "InvalidParameterException",
      /secret/,
    ],
  ];
  for (const [name, given, code, message] of rows) {
    test(`${name} is refused`, () => assert.throws(() => settings(given), refused(message, code)));
  }
  test("client credentials get no scope of a user", () =>
    assert.throws(
      () => settings({ AllowedOAuthFlows: ["client_credentials"], AllowedOAuthScopes: ["openid"] }, true),
      refused("openid is not supported with client_credentials flow", "InvalidOAuthFlowException"),
    ));
  test("a full set is stored", () => {
    const given: ClientSettings = {
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
      CallbackURLs: ["https://a.example/cb"],
      LogoutURLs: ["https://a.example/bye"],
      DefaultRedirectURI: "https://a.example/cb",
      SupportedIdentityProviders: ["COGNITO"],
    };
    const document = stored(settings(given));
    for (const [name, value] of Object.entries(given)) assert.deepEqual(document[name], value);
  });
});

test("hidesUsers", () => {
  assert.equal(hidesUsers({ document: settings({}) }), false);
  assert.equal(hidesUsers({ document: settings({ PreventUserExistenceErrors: "ENABLED" }) }), true);
});

test("a client's name can fix its id", () => {
  assert.equal(pinnedClientId("my app"), undefined);
  assert.equal(pinnedClientId("_custom_id_:my_client+1"), "my_client+1");
  for (const bad of ["", "a-b", "a b", "x".repeat(129)])
    assert.throws(() => pinnedClientId(`_custom_id_:${bad}`), refused(/client id/));
  assert.throws(
    () => pinnedClientId("_custom_id_:ALL"),
    refused("The client id ALL stands for all clients."),
  );
});

test("random texts use every character and no bias", () => {
  let next = 0;
  const counting = (length: number) => Uint8Array.from({ length }, () => next++ % 256);
  const text = randomText(counting, "0123456789abcdefghijklmnopqrstuvwxyz", 252);
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  assert.deepEqual([...new Set(counts.values())], [7]);
});
