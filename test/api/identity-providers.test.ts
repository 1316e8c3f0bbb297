/** Identity providers of a pool through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DeleteIdentityProviderCommand,
  DeleteUserPoolCommand,
  DescribeIdentityProviderCommand,
  DescribeUserPoolClientCommand,
  type IdentityProviderTypeType,
  ListIdentityProvidersCommand,
  UpdateIdentityProviderCommand,
  type UpdateIdentityProviderCommandInput,
  UpdateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient, makePool, refused } from "../kit/people.ts";
import {
  createProvider,
  type Details,
  describeProvider,
  least,
  oidcEndpoints,
  openIdProvider,
  providerTypes,
  providerWith,
} from "../kit/providers.ts";
import { forEachServer } from "../kit/server.ts";
import { added, firstMapping, refusedDetails } from "./provider-details.ts";

const invalid = (message: string | RegExp) => refused("InvalidParameterException", message);

forEachServer("identity providers", (open) => {
  test("each type is made with the least it takes, and described with what that means", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    for (const type of providerTypes) {
      const given = least[type];
      const made = await createProvider(server, UserPoolId, given);
      const { ActiveEncryptionCertificate, ...details } = made.ProviderDetails ?? {};
      assert.equal(ActiveEncryptionCertificate !== undefined, type === "SAML", type);
      // Apple's private key is in no answer.
      const { private_key: _, ...shown } = given.ProviderDetails ?? {};
      assert.deepEqual(details, { ...shown, ...added[type] }, type);
      assert.deepEqual(made.AttributeMapping, firstMapping[type], type);
      assert.deepEqual(made.IdpIdentifiers, [], type);
      assert.equal(made.AcrMapping, undefined);
      assert.equal(made.UserPoolId, UserPoolId);
      assert.equal(made.ProviderName, given.ProviderName);
      assert.equal(made.ProviderType, type);
      assert.ok(made.CreationDate instanceof Date);
      assert.deepEqual(made.LastModifiedDate, made.CreationDate);
      assert.deepEqual(await describeProvider(server, UserPoolId, given.ProviderName ?? ""), made);
    }
  });

  test("details that do not fit are refused, and leave nothing", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    for (const [type, change, message] of refusedDetails)
      await assert.rejects(createProvider(server, UserPoolId, providerWith(type, change)), invalid(message));
    const { Providers } = await client.send(new ListIdentityProvidersCommand({ UserPoolId }));
    assert.deepEqual(Providers, []);
    // An update is checked by the same rules.
    for (const type of providerTypes) await createProvider(server, UserPoolId, least[type]);
    for (const [type, change, message] of refusedDetails) {
      const { ProviderName, ProviderDetails } = providerWith(type, change);
      // What no answer contains may be omitted here.
      if ("private_key" in change && change["private_key"] === undefined) continue;
      const update = new UpdateIdentityProviderCommand({ UserPoolId, ProviderName, ProviderDetails });
      await assert.rejects(client.send(update), invalid(message));
    }
  });

  test("endpoints of every type can be given, and lead to this machine where the server is on it", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const own = Object.fromEntries(
      Object.keys(oidcEndpoints).map((member) => [member, `http://localhost:9/${member}`]),
    );
    for (const type of providerTypes.filter((one) => one !== "SAML")) {
      const made = await createProvider(
        server,
        UserPoolId,
        providerWith(type, { ...own, oidc_issuer: "http://[::1]:9" }),
      );
      for (const [member, url] of Object.entries(own)) assert.equal(made.ProviderDetails?.[member], url);
      assert.equal(made.ProviderDetails?.["oidc_issuer"], "http://[::1]:9");
    }
    const versioned = { UserPoolId, ProviderName: "Facebook" };
    const ProviderDetails = { ...least.Facebook.ProviderDetails, api_version: "v21.0" };
    const changed = await server.client.send(
      new UpdateIdentityProviderCommand({ ...versioned, ProviderDetails }),
    );
    assert.equal(
      changed.IdentityProvider?.ProviderDetails?.["token_url"],
      "https://graph.facebook.com/v21.0/oauth/access_token",
    );
  });

  test("the name of a social provider is its type, and no other provider has it", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const rows: [name: string, type: IdentityProviderTypeType][] = [
      ["MyGoogle", "Google"],
      ["google", "Google"],
      ["Facebook", "Google"],
      ["Google", "OIDC"],
      ["SignInWithApple", "SAML"],
      ["COGNITO", "OIDC"],
      ["Cognito", "SAML"],
      ["cognito", "OIDC"],
    ];
    for (const [ProviderName, type] of rows)
      await assert.rejects(
        createProvider(server, UserPoolId, { ...least[type], ProviderName }),
        invalid(`Provider ${ProviderName} cannot be of type ${type}.`),
      );
    for (const ProviderName of ["_Corp", "Corp_", " Corp", "Corp ", "Corp\u0007", "x".repeat(33)])
      await assert.rejects(
        createProvider(server, UserPoolId, openIdProvider(ProviderName)),
        invalid(/at 'providerName' failed to satisfy constraint/),
      );
    await createProvider(server, UserPoolId, openIdProvider("Ünï-Corp.1"));
  });

  test("attributes of the pool are mapped, and nothing else", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server, {
      Schema: [{ Name: "team", AttributeDataType: "String", Mutable: true }],
    });
    const mapping = {
      email: "email",
      email_verified: "email_verified",
      "custom:team": "https://op.example/team",
    };
    const made = await createProvider(
      server,
      UserPoolId,
      openIdProvider("Corp", { AttributeMapping: mapping }),
    );
    assert.deepEqual(made.AttributeMapping, { ...mapping, username: "sub" });
    const rows: [IdentityProviderTypeType, Details, string][] = [
      ["OIDC", { "custom:none": "a" }, "AttributeMapping contains invalid mapping: [custom:none]"],
      ["OIDC", { team: "a", none: "b" }, "AttributeMapping contains invalid mapping: [team, none]"],
      ["OIDC", { sub: "sub" }, "AttributeMapping contains invalid mapping: [sub]"],
      ["SAML", { identities: "a" }, "AttributeMapping contains invalid mapping: [identities]"],
      ["OIDC", { email: "" }, "AttributeMapping contains invalid mapping: [email]"],
      ["OIDC", { email: "x".repeat(2049) }, "AttributeMapping contains invalid mapping: [email]"],
      [
        "OIDC",
        { username: "email" },
        "AttributeMapping contains invalid mapping: [username]. It must be mapped to sub.",
      ],
      [
        "Facebook",
        { username: "sub" },
        "AttributeMapping contains invalid mapping: [username]. It must be mapped to id.",
      ],
      [
        "SAML",
        { username: "NameID" },
        "AttributeMapping contains invalid mapping: [username]. Users of SAML providers are named by their NameID.",
      ],
    ];
    for (const [type, AttributeMapping, message] of rows)
      await assert.rejects(
        createProvider(server, UserPoolId, { ...least[type], AttributeMapping }),
        invalid(message),
      );
    const key = { UserPoolId, ProviderName: "Corp" };
    for (const [type, AttributeMapping, message] of rows.filter(([one]) => one === "OIDC"))
      await assert.rejects(
        client.send(new UpdateIdentityProviderCommand({ ...key, AttributeMapping })),
        invalid(message),
        type,
      );
    const longest = { email: "x".repeat(2048) };
    const changed = await client.send(
      new UpdateIdentityProviderCommand({ ...key, AttributeMapping: longest }),
    );
    assert.deepEqual(changed.IdentityProvider?.AttributeMapping, { ...longest, username: "sub" });
  });

  test("an update replaces what it gives as a whole, and leaves the rest", async () => {
    const server = await open();
    const { client, clock } = server;
    const { UserPoolId } = await makePool(server);
    const first = await createProvider(
      server,
      UserPoolId,
      openIdProvider("Corp", {
        ProviderDetails: { ...least.OIDC.ProviderDetails, client_secret: "s3cret" },
        AttributeMapping: { email: "email", name: "name" },
        IdpIdentifiers: ["corp.example", "other.example"],
        AcrMapping: { high: "urn:high" },
      }),
    );
    assert.deepEqual(first.AcrMapping, { high: "urn:high" });
    const update = async (given: Partial<UpdateIdentityProviderCommandInput>) => {
      clock.advance(60_000);
      const key = { UserPoolId, ProviderName: "Corp" };
      const { IdentityProvider } = await client.send(new UpdateIdentityProviderCommand({ ...key, ...given }));
      assert.deepEqual(await describeProvider(server, UserPoolId, "Corp"), IdentityProvider);
      assert.ok(Number(IdentityProvider?.LastModifiedDate) > Number(first.CreationDate));
      assert.deepEqual(IdentityProvider?.CreationDate, first.CreationDate);
      const { LastModifiedDate: _, ...rest } = IdentityProvider ?? {};
      return rest;
    };
    const { LastModifiedDate: _, ...expected } = first;
    assert.deepEqual(await update({}), expected);
    expected.AttributeMapping = { phone_number: "phone", username: "sub" };
    assert.deepEqual(await update({ AttributeMapping: { phone_number: "phone" } }), expected);
    expected.IdpIdentifiers = ["new.example"];
    assert.deepEqual(await update({ IdpIdentifiers: ["new.example"] }), expected);
    expected.IdpIdentifiers = [];
    assert.deepEqual(await update({ IdpIdentifiers: [] }), expected);
    expected.AcrMapping = {};
    assert.deepEqual(await update({ AcrMapping: {} }), expected);
    // Without its secret, the client is a public one.
    const { client_secret: __, ...publicDetails } = first.ProviderDetails ?? {};
    expected.ProviderDetails = { ...publicDetails, authorize_scopes: "openid" };
    assert.deepEqual(await update({ ProviderDetails: expected.ProviderDetails }), expected);
    // What was described can be sent back.
    assert.deepEqual(await update(expected), expected);
    await assert.rejects(
      client.send(new UpdateIdentityProviderCommand({ UserPoolId, ProviderName: "Nobody" })),
      refused("ResourceNotFoundException", "Identity provider Nobody does not exist."),
    );
  });

  test("Apple's private key stays until another is given", async () => {
    const server = await open();
    const { client, app } = server;
    const { UserPoolId } = await makePool(server);
    const made = await createProvider(server, UserPoolId, least.SignInWithApple);
    const key = { UserPoolId, ProviderName: "SignInWithApple" };
    const stored = async () => {
      const { readProvider } = await import("../../src/store/identity-providers.ts");
      return (await readProvider(app.db, UserPoolId, "SignInWithApple"))?.secrets["private_key"];
    };
    const ProviderDetails = { ...made.ProviderDetails, team_id: "OTHER12345" };
    await client.send(new UpdateIdentityProviderCommand({ ...key, ProviderDetails }));
    assert.equal(await stored(), "k3y-of-team");
    await client.send(
      new UpdateIdentityProviderCommand({
        ...key,
        ProviderDetails: { ...ProviderDetails, private_key: "another" },
      }),
    );
    assert.equal(await stored(), "another");
  });

  test("what a pool does not have is not found, and the pool's own users are no provider", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    await createProvider(server, UserPoolId, openIdProvider("Corp"));
    const key = { UserPoolId, ProviderName: "corp" };
    const missing = refused("ResourceNotFoundException", "Identity provider corp does not exist.");
    await assert.rejects(client.send(new DescribeIdentityProviderCommand(key)), missing);
    await assert.rejects(client.send(new UpdateIdentityProviderCommand(key)), missing);
    await assert.rejects(client.send(new DeleteIdentityProviderCommand(key)), missing);
    const own = { UserPoolId, ProviderName: "COGNITO" };
    const unsupported = refused("UnsupportedIdentityProviderException");
    await assert.rejects(client.send(new UpdateIdentityProviderCommand(own)), unsupported);
    await assert.rejects(client.send(new DeleteIdentityProviderCommand(own)), unsupported);
    await assert.rejects(
      describeProvider(server, UserPoolId, "COGNITO"),
      refused("ResourceNotFoundException"),
    );
    await client.send(new DeleteIdentityProviderCommand({ UserPoolId, ProviderName: "Corp" }));
    await assert.rejects(describeProvider(server, UserPoolId, "Corp"), refused("ResourceNotFoundException"));
    await createProvider(server, UserPoolId, openIdProvider("Corp"));
    await client.send(new DeleteUserPoolCommand({ UserPoolId }));
    const gone = refused("ResourceNotFoundException", `User pool ${UserPoolId} does not exist.`);
    await assert.rejects(describeProvider(server, UserPoolId, "Corp"), gone);
    await assert.rejects(createProvider(server, UserPoolId, openIdProvider("Corp")), gone);
  });

  test("a client names providers that exist, and keeps the names of deleted ones", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const missing = invalid(`The provider Corp does not exist for User Pool ${UserPoolId}.`);
    const SupportedIdentityProviders = ["COGNITO", "Corp", "Google"];
    await assert.rejects(makeClient(server, UserPoolId, { SupportedIdentityProviders }), missing);
    await createProvider(server, UserPoolId, openIdProvider("Corp"));
    await createProvider(server, UserPoolId, least.Google);
    const { ClientId } = await makeClient(server, UserPoolId, { SupportedIdentityProviders });
    const key = { UserPoolId, ClientId };
    const update = (given: object = {}) => client.send(new UpdateUserPoolClientCommand({ ...key, ...given }));
    const providers = async () =>
      (await client.send(new DescribeUserPoolClientCommand(key))).UserPoolClient?.SupportedIdentityProviders;
    assert.deepEqual(await providers(), SupportedIdentityProviders);
    await client.send(new DeleteIdentityProviderCommand({ UserPoolId, ProviderName: "Corp" }));
    assert.deepEqual(await providers(), SupportedIdentityProviders);
    await update({ ClientName: "renamed" });
    assert.deepEqual(await providers(), SupportedIdentityProviders);
    await assert.rejects(update({ SupportedIdentityProviders }), missing);
    await update({ SupportedIdentityProviders: ["Google", "Google"] });
    assert.deepEqual(await providers(), ["Google"]);
    const many = Array.from({ length: 1001 }, (_, index) => `Corp-${index}`);
    await assert.rejects(
      update({ SupportedIdentityProviders: many }),
      invalid("A client can have 1000 identity providers at most."),
    );
    await assert.rejects(
      update({ SupportedIdentityProviders: many.slice(0, 1000) }),
      invalid(`The provider Corp-0 does not exist for User Pool ${UserPoolId}.`),
    );
  });
});
