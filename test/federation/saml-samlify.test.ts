/** SAML with another implementation as the provider: samlify, in this process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Freshness } from "../../src/domain/federation/protocol.ts";
import { saml, verifyUnsolicited } from "../../src/domain/federation/saml.ts";
import { readLogoutMessage } from "../../src/domain/federation/saml-logout.ts";
import { serviceProviderMetadata } from "../../src/domain/federation/saml-sp-metadata.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { acs, base, contextOf, entityId, makePlace, newKey, type SamlPlace, slo } from "./saml-kit.ts";
import {
  answer,
  IdentityProvider,
  type Provider as Idp,
  ServiceProvider,
  setSchemaValidator,
} from "./samlify.ts";

setSchemaValidator({ validate: async () => "valid" });

const keys = {
  idp: await newKey("samlify"),
  pool: await newKey("pool"),
  encryption: await newKey("encryption"),
};
const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

const algorithms = {
  gcm: "http://www.w3.org/2009/xmlenc11#aes256-gcm",
  cbc: "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
  oaep: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
  rsa15: "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
};

/** The provider, as its operator sets it up. */
const provider = (more: object = {}): Idp =>
  IdentityProvider({
    entityID: entityId,
    signingCert: keys.idp.certificate,
    privateKey: keys.idp.privateKey,
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    nameIDFormat: [persistent],
    singleSignOnService: [{ Binding: redirect, Location: "https://idp.example/sso" }],
    singleLogoutService: [{ Binding: redirect, Location: "https://idp.example/slo" }],
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
    ...more,
  });

/** What the provider makes of our metadata. */
const consumer = async (server: TestServer, place: SamlPlace) =>
  ServiceProvider({
    metadata: await serviceProviderMetadata(contextOf(server), place, place.provider),
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
  });

const queryOf = (location: string) => Object.fromEntries(new URL(location).searchParams);
/** The query of a message, and what its signature covers. */
function received(location: string) {
  const octetString = location.slice(location.indexOf("?") + 1).replace(/&Signature=.*/, "");
  return { query: queryOf(location), octetString };
}

forOneServer("postgres", "SAML with samlify", (open) => {
  const setting = async (details: Readonly<Record<string, string>> = {}, idp = provider()) => {
    const server = await open();
    const place = await makePlace(
      server,
      { MetadataFile: idp.getMetadata(), IDPSignout: "true", ...details },
      { pool: keys.pool, provider: keys.encryption },
    );
    return { server, place, idp, sp: await consumer(server, place) };
  };
  const begin = (server: TestServer, place: SamlPlace, fresh: Freshness = "no") =>
    saml.begin(contextOf(server), { ...place, state: "the-state", fresh, loginHint: undefined });

  test("a sign-in from our request to the user, each side by the other's metadata", async () => {
    for (const RequestSigningAlgorithm of ["", "rsa-sha256"]) {
      const { server, place, idp, sp } = await setting({ RequestSigningAlgorithm });
      const { location, remembered } = await begin(server, place, "asked");
      assert.ok(location.startsWith("https://idp.example/sso?SAMLRequest="));
      const { query, octetString } = received(location);
      assert.equal(query["RelayState"], "the-state");
      assert.equal("Signature" in query, RequestSigningAlgorithm !== "");
      const asks = provider({ wantAuthnRequestsSigned: RequestSigningAlgorithm !== "" });
      const request = await asks.parseLoginRequest(sp, "redirect", { query, octetString });
      assert.equal(request.extract.request.id, remembered["requestId"]);
      assert.equal(request.extract.request.destination, "https://idp.example/sso");
      assert.equal(request.extract.request.assertionConsumerServiceUrl, acs);
      assert.equal(request.extract.issuer, `urn:amazon:cognito:sp:${place.pool.id}`);
      assert.match(request.samlContent, / ForceAuthn="true"/);
      const parameters = await answer(idp, sp, request.extract.request.id, request);
      const identity = await saml.verify(contextOf(server), { ...place, remembered, parameters });
      assert.deepEqual([identity.issuer, identity.subject], [entityId, "ann"]);
      assert.deepEqual(identity.claims, { email: "ann@example.com" });
      assert.deepEqual(
        [identity.session, identity.logout],
        ["_samlify", { nameId: "ann", nameIdFormat: persistent }],
      );
      assert.doesNotMatch((await begin(server, place)).location, /ForceAuthn/);
    }
  });

  test("a request that only the provider wants signed is signed, too", async () => {
    const { server, place, sp } = await setting({}, provider({ wantAuthnRequestsSigned: true }));
    assert.match((await begin(server, place)).location, /&Signature=/);
    assert.ok(sp.entityMeta.isAuthnRequestSigned(), "our metadata says so");
    assert.ok(!(await setting()).sp.entityMeta.isAuthnRequestSigned());
  });

  test("encrypted assertions, where they are demanded, and by nothing weak", async () => {
    const encrypting = (dataEncryptionAlgorithm: string, keyEncryptionAlgorithm: string) =>
      provider({ isAssertionEncrypted: true, dataEncryptionAlgorithm, keyEncryptionAlgorithm });
    const { server, place, idp, sp } = await setting({ EncryptedResponses: "true" });
    const verify = async (by: Idp) =>
      saml.verify(contextOf(server), {
        ...place,
        remembered: { requestId: "_request" },
        parameters: await answer(by, sp, "_request", {}),
      });
    for (const algorithm of [algorithms.gcm, algorithms.cbc])
      assert.equal((await verify(encrypting(algorithm, algorithms.oaep))).subject, "ann");
    await assert.rejects(verify(encrypting(algorithms.gcm, algorithms.rsa15)), {
      message: /the EncryptedAssertion cannot be decrypted, or is not signed by the provider\.$/,
    });
    await assert.rejects(verify(idp), { message: /the Assertion is not encrypted, which is demanded\.$/ });
    const plain = await setting();
    const encrypted = await answer(encrypting(algorithms.gcm, algorithms.oaep), sp, "_request", {});
    await assert.rejects(
      saml.verify(contextOf(server), {
        ...plain.place,
        remembered: { requestId: "_request" },
        parameters: encrypted,
      }),
      { message: /the Assertion is encrypted, but the provider's EncryptedResponses is not true\.$/ },
    );
  });

  test("a sign-in that the provider begins", async () => {
    const { server, place, idp, sp } = await setting({ IDPInit: "true" });
    const form = (await answer(idp, sp, "", {})).get("SAMLResponse")!;
    assert.equal((await verifyUnsolicited(contextOf(server), place, form)).subject, "ann");
    await assert.rejects(verifyUnsolicited(contextOf(server), place, form), { message: /used before/ });
  });

  test("single logout from here, and the provider's answer", async () => {
    const { server, place, idp, sp } = await setting();
    const known = { nameId: "ann", nameIdFormat: persistent };
    const leaving = { ...place, known, session: "_samlify", state: "leaving" };
    const location = (await saml.logout(contextOf(server), leaving)) ?? assert.fail();
    assert.ok(location.startsWith("https://idp.example/slo?SAMLRequest="));
    const request = await idp.parseLogoutRequest(sp, "redirect", received(location));
    assert.deepEqual(request.extract.nameID, "ann");
    assert.deepEqual(request.extract.sessionIndex, "_samlify");
    for (const binding of ["redirect", "post"] as const) {
      const made = idp.createLogoutResponse(sp, request, binding, { relayState: "leaving" });
      const sent =
        binding === "redirect"
          ? new URL(made.context).search.slice(1)
          : new URLSearchParams({ SAMLResponse: made.context, RelayState: "leaving" }).toString();
      const read = await readLogoutMessage(contextOf(server), place, sent, binding);
      assert.deepEqual(read, {
        kind: "response",
        succeeded: true,
        state: "leaving",
      });
    }
    const off = await setting({ IDPSignout: "false" });
    assert.equal(await saml.logout(contextOf(server), { ...leaving, ...off.place }), undefined);
    assert.equal(await saml.logout(contextOf(server), { ...leaving, known: {} }), undefined);
    const without = await setting({}, provider({ singleLogoutService: [] }));
    assert.equal(await saml.logout(contextOf(server), { ...leaving, ...without.place }), undefined);
  });

  test("single logout from the provider, and our answer", async () => {
    const { server, place, idp, sp } = await setting();
    for (const binding of ["redirect", "post"] as const) {
      const relayState = "their state (1)!";
      const user = { logoutNameID: "ann", sessionIndex: "_samlify" };
      const made = idp.createLogoutRequest(sp, binding, user, { relayState });
      const sent =
        binding === "redirect"
          ? new URL(made.context).search.slice(1)
          : new URLSearchParams({ SAMLRequest: made.context, RelayState: relayState }).toString();
      const read = await readLogoutMessage(contextOf(server), place, sent, binding);
      if (read.kind !== "request") assert.fail(read.kind);
      assert.deepEqual(
        [read.providers.map(({ name }) => name), read.issuer, read.name.nameId, read.sessionIndexes],
        [[place.provider.name], entityId, "ann", ["_samlify"]],
      );
      for (const [succeeded, status] of [
        [true, "Success"],
        [false, "Requester"],
      ] as const) {
        const location = (await read.answer(succeeded)) ?? assert.fail();
        assert.ok(location.startsWith("https://idp.example/slo?SAMLResponse="), location);
        const got = received(location);
        assert.equal(got.query["RelayState"], relayState);
        const check = provider({ wantLogoutResponseSigned: succeeded });
        const parsed = check.parseLogoutResponse(sp, "redirect", got);
        if (!succeeded) await assert.rejects(parsed, (error) => String(error).includes(status));
        else assert.equal((await parsed).extract.response.inResponseTo, made.id);
      }
      await assert.rejects(readLogoutMessage(contextOf(server), place, sent, binding), {
        message: "Error in SAML logout message processing: the request was used before.",
      });
    }
  });

  test("our metadata", async () => {
    const { server, place } = await setting({
      EncryptedResponses: "true",
      RequestSigningAlgorithm: "rsa-sha256",
    });
    const text = await serviceProviderMetadata(contextOf(server), place, place.provider);
    const sp = ServiceProvider({ metadata: text });
    assert.equal(sp.entityMeta.getEntityID(), `urn:amazon:cognito:sp:${place.pool.id}`);
    assert.equal(sp.entityMeta.getAssertionConsumerService("post"), acs);
    assert.equal(sp.entityMeta.getSingleLogoutService("post"), slo);
    assert.equal(sp.entityMeta.getX509Certificate("signing"), keys.pool.certificate);
    assert.equal(sp.entityMeta.getX509Certificate("encryption"), keys.encryption.certificate);
    assert.ok(sp.entityMeta.isAuthnRequestSigned() && sp.entityMeta.isWantAssertionsSigned());
    const ofPool = await serviceProviderMetadata(contextOf(server), { pool: place.pool, base });
    assert.doesNotMatch(ofPool, /use="encryption"/);
  });
});
