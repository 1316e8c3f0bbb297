/** Metadata of SAML providers: what is read, what is refused, and how a URL's is kept and renewed. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { saml } from "../../src/domain/federation/saml.ts";
import { parseSamlMetadata } from "../../src/domain/saml/metadata.ts";
import { SamlFault } from "../../src/domain/saml/xml.ts";
import { readSamlMetadata } from "../../src/store/saml-keys.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  base64,
  contextOf,
  entityId,
  type Key,
  makePlace,
  metadataOf,
  newKey,
  pem,
  responseXml,
  type SamlPlace,
  sayings,
  signAt,
} from "./saml-kit.ts";

const keys = { old: await newKey("old"), new: await newKey("new"), signer: await newKey("signer") };
const right = metadataOf([keys.old.certificate]);
const now = Date.parse("2026-05-01T12:00:00Z");
const minute = 60_000;
const hour = 60 * minute;

const signedMetadata = (xml: string, signer: Key, algorithm: "sha1" | "sha256" = "sha256") =>
  signAt(xml, "/*[local-name()='EntityDescriptor']", { signer, algorithm });

test("what metadata says", async () => {
  const more = 'validUntil="2026-06-01T00:00:00Z" cacheDuration="P1DT1H"';
  const role = 'WantAuthnRequestsSigned="true" validUntil="2026-05-02T00:00:00+02:00"';
  const text = metadataOf([keys.old.certificate, keys.new.certificate], { more, role });
  const read = await parseSamlMetadata(`\uFEFF${text}\n`, { now });
  const at = (name: string) => `https://idp.example/${name}`;
  const logout = at("SingleLogoutService/Redirect");
  assert.deepEqual(read, {
    entityId,
    signIn: { redirect: at("SingleSignOnService/Redirect"), post: at("SingleSignOnService/POST") },
    signOut: { redirect: { location: logout, responses: logout }, post: undefined },
    certificates: [pem(keys.old.certificate), pem(keys.new.certificate)],
    wantsSignedRequests: true,
    validUntil: Date.parse("2026-05-01T22:00:00Z"),
    cacheFor: 25 * hour,
  });
});

const small = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({
  type: "spki",
  format: "der",
});

/** Metadata in an EntitiesDescriptor. */
const among = (metadata: string, more = "") =>
  `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ${more}>${metadata.replaceAll(/<\?.*\?>/g, "")}</EntitiesDescriptor>`;

test("one provider in an EntitiesDescriptor is as one by itself", async () => {
  assert.deepEqual(await parseSamlMetadata(among(right), { now }), await parseSamlMetadata(right, { now }));
});

/** A document that is refused -> why, and where. */
const refusals: Readonly<Record<string, readonly [text: string, why: string]>> = {
  "no XML": ["{}", "the document is refused: line 1"],
  nothing: ["", "the document is refused: line 1"],
  "a page": [
    "<html/>",
    "this is no metadata: the root is html of the namespace (none), and not EntityDescriptor",
  ],
  "metadata of many": [
    among(`${right}${right}`.replaceAll("_metadata", "").replaceAll(' ID=""', "")),
    "the EntitiesDescriptor has more than one EntityDescriptor.",
  ],
  "metadata of one, all of which has expired": [
    among(right, 'validUntil="2026-04-01T00:00:00Z"'),
    "the metadata has expired: its validUntil is 2026-04-01T00:00:00.000Z.",
  ],
  "not well-formed": [
    right.replace("</md:IDPSSODescriptor>", ""),
    "the document is refused: line 6, column 22: ",
  ],
  "a document type": [
    right.replace("\n", "\n<!DOCTYPE r>\n"),
    "line 2, column 12: it has a document type (DTD)",
  ],
  "an entity bomb": [
    right.replace("\n", '\n<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n'),
    "it has a document type (DTD), which is not allowed.",
  ],
  "10 MB": [
    right.replace("\n", `\n<!--${"x".repeat(10_000_000)}-->`),
    "it has more than 1,000,000 characters.",
  ],
  "nothing but nesting": [
    right.replace("<md:IDPSSO", `${"<a>".repeat(50)}${"</a>".repeat(50)}<md:IDPSSO`),
    "it is nested more than 40 deep.",
  ],
  expired: [
    metadataOf([keys.old.certificate], { more: 'validUntil="2026-05-01T12:00:00Z"' }),
    "the metadata has expired: its validUntil is 2026-05-01T12:00:00.000Z.",
  ],
  "a role that has expired": [
    metadataOf([keys.old.certificate], { role: 'validUntil="2026-04-01T00:00:00Z"' }),
    "the metadata has expired: its validUntil is 2026-04-01T00:00:00.000Z.",
  ],
  "a time that is none": [
    metadataOf([keys.old.certificate], { more: 'validUntil="tomorrow"' }),
    "the validUntil of the EntityDescriptor is no time with a time zone: tomorrow.",
  ],
  "a duration that is none": [
    metadataOf([keys.old.certificate], { more: 'cacheDuration="6h"' }),
    "the cacheDuration of the EntityDescriptor is no duration: 6h.",
  ],
  "no entity id": [right.replace(/entityID="[^"]*"/, ""), "the EntityDescriptor has no entityID."],
  "no role": [
    right.replaceAll("IDPSSODescriptor", "SPSSODescriptor"),
    "has 0 IDPSSODescriptor elements for SAML 2.0",
  ],
  "SAML 1.1": [
    right.replace(
      'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0',
      'protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1',
    ),
    "has 0 IDPSSODescriptor elements for SAML 2.0, and needs one.",
  ],
  "no redirect": [
    right.replace(/<md:SingleSignOnService Binding="[^"]*Redirect"[^>]*>/, ""),
    "the IDPSSODescriptor has no SingleSignOnService with the binding HTTP-Redirect.",
  ],
  "a script for a URL": [
    right.replace("https://idp.example/SingleSignOnService/Redirect", "javascript:alert(1)"),
    "the Location of the SingleSignOnService is no https or http URL: javascript:alert(1).",
  ],
  "no certificate": [metadataOf([]), "has no KeyDescriptor for signing with an X509Certificate."],
  "too many certificates": [
    metadataOf(Array.from({ length: 21 }, () => keys.old.certificate)),
    "has 21 certificates for signing, and may have 20.",
  ],
  "a certificate that is none": [metadataOf([base64("hello")]), "an X509Certificate cannot be read."],
  "a key that is none": [metadataOf([small.toString("base64")]), "an X509Certificate cannot be read."],
};

test("metadata is refused with a line that says why, and where", async () => {
  for (const [name, [text, why]] of Object.entries(refusals))
    await assert.rejects(
      parseSamlMetadata(text, { now }),
      (error: unknown) => {
        assert.ok(error instanceof SamlFault, String(error));
        assert.ok(error.message.includes(why) && !error.message.includes("\n"), `${name}: ${error.message}`);
        return true;
      },
      name,
    );
  await parseSamlMetadata(right, { now });
});

test("where a signature is demanded, it is that of the given certificate, and nothing beside it counts", async () => {
  const demands = { now, signedBy: pem(keys.signer.certificate) };
  const signed = signedMetadata(right, keys.signer);
  assert.equal((await parseSamlMetadata(signed, demands)).entityId, entityId);
  assert.equal(
    (await parseSamlMetadata(signed, { now, signedBy: keys.signer.certificate })).entityId,
    entityId,
  );
  const wrong: Readonly<Record<string, readonly [text: string, why: RegExp]>> = {
    unsigned: [
      right,
      /^the metadata is not signed: the EntityDescriptor has no Signature, which is demanded\.$/,
    ],
    "by another": [signedMetadata(right, keys.old), /^the signature is wrong, or made with a key/],
    changed: [signed.replace(keys.old.certificate, keys.new.certificate), /^the signature is wrong/],
    "by SHA-1": [
      signedMetadata(right, keys.signer, "sha1"),
      /^the SignatureMethod .*rsa-sha1 is not allowed\.$/,
    ],
    wrapped: [
      metadataOf([keys.new.certificate], { extra: `<x>${signed.replace(/^.*\n/, "")}</x>` }).replace(
        'ID="_metadata"',
        'ID="_evil"',
      ),
      /^the metadata is not signed/,
    ],
  };
  for (const [name, [text, message]] of Object.entries(wrong))
    await assert.rejects(parseSamlMetadata(text, demands), { message }, name);
});

forOneServer("sqlite", "Metadata of SAML providers by URL", (open) => {
  const served = { status: 200, body: right, times: 0 };
  const http = createServer((_request, response) => {
    served.times += 1;
    response.writeHead(served.status).end(served.body);
  });
  const listening = new Promise<string>((resolve) => {
    http.listen(0, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(http.address() as AddressInfo).port}/metadata`),
    );
  });
  after(() => http.close());
  const serve = (body: string, status = 200) => Object.assign(served, { status, body, times: 0 });

  const begin = (server: TestServer, place: SamlPlace) =>
    saml.begin(contextOf(server), { ...place, state: "state", fresh: "no", loginHint: undefined });
  /** Verifies a response that this key has signed. */
  const verify = (server: TestServer, place: SamlPlace, signer: Key) => {
    const said = sayings({ now: server.clock.now, poolId: place.pool.id, signer }, "_request");
    return saml.verify(contextOf(server), {
      ...place,
      remembered: { requestId: "_request" },
      parameters: new URLSearchParams({ SAMLResponse: base64(responseXml(said)) }),
    });
  };
  const setting = async (details: Readonly<Record<string, string>> = {}) => {
    const server = await open();
    server.clock.freeze();
    serve(right);
    const MetadataURL = await listening;
    const place = await makePlace(
      server,
      { MetadataURL, ...details },
      { pool: keys.signer, provider: keys.signer },
    );
    return { server, place };
  };
  const unknown = /made with a key that is not in the provider's metadata/;

  test("it is fetched once, by however many at a time, and again after six hours", async () => {
    const { server, place } = await setting();
    const begun = await Promise.all(Array.from({ length: 10 }, () => begin(server, place)));
    assert.equal(served.times, 1);
    assert.ok(
      begun.every(({ location }) => location.startsWith("https://idp.example/SingleSignOnService/Redirect?")),
    );
    server.clock.advance(6 * hour - 1);
    await begin(server, place);
    assert.equal(served.times, 1);
    serve(metadataOf([keys.new.certificate]));
    server.clock.advance(1);
    await begin(server, place);
    assert.equal(served.times, 1);
    await verify(server, place, keys.new);
    await assert.rejects(verify(server, place, keys.old), { message: unknown });
  });

  test("its own cacheDuration counts, between five minutes and a day", async () => {
    for (const [given, age] of [
      ["PT1H", hour],
      ["PT0S", 5 * minute],
      ["P30D", 24 * hour],
    ] as const) {
      const { server, place } = await setting();
      serve(metadataOf([keys.old.certificate], { more: `cacheDuration="${given}"` }));
      await begin(server, place);
      const kept = await readSamlMetadata(server.app.db, place.pool.id, place.provider.name);
      assert.equal(kept?.refreshAt, server.clock.now + age, given);
    }
  });

  test("the former one is kept while the new one does not come, or is wrong", async () => {
    const { server, place } = await setting();
    await begin(server, place);
    for (const [body, status] of [
      ["<html/>", 200],
      [right, 500],
      [`${right}<!--${"x".repeat(10_000_000)}-->`, 200],
      [metadataOf([keys.new.certificate], { more: 'validUntil="2020-01-01T00:00:00Z"' }), 200],
    ] as const) {
      serve(body, status);
      server.clock.advance(6 * hour);
      await verify(server, place, keys.old);
      await verify(server, place, keys.old);
      assert.equal(served.times, 1, "it is left alone for five minutes");
    }
    serve(metadataOf([keys.new.certificate]));
    server.clock.advance(5 * minute);
    await verify(server, place, keys.new);
  });

  test("it is not used after its validUntil, and one that was never right is not used", async () => {
    const { server, place } = await setting();
    const until = new Date(server.clock.now + hour).toISOString();
    serve(metadataOf([keys.old.certificate], { more: `validUntil="${until}"` }));
    await verify(server, place, keys.old);
    serve("", 503);
    server.clock.advance(hour - 1);
    await verify(server, place, keys.old);
    server.clock.advance(1);
    const message = "Error in SAML metadata of identity provider: the metadata's URL answered 503.";
    await assert.rejects(begin(server, place), { code: "invalid_request", message });
    const another = await setting();
    serve("<html/>");
    await assert.rejects(begin(another.server, another.place), { message: /this is no metadata/ });
  });

  test("a provider's new key is looked for, but not more than once a minute", async () => {
    const { server, place } = await setting();
    await verify(server, place, keys.old);
    serve(metadataOf([keys.old.certificate, keys.new.certificate]));
    await assert.rejects(verify(server, place, keys.new), { message: unknown });
    assert.equal(served.times, 0);
    server.clock.advance(minute);
    await verify(server, place, keys.new);
    await verify(server, place, keys.old);
    await assert.rejects(verify(server, place, keys.signer), { message: unknown });
    assert.equal(served.times, 1);
  });

  test("where its signature is demanded, it is not used without", async () => {
    const { server, place } = await setting({ MetadataSigningCertificate: keys.signer.certificate });
    await assert.rejects(begin(server, place), { message: /the metadata is not signed/ });
    serve(signedMetadata(right, keys.signer));
    await verify(server, place, keys.old);
    serve(metadataOf([keys.new.certificate]));
    server.clock.advance(6 * hour);
    await verify(server, place, keys.old);
  });

  test("nobody there", async () => {
    const { server, place } = await setting({ MetadataURL: "http://127.0.0.1:9/metadata" });
    const message =
      /^Error in SAML metadata of identity provider: the metadata cannot be fetched from its URL \([a-z ]+\)\.$/;
    await assert.rejects(begin(server, place), { code: "invalid_request", message });
  });
});
