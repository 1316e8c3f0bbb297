/** Logout messages of SAML providers: right ones, and each that is wrong in one place. */
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { logoutRequestId } from "../../src/domain/federation/saml.ts";
import { readLogoutMessage } from "../../src/domain/federation/saml-logout.ts";
import { Refusal } from "../../src/lib/refusal.ts";
import { insertProvider } from "../../src/store/identity-providers.ts";
import { insertSamlKey } from "../../src/store/saml-keys.ts";
import { watchWork } from "../api/work.ts";
import { forOneServer } from "../kit/server.ts";
import {
  base64,
  contextOf,
  entityId,
  type Key,
  makePlace,
  metadataOf,
  newKey,
  signAt,
  slo,
} from "./saml-kit.ts";

const keys = { idp: await newKey("provider"), foreign: await newKey("foreign"), pool: await newKey("pool") };
const prefix = "Error in SAML logout message processing: ";
const minute = 60_000;
let serial = 0;

interface Message {
  readonly name: string;
  readonly now: number;
  readonly attributes: string;
  readonly destination: string;
  readonly issuer: string;
  readonly content: string;
  readonly signer: Key;
  readonly algorithm: "sha1" | "sha256";
  readonly change: (xml: string) => string;
  /** Changes the query or the form. */
  readonly sent: (parameters: string) => string;
}

const name = "<saml:NameID>ann</saml:NameID>";

const document = (of: Message) =>
  `<samlp:${of.name} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_logout${++serial}" Version="2.0" IssueInstant="${new Date(of.now).toISOString()}" Destination="${of.destination}"${of.attributes}><saml:Issuer>${of.issuer}</saml:Issuer>${of.content}</samlp:${of.name}>`;

function posted(of: Message): string {
  const xml = signAt(document(of), `/*[local-name()='${of.name}']`, of);
  return of.sent(
    new URLSearchParams({ SAMLRequest: base64(of.change(xml)), RelayState: "state" }).toString(),
  );
}

/** Signed as by .NET, which spells what it encodes in lower case. */
function redirected(of: Message): string {
  const lower = (text: string) =>
    encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const deflated = deflateRawSync(of.change(document(of))).toString("base64");
  const sigAlg = {
    sha1: "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    sha256: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  }[of.algorithm];
  const signed = `SAMLRequest=${lower(deflated)}&RelayState=state&SigAlg=${lower(sigAlg)}`;
  const signature = sign(of.algorithm, Buffer.from(signed), of.signer.privateKey).toString("base64");
  return of.sent(`${signed}&Signature=${lower(signature)}`);
}

const wrong: Readonly<Record<string, readonly [(now: number) => Partial<Message>, why: string]>> = {
  unsigned: [
    () => ({
      change: (xml) => xml.replace(/<Signature [\s\S]*<\/Signature>/, ""),
      sent: (text) => text.replace(/&SigAlg=.*/, ""),
    }),
    "it is not signed.",
  ],
  "by another key": [
    () => ({ signer: keys.foreign }),
    "the signature is wrong, or made with a key that is not in the provider's metadata.",
  ],
  "by SHA-1": [() => ({ algorithm: "sha1" }), "rsa-sha1 is not allowed."],
  "by another provider": [
    () => ({ issuer: "https://other.example" }),
    "the Issuer is no provider of this pool.",
  ],
  elsewhere: [
    () => ({ destination: "https://other.example/saml2/logout" }),
    `the Destination is not ${slo}.`,
  ],
  "too old": [(now) => ({ now: now - 6 * minute - 1 }), "the IssueInstant is too long ago."],
  "in the future": [(now) => ({ now: now + 3 * minute + 1 }), "the IssueInstant is in the future."],
  expired: [
    (now) => ({ attributes: ` NotOnOrAfter="${new Date(now - 3 * minute).toISOString()}"` }),
    "it is not valid any more (NotOnOrAfter).",
  ],
  "of nobody": [() => ({ content: "" }), "the LogoutRequest has no NameID"],
  "something else": [() => ({ name: "AuthnRequest" }), "it is a AuthnRequest, neither a LogoutRequest nor a"],
  "an answer to nothing": [() => ({ name: "LogoutResponse" }), "the InResponseTo is not our request."],
  "a document type": [
    () => ({ change: (xml) => `<!DOCTYPE a>${xml}` }),
    "it has a document type (DTD), which is not allowed.",
  ],
  "many comments": [
    () => ({ change: (xml) => xml.replace(/(?=<\/samlp:LogoutRequest>)/, "<!---->".repeat(200)) }),
    "it has more than 200 elements and comments.",
  ],
  long: [
    () => ({ change: (xml) => xml.replace(/(?=<\/samlp:LogoutRequest>)/, "x".repeat(40_000)) }),
    "too long|40,000",
  ],
  twice: [() => ({ sent: (text) => `${text}&RelayState=state` }), "the parameter RelayState is there twice."],
  nothing: [() => ({ sent: () => "RelayState=state" }), "there is not one SAMLRequest or SAMLResponse."],
  both: [
    () => ({ sent: (text) => `${text}&SAMLResponse=x` }),
    "there is not one SAMLRequest or SAMLResponse.",
  ],
};

async function namesIn(reading: ReturnType<typeof readLogoutMessage>): Promise<string[]> {
  const read = await reading;
  return read.kind === "request" ? read.providers.map(({ name }) => name).sort() : assert.fail(read.kind);
}

forOneServer("postgres", "Logout messages of SAML providers", (open) => {
  const setting = async () => {
    const server = await open();
    server.clock.freeze();
    const details = { MetadataFile: metadataOf([keys.idp.certificate]) };
    const place = await makePlace(server, details, { pool: keys.pool, provider: keys.pool });
    return { server, place };
  };
  const usual = (now: number): Message => ({
    name: "LogoutRequest",
    now,
    attributes: "",
    destination: slo,
    issuer: entityId,
    content: `${name}<samlp:SessionIndex>one</samlp:SessionIndex><samlp:SessionIndex>two</samlp:SessionIndex>`,
    signer: keys.idp,
    algorithm: "sha256",
    change: (xml) => xml,
    sent: (text) => text,
  });
  const bindings = { redirect: redirected, post: posted } as const;

  test("a request is read, and refused if it is wrong in one place", async () => {
    const { server, place } = await setting();
    const ctx = contextOf(server);
    for (const [binding, make] of Object.entries(bindings) as [keyof typeof bindings, typeof posted][]) {
      for (const [what, [differences, why]] of Object.entries(wrong)) {
        const sent = make({ ...usual(ctx.now), ...differences(ctx.now) });
        await assert.rejects(
          readLogoutMessage(ctx, place, sent, binding),
          (error: unknown) => {
            assert.ok(error instanceof Refusal, `${what} by ${binding}: ${(error as Error).stack}`);
            const isRight = why.split("|").some((one) => error.message.includes(one));
            assert.ok(isRight, `${what} by ${binding}: ${error.message}`);
            return true;
          },
          what,
        );
      }
      const right = make(usual(ctx.now));
      const read = await readLogoutMessage(ctx, place, right, binding);
      if (read.kind !== "request") assert.fail(read.kind);
      assert.deepEqual([read.providers, read.name.nameId], [[place.provider], "ann"]);
      assert.deepEqual(read.sessionIndexes, ["one", "two"]);
      await assert.rejects(readLogoutMessage(ctx, place, right, binding), {
        message: `${prefix}the request was used before.`,
      });
    }
  });

  test("what the signature of a query covers cannot be changed, and a bomb is not unpacked", async () => {
    const { server, place } = await setting();
    const ctx = contextOf(server);
    const right = redirected(usual(ctx.now));
    const read = (query: string) => readLogoutMessage(ctx, place, query, "redirect");
    await assert.rejects(read(right.replace("RelayState=state", "RelayState=other")), {
      message: /: the signature is/,
    });
    await assert.rejects(read(right.replace("&RelayState=state", "")), {
      message: /: the signature is wrong/,
    });
    const bomb = encodeURIComponent(deflateRawSync(Buffer.alloc(10_000_000, 0x20)).toString("base64"));
    await assert.rejects(read(right.replace(/SAMLRequest=[^&]*/, `SAMLRequest=${bomb}`)), {
      message: /or too long\.$/,
    });
    // What is read must be what was signed, however a name is spelled.
    const forged = redirected({
      ...usual(ctx.now),
      content: "<saml:NameID>bob</saml:NameID>",
      signer: keys.foreign,
    });
    const [message = ""] = /(?<==)[^&]*/.exec(forged) ?? [];
    for (const name of ["SAML%52equest", "%53AMLRequest", "SAMLR%65quest"])
      await assert.rejects(read(`${name}=${message}&${right}`), {
        message: /: the parameter SAMLRequest is there twice\.$/,
      });
    await assert.rejects(read(right.replace("RelayState=state", "Relay%53tate=state")), {
      message: /: the signature is wrong/,
    });
    await read(right);
  });

  test("an answer is that to our request, with the state it had", async () => {
    const { server, place } = await setting();
    const ctx = contextOf(server);
    const answer = (status: string, state: string) =>
      posted({
        ...usual(ctx.now),
        name: "LogoutResponse",
        attributes: ` InResponseTo="${logoutRequestId(state)}"`,
        content: `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${status}"/></samlp:Status>`,
      });
    for (const [status, succeeded] of [
      ["Success", true],
      ["PartialLogout", false],
    ] as const) {
      const read = await readLogoutMessage(ctx, place, answer(status, "state"), "post");
      assert.deepEqual(read, { kind: "response", succeeded, state: "state" });
    }
    await assert.rejects(readLogoutMessage(ctx, place, answer("Success", "other"), "post"), {
      message: `${prefix}the InResponseTo is not our request.`,
    });
  });

  test("a provider that was added meanwhile is found", async () => {
    const { server, place } = await setting();
    const stranger = { ...usual(server.clock.now), issuer: "https://late.example" };
    const read = (message: Message) => readLogoutMessage(contextOf(server), place, posted(message), "post");
    await assert.rejects(read(stranger), { message: `${prefix}the Issuer is no provider of this pool.` });
    const MetadataFile = metadataOf([keys.idp.certificate], { entity: "https://late.example" });
    await insertProvider(server.app.db, {
      ...place.provider,
      poolId: place.pool.id,
      name: "Late",
      document: { ProviderDetails: { MetadataFile }, AttributeMapping: {}, IdpIdentifiers: [] },
      secrets: {},
    });
    await assert.rejects(read(stranger), { message: `${prefix}the Issuer is no provider of this pool.` });
    server.clock.advance(10_000);
    assert.deepEqual(await namesIn(read({ ...stranger, now: server.clock.now })), ["Late"]);
  });

  test("providers of one entity id are all told, as far as the message is signed by their key", async () => {
    const { server, place } = await setting();
    const { poolId, createdAt } = place.provider;
    await insertSamlKey(server.app.db, { poolId, provider: "Another", ...keys.pool, createdAt });
    for (const [name, key] of [
      ["Another", keys.idp],
      ["Foreign", keys.foreign],
    ] as const)
      await insertProvider(server.app.db, {
        ...{ ...place.provider, name, secrets: {} },
        document: {
          ProviderDetails: { MetadataFile: metadataOf([key.certificate]) },
          ...{ AttributeMapping: {}, IdpIdentifiers: [] },
        },
      });
    const read = (signer: Key) =>
      readLogoutMessage(contextOf(server), place, posted({ ...usual(server.clock.now), signer }), "post");
    assert.deepEqual(await namesIn(read(keys.idp)), ["Another", place.provider.name]);
    assert.deepEqual(await namesIn(read(keys.foreign)), ["Foreign"]);
    await assert.rejects(read(keys.pool), { message: /: the signature is wrong/ });
  });

  test("strangers make nobody read the providers of the pool again and again", async () => {
    const { server, place } = await setting();
    for (let at = 0; at < 10; at++)
      await insertProvider(server.app.db, {
        ...place.provider,
        poolId: place.pool.id,
        name: `More${at}`,
        document: {
          ProviderDetails: { MetadataFile: metadataOf([keys.idp.certificate], { entity: `urn:more:${at}` }) },
          AttributeMapping: {},
          IdpIdentifiers: [],
        },
        secrets: {},
      });
    const sent = posted({ ...usual(server.clock.now), issuer: "https://stranger.example" });
    const stranger = () =>
      assert.rejects(readLogoutMessage(contextOf(server), place, sent, "post"), {
        message: `${prefix}the Issuer is no provider of this pool.`,
      });
    const watch = watchWork(server.app);
    const one = (await watch.during(stranger)).work.statements.length;
    server.clock.advance(10_000);
    const many = (await watch.during(() => Promise.all(Array.from({ length: 10 }, stranger)))).work;
    assert.ok(one > 10, "the providers are read");
    assert.ok(many.statements.length <= one, `${many.statements.length} statements in place of ${one}`);
  });
});
