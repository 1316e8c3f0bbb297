/** The language of messages, and text messages as they are sent: bound to the page that asks for the code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reader } from "../../src/app.ts";
import { exampleMessage } from "../../src/domain/messages/examples.ts";
import { messageLanguage } from "../../src/domain/messages/language.ts";
import type { Composing } from "../../src/domain/messages/layout.ts";
import { outgoing } from "../../src/domain/messages/outgoing.ts";

/** Text messages are rendered from what they are made of alone. */
const nothing = {} as Reader;
const pool = { id: "us-east-1_nowhere", document: {} };

async function textOf(kind: string, composing: Composing, document = {}): Promise<string> {
  const message = exampleMessage({ ...pool, document }, kind, "SMS", composing) ?? assert.fail();
  return (await outgoing(nothing, message)).text;
}

test("a code that a page asks for is bound to the page's host, if that fits into one message", async () => {
  const pageHost = "auth.example.com";
  const long = `${"a".repeat(120)}.example.com`;
  const code = "Your verification code is 123456";
  assert.equal(await textOf("sign-up", { pageHost }), `${code}\n\n@${pageHost} #123456`);
  assert.equal(await textOf("sign-up", {}), code);
  assert.equal(await textOf("sign-up", { pageHost: long }), code);
  assert.equal(
    await textOf("sign-in", { pageHost }),
    `Your authentication code is 12345678.\n\n@${pageHost} #12345678`,
  );
  // Arabic takes two octets a character: 70 of them fit.
  const arabic = "رمز التحقق الخاص بك هو 123456";
  assert.equal(await textOf("sign-up", { pageHost, language: "ar" }), `${arabic}\n\n@${pageHost} #123456`);
  assert.equal(await textOf("sign-up", { pageHost: long.slice(90), language: "ar" }), arabic);
});

test("invitations and the pool's own words are left alone", async () => {
  const pageHost = "auth.example.com";
  const invitation = await textOf("invitation", { pageHost });
  assert.equal(invitation, "Your username is ann and temporary password is aB3$xyz!.");
  const document = { SmsVerificationMessage: "Mine: {####}" };
  assert.equal(await textOf("sign-up", { pageHost }, document), "Mine: 123456");
});

test("the language is that of the user, else of the page, else of the pool, else English", () => {
  const tagged = (value: string) => ({ document: { UserPoolTags: { "poolhouse:language": value } } });
  const user = (locale: string) => ({ attributes: { locale } });
  for (const [chosen, page, place, person] of [
    ["it", "fr", tagged("de"), user("it_IT")],
    ["fr", "fr", tagged("de"), user("xx")],
    ["fr", "fr", tagged("de"), undefined],
    ["de", undefined, tagged("de"), user("")],
    ["en", undefined, { document: {} }, undefined],
  ] as const)
    assert.equal(messageLanguage({ ...(page && { language: page }) }, place, person), chosen);
});
