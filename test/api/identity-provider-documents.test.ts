/** What providers publish: the configuration of OpenID providers and the metadata of SAML providers; and the pool's certificates for SAML. */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { after, test } from "node:test";
import {
  DeleteIdentityProviderCommand,
  GetSigningCertificateCommand,
  UpdateIdentityProviderCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { readSamlKey, readSamlMetadata } from "../../src/store/saml-keys.ts";
import { makeClient, makePool, refused } from "../kit/people.ts";
import { openPlace, type ProviderPlace } from "../kit/provider-place.ts";
import {
  createProvider,
  describeProvider,
  least,
  metadata,
  oidcEndpoints,
  openIdProvider,
  providerWith,
} from "../kit/providers.ts";
import { forOneServer } from "../kit/server.ts";
import { authorize, callback, oauthClient } from "../oauth/support.ts";
import { added } from "./provider-details.ts";

const noEndpoints = Object.fromEntries(Object.keys(oidcEndpoints).map((member) => [member, undefined]));

const invalid = (message: string | RegExp) => refused("InvalidParameterException", message);

forOneServer("sqlite", "documents of identity providers", (open) => {
  const places: ProviderPlace[] = [];
  const place = async () => {
    const opened = await openPlace();
    places.push(opened);
    return opened;
  };
  after(() => Promise.all(places.map((one) => one.close())));

  test("an update that another one overtakes changes nothing", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const provider = await place();
    await createProvider(server, UserPoolId, openIdProvider("Corp"));
    const key = { UserPoolId, ProviderName: "Corp" };
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: waiting, resolve: waits } = Promise.withResolvers<void>();
    provider.pages.set("/.well-known/openid-configuration", {
      body: { issuer: provider.url, authorization_endpoint: `${provider.url}/auth` },
      get after() {
        waits();
        return released;
      },
    });
    const slow = client.send(
      new UpdateIdentityProviderCommand({
        ...key,
        ProviderDetails: providerWith("OIDC", { authorize_url: undefined, oidc_issuer: provider.url })
          .ProviderDetails,
        IdpIdentifiers: ["slow.example"],
      }),
    );
    await waiting;
    await client.send(new UpdateIdentityProviderCommand({ ...key, IdpIdentifiers: ["quick.example"] }));
    release();
    await assert.rejects(slow, refused("ConcurrentModificationException"));
    const now = await describeProvider(server, UserPoolId, "Corp");
    assert.deepEqual(now.IdpIdentifiers, ["quick.example"]);
    assert.equal(now.ProviderDetails?.["oidc_issuer"], "https://op.example");
  });

  test("an OpenID provider without endpoints is discovered", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const provider = await place();
    const path = "/.well-known/openid-configuration";
    const given = (ProviderName: string) => ({
      ...providerWith("OIDC", { ...noEndpoints, oidc_issuer: provider.url }),
      ProviderName,
    });
    const found = {
      issuer: provider.url,
      authorization_endpoint: `${provider.url}/auth`,
      token_endpoint: `${provider.url}/token`,
      userinfo_endpoint: `${provider.url}/me`,
      jwks_uri: `${provider.url}/jwks`,
    };
    const url = `${provider.url}${path}`;
    const rows: [body: string | object, status: number, why: string][] = [
      ["", 404, `${url} answers with status 404.`],
      [found, 500, `${url} answers with status 500.`],
      ["<html>", 200, `${url} is no configuration of an OpenID provider.`],
      ["null", 200, `${url} is no configuration of an OpenID provider.`],
      [{}, 200, `${url} is no configuration of an OpenID provider.`],
      [
        { ...found, issuer: "https://other.example" },
        200,
        `${url} is not the configuration of ${provider.url} but https://other.example.`,
      ],
      [{ ...found, token_endpoint: undefined }, 200, `${url} has no token_endpoint; you can give token_url.`],
      [{ ...found, jwks_uri: 1 }, 200, `${url} has no jwks_uri; you can give jwks_uri.`],
    ];
    for (const [body, status, why] of rows) {
      provider.pages.set(path, { body, status });
      await assert.rejects(
        createProvider(server, UserPoolId, given("Corp")),
        invalid(`Unable to contact well-known endpoint. ${why}`),
      );
    }
    provider.pages.set(path, { body: { ...found, jwks_uri: "http://jwks.example/jwks" } });
    await assert.rejects(
      createProvider(server, UserPoolId, given("Corp")),
      invalid("OIDC endpoint must start with https://"),
    );
    provider.pages.set(path, { body: { ...found, userinfo_endpoint: undefined } });
    const { ProviderDetails } = await createProvider(server, UserPoolId, given("Corp"));
    assert.deepEqual(ProviderDetails, { ...given("Corp").ProviderDetails, ...added.OIDC });
    await provider.close();
    await assert.rejects(
      createProvider(server, UserPoolId, given("Corp2")),
      invalid(/^Unable to contact well-known endpoint\. \S+ cannot be read: \S+ cannot be reached: \w+$/),
    );
    // Whatever was given is not looked for.
    const asked = provider.asked.length;
    await createProvider(server, UserPoolId, openIdProvider("Corp3"));
    assert.equal(provider.asked.length, asked);
  });

  test("an issuer that stands for many tenants is refused, and the message says which to give", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const microsoft = "https://login.microsoftonline.com";
    const refusal = (issuer: string, own: string) =>
      invalid(
        `The issuer ${issuer} stands for many tenants, and each has its own. Give that of one tenant as oidc_issuer: ${own}`,
      );
    for (const [issuer, own] of [
      [`${microsoft}/common/v2.0`, `${microsoft}/<tenant id>/v2.0`],
      [`${microsoft}/Organizations/v2.0`, `${microsoft}/<tenant id>/v2.0`],
      [`${microsoft}/consumers`, `${microsoft}/<tenant id>`],
      [`${microsoft}/{tenantid}/v2.0`, `${microsoft}/<tenant id>/v2.0`],
      ["https://login.microsoftonline.us/common/v2.0", "https://login.microsoftonline.us/<tenant id>/v2.0"],
    ] as const) {
      const given = openIdProvider("Entra");
      const details = { ...given.ProviderDetails, oidc_issuer: issuer };
      const refused = refusal(issuer, own);
      await assert.rejects(
        createProvider(server, UserPoolId, { ...given, ProviderDetails: details }),
        refused,
        issuer,
      );
    }
    const provider = await place();
    const body = { issuer: `${provider.url}/{tenantid}/v2.0` };
    provider.pages.set("/common/v2.0/.well-known/openid-configuration", { body });
    const shared = providerWith("OIDC", { ...noEndpoints, oidc_issuer: `${provider.url}/common/v2.0` });
    const ofTenant = `${provider.url}/<tenant id>/v2.0`;
    await assert.rejects(
      createProvider(server, UserPoolId, shared),
      refusal(`${provider.url}/common/v2.0`, ofTenant),
    );
    const tenant = openIdProvider("Tenant", {
      ProviderDetails: { ...openIdProvider("Tenant").ProviderDetails, oidc_issuer: `${microsoft}/1234/v2.0` },
    });
    await createProvider(server, UserPoolId, tenant);
    const update = new UpdateIdentityProviderCommand({
      ...{ UserPoolId, ProviderName: "Tenant" },
      ProviderDetails: { ...tenant.ProviderDetails, oidc_issuer: `${microsoft}/common/v2.0` },
    });
    await assert.rejects(
      client.send(update),
      refusal(`${microsoft}/common/v2.0`, `${microsoft}/<tenant id>/v2.0`),
    );
  });

  test("the metadata of a SAML provider is read from its URL", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const provider = await place();
    const MetadataURL = `${provider.url}/metadata`;
    const given = providerWith("SAML", { MetadataFile: undefined, MetadataURL, IDPSignout: "false" });
    await assert.rejects(
      createProvider(server, UserPoolId, given),
      invalid(`Non-ok status code 404 returned from remote metadata source ${MetadataURL}`),
    );
    provider.pages.set("/metadata", { body: "<html></html>" });
    await assert.rejects(
      createProvider(server, UserPoolId, given),
      invalid(/^The SAML metadata cannot be used: ./),
    );
    provider.pages.set("/metadata", { body: metadata({ logout: false }) });
    const made = await createProvider(server, UserPoolId, given);
    const { ActiveEncryptionCertificate, ...details } = made.ProviderDetails ?? {};
    assert.deepEqual(details, {
      ...given.ProviderDetails,
      SSORedirectBindingURI: "https://saml.example/sso",
    });
    // What was described can be sent back; only the metadata says where the services are.
    provider.pages.set("/metadata", { body: metadata() });
    const key = { UserPoolId, ProviderName: "Campus" };
    const sent = { ...made.ProviderDetails, SSORedirectBindingURI: "https://other.example/sso" };
    const { IdentityProvider: changed } = await client.send(
      new UpdateIdentityProviderCommand({ ...key, ProviderDetails: sent }),
    );
    assert.deepEqual(changed?.ProviderDetails, {
      ...made.ProviderDetails,
      SLORedirectBindingURI: "https://saml.example/slo",
    });
    assert.ok(ActiveEncryptionCertificate);
    // What was read then is what sign-ins use: the last of three readings.
    await provider.close();
    const { ClientId } = await makeClient(server, UserPoolId, {
      ...oauthClient,
      SupportedIdentityProviders: ["Campus"],
    });
    const base = `${server.endpoint}/${UserPoolId}`;
    const { origin } = await authorize({ base, ClientId, cookie: "" }, { redirect_uri: callback });
    assert.equal(origin, "https://saml.example");
    const kept = await readSamlMetadata(server.app.db, UserPoolId, "Campus");
    assert.equal(kept?.document, metadata());
    await assert.rejects(
      createProvider(server, UserPoolId, { ...given, ProviderName: "Campus2" }),
      invalid(/^The metadata at http:\/\/127\.0\.0\.1:\d+\/metadata cannot be read/),
    );
  });

  test("the certificates of a pool are what AWS's are", async () => {
    const server = await open();
    const { client, clock, app } = server;
    const { UserPoolId } = await makePool(server);
    const campus = await createProvider(server, UserPoolId, least.SAML);
    const second = await createProvider(server, UserPoolId, { ...least.SAML, ProviderName: "Second" });
    // Whoever asks first has it made, also of ten at once.
    const sign = async () =>
      (await client.send(new GetSigningCertificateCommand({ UserPoolId }))).Certificate;
    const signing = await Promise.all(Array.from({ length: 10 }, sign));
    assert.equal(new Set(signing).size, 1);
    const encryption = [campus, second].map((one) => one.ProviderDetails?.["ActiveEncryptionCertificate"]);
    const serials = new Set<string>();
    for (const [text, holder] of [
      [signing[0], ""],
      [encryption[0], "Campus"],
      [encryption[1], "Second"],
    ] as const) {
      const certificate = new X509Certificate(Buffer.from(text ?? "", "base64"));
      assert.match(text ?? "", /^[A-Za-z0-9+/]+=*$/);
      assert.equal(certificate.subject, `CN=${UserPoolId}`);
      assert.equal(certificate.issuer, certificate.subject);
      assert.ok(certificate.verify(certificate.publicKey));
      assert.equal(certificate.publicKey.asymmetricKeyType, "rsa");
      assert.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
      assert.match(certificate.serialNumber, /^[0-7][0-9A-F]{15}$/);
      serials.add(certificate.serialNumber);
      const from = certificate.validFromDate;
      assert.ok(Math.abs(from.getTime() - clock.now) < 3_600_000);
      const until = new Date(from);
      until.setUTCFullYear(until.getUTCFullYear() + 10);
      assert.equal(until.getTime() - certificate.validToDate.getTime(), 43_200_000);
      const key = await readSamlKey(app.db, UserPoolId, holder);
      assert.ok(certificate.checkPrivateKey(createPrivateKey(key?.privateKey ?? "")));
    }
    assert.equal(serials.size, 3);
    // An encryption key is the provider's own: the next one of that name has another.
    await client.send(new DeleteIdentityProviderCommand({ UserPoolId, ProviderName: "Campus" }));
    const again = await createProvider(server, UserPoolId, least.SAML);
    assert.notEqual(again.ProviderDetails?.["ActiveEncryptionCertificate"], encryption[0]);
    assert.equal(await sign(), signing[0]);
    const nowhere = new GetSigningCertificateCommand({ UserPoolId: "us-east-1_Nowhere" });
    await assert.rejects(client.send(nowhere), refused("ResourceNotFoundException"));
  });
});
