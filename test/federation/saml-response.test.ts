/** Responses of SAML providers: right ones, and each that is wrong in one place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { saml, verifyUnsolicited } from "../../src/domain/federation/saml.ts";
import { Refusal } from "../../src/lib/refusal.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { documents, keys, minute, signatures, statements, wrappings } from "./saml-attacks.ts";
import {
  attributeOf,
  authnInstant,
  base64,
  contextOf,
  entityId,
  type Key,
  makePlace,
  metadataOf,
  responseXml,
  type Said,
  type SamlPlace,
  sayings,
} from "./saml-kit.ts";

const forms = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields);

const prefix = "Error in SAML response processing: ";

async function refused(work: Promise<unknown>, text: string): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof Refusal, String((error as Error).stack));
    assert.equal(error.code, "invalid_request");
    assert.ok(error.message.startsWith(prefix), error.message);
    assert.ok(error.message.includes(text), `${error.message}\n${text}`);
    return true;
  });
}

forOneServer("sqlite", "Responses of SAML providers", (open, database) => {
  const details = { MetadataFile: metadataOf([keys.idp.certificate]) };
  const made = new WeakMap<TestServer, Promise<SamlPlace>>();
  const setting = async () => {
    const server = await open();
    let place = made.get(server);
    if (place === undefined) {
      server.clock.freeze();
      place = makePlace(server, details, { pool: keys.pool, provider: keys.encryption });
      made.set(server, place);
    }
    return { server, place: await place };
  };
  const say = (server: TestServer, place: SamlPlace, more: Partial<Said>, signer: Key = keys.idp) =>
    sayings({ now: server.clock.now, poolId: place.pool.id, signer }, "_request", more);
  const verify = (server: TestServer, place: SamlPlace, form: string, requestId = "_request") =>
    saml.verify(contextOf(server), {
      ...place,
      remembered: { requestId },
      parameters: forms({ SAMLResponse: form }),
    });

  test("a right response is the user, with attributes and what a logout needs", async () => {
    const { server, place } = await setting();
    for (const signs of ["assertion", "response", "both"] as const) {
      const xml = responseXml(say(server, place, { signs, algorithm: "sha512" }));
      assert.deepEqual(await verify(server, place, base64(xml)), {
        issuer: entityId,
        subject: "ann@example.com",
        authenticatedAt: Date.parse(authnInstant),
        claims: { email: "ann@example.com", groups: ["staff", "admins"] },
        answers: { samlResponse: { email: "ann@example.com", groups: ["staff", "admins"] } },
        session: "_session",
        logout: {
          nameId: "ann@example.com",
          nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
          nameQualifier: entityId,
        },
      });
    }
  });

  // Nothing of this is stored.
  const groups = database === "sqlite" ? { wrappings, signatures, statements, documents } : {};
  for (const [group, attacks] of Object.entries(groups)) {
    test(`refused, and right without the attack: ${group}`, async () => {
      const { server, place } = await setting();
      for (const [name, { said, change, rightful, form = base64, refusal }] of Object.entries(attacks)) {
        const right = responseXml(say(server, place, rightful ?? {}));
        const wrong =
          said === undefined
            ? right
            : responseXml(say(server, place, { ...rightful, ...said(server.clock.now) }));
        const sent = form(change?.(wrong) ?? wrong);
        if (change !== undefined || said !== undefined) assert.notEqual(sent, base64(right), name);
        try {
          await refused(verify(server, place, sent), refusal);
          const identity = await verify(server, place, base64(right));
          assert.equal(identity.subject, "ann@example.com");
        } catch (error) {
          throw new Error(name, { cause: error });
        }
      }
    });
  }

  test("a comment cuts nothing off, and markup in values stays text", async () => {
    const { server, place } = await setting();
    const attributes =
      attributeOf("email", "admin@example.com<!-- -->.evil.example", "<![CDATA[<b>]]>&amp;") +
      attributeOf("__proto__", "x");
    for (const signs of ["assertion", "response"] as const) {
      const xml = responseXml(
        say(server, place, { signs, nameId: "admin@example.com<!-- -->.evil.example", attributes }),
      );
      const identity = await verify(server, place, base64(xml));
      assert.equal(identity.subject, "admin@example.com.evil.example");
      assert.deepEqual(identity.claims["email"], ["admin@example.com.evil.example", "<b>&"]);
      assert.deepEqual(Object.keys(identity.claims).sort(), ["__proto__", "email"]);
      // Comments are not signed: whoever adds one afterwards changes nothing.
      const later = xml.replace(/_[0-9a-f]{32}/, "$&").replace("evil.example", "ev<!-- x -->il.example");
      await refused(verify(server, place, base64(later)), "the assertion was used before.");
    }
  });

  test("an assertion counts once, also if many present it at the same time", async () => {
    const { server, place } = await setting();
    const form = base64(responseXml(say(server, place, {})));
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => verify(server, place, form)));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    await refused(verify(server, place, form), "the assertion was used before.");
  });

  test("clocks may differ by three minutes", async () => {
    const { server, place } = await setting();
    const { now } = server.clock;
    const late = { notOnOrAfter: now - 3 * minute + 1, confirmedUntil: now - 3 * minute + 1 };
    await verify(server, place, base64(responseXml(say(server, place, late))));
    const early = { notBefore: now + 3 * minute, issued: now + 3 * minute };
    await verify(server, place, base64(responseXml(say(server, place, early))));
  });

  test("a provider begins by itself where it may, soon, and without naming a request", async () => {
    const { server, place } = await setting();
    const by = await makePlace(
      server,
      { ...details, IDPInit: "true" },
      { pool: keys.pool, provider: keys.encryption },
    );
    const send = (more: Partial<Said>, at = by) =>
      verifyUnsolicited(
        contextOf(server),
        at,
        base64(
          responseXml(sayings({ now: server.clock.now, poolId: at.pool.id, signer: keys.idp }, null, more)),
        ),
      );
    assert.equal((await send({})).subject, "ann@example.com");
    assert.equal((await send({ issued: server.clock.now - 6 * minute })).subject, "ann@example.com");
    await refused(
      send({ issued: server.clock.now - 6 * minute - 1 }),
      "the Assertion was issued more than 6 minutes ago.",
    );
    await refused(send({ requestId: "_request" }), "the Response has an InResponseTo, but nobody asked.");
    await refused(
      send({ confirmedRequestId: "_request" }),
      "the SubjectConfirmationData has an InResponseTo, but nobody asked.",
    );
    await assert.rejects(send({}, place), {
      code: "invalid_request",
      message: "The identity provider may not begin a sign-in by itself.",
    });
  });
});
