import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Composed, composeCode, composeInvitation } from "../../src/domain/messages/compose.ts";
import { deliveryTo, maskDestination, simulatedDelivery } from "../../src/domain/messages/delivery.ts";

/** What people would read of a message that is not framed. */
const said = ({ subject, body }: Composed) => ({ subject, body });

describe("composing messages", () => {
  test("without templates the defaults", () => {
    assert.deepEqual(said(composeCode({}, "EMAIL", "123456")), {
      subject: "Your verification code",
      body: "Your verification code is 123456",
    });
    assert.deepEqual(said(composeCode({}, "SMS", "123456")), {
      subject: "",
      body: "Your verification code is 123456",
    });
    assert.equal(
      composeInvitation({}, "EMAIL", { username: "ann", password: "Secret-1" })?.body,
      "Your username is ann and temporary password is Secret-1.",
    );
  });

  test("the pool's template, which wins over the older members", () => {
    const templates = {
      EmailVerificationMessage: "old {####}",
      EmailVerificationSubject: "old",
      VerificationMessageTemplate: { EmailMessage: "<b>{####}</b> or {####}", EmailSubject: "Code {####}" },
    };
    assert.deepEqual(composeCode(templates, "EMAIL", "000123"), {
      subject: "Code 000123",
      body: "<b>000123</b> or 000123",
    });
  });

  test("what is filled in is escaped in e-mail, not in text messages, and means nothing to the replacement", () => {
    const values = { username: "<i>$&", password: `a&"'` };
    const email = composeInvitation({}, "EMAIL", values);
    assert.equal(
      email?.body,
      "Your username is &lt;i&gt;$&amp; and temporary password is a&amp;&quot;&#39;.",
    );
    const sms = composeInvitation({}, "SMS", values);
    assert.equal(sms?.body, `Your username is <i>$& and temporary password is a&"'.`);
  });

  test("a placeholder in a value is not filled again", () => {
    const linked = composeInvitation({}, "EMAIL", { username: "{##x##}", password: "pw" });
    assert.equal(linked?.body, "Your username is {##x##} and temporary password is pw.");
    const values = { username: "{####}", password: "pw" };
    assert.equal(
      composeInvitation({}, "SMS", values)?.body,
      "Your username is {####} and temporary password is pw.",
    );
  });

  test("a subject has no line break", () => {
    const InviteMessageTemplate = { EmailSubject: "Hi {username}\r\nBcc: x", EmailMessage: "{####}" };
    const composed = composeInvitation({ AdminCreateUserConfig: { InviteMessageTemplate } }, "EMAIL", {
      username: "a\nb",
      password: "p",
    });
    assert.equal(composed?.subject, "Hi a b Bcc: x");
  });

  test("no place for the password, no invitation; no password, no need for it", () => {
    const templates = {
      AdminCreateUserConfig: { InviteMessageTemplate: { EmailMessage: "Welcome {username}" } },
    };
    assert.equal(composeInvitation(templates, "EMAIL", { username: "a", password: "p" }), undefined);
    const welcome = composeInvitation(templates, "EMAIL", { username: "a", password: undefined });
    assert.equal(welcome?.body, "Welcome a");
  });

  test("a link has the words of the template, and everything in its address is encoded", () => {
    const DefaultEmailOption = "CONFIRM_WITH_LINK" as const;
    const link = { base: "https://a.example/p", clientId: "c", username: 'a&b <"$&">' };
    const address =
      "https://a.example/p/confirmUser?client_id=c&amp;user_name=a%26b+%3C%22%24%26%22%3E&amp;confirmation_code=123456";
    const compose = (template: object, medium: "EMAIL" | "SMS" = "EMAIL") =>
      composeCode({ VerificationMessageTemplate: { DefaultEmailOption, ...template } }, medium, "123456", {
        link,
      });
    assert.deepEqual(said(compose({})), {
      subject: "Your verification link",
      body: `Please click the link below to verify your email address. <a href="${address}">Verify Email</a>`,
    });
    assert.deepEqual(
      compose({ EmailMessageByLink: "{##A <b>B</b>##}, {##\nC##} {####}", EmailSubjectByLink: "x\r\ny" }),
      {
        subject: "x y",
        body: `<a href="${address}">A <b>B</b></a>, <a href="${address}">\nC</a> <a href="${address}">${address}</a>`,
      },
    );
    const code = "Your verification code is 123456";
    assert.equal(compose({}, "SMS").body, code);
    assert.equal(
      composeCode({ VerificationMessageTemplate: { DefaultEmailOption } }, "EMAIL", "123456").body,
      code,
    );
    assert.equal(compose({ DefaultEmailOption: "CONFIRM_WITH_CODE" }).body, code);
  });
});

describe("destinations", () => {
  test("are masked as Cognito does", () => {
    assert.equal(maskDestination(deliveryTo("email", "test@tests.example")), "t***@t***");
    assert.equal(maskDestination(deliveryTo("email", "😀x@ü.example")), "😀***@ü***");
    assert.equal(maskDestination(deliveryTo("phone_number", "+12065551234")), "+*******1234");
  });

  test("of users who do not exist are stable, and differ by pool", () => {
    const pool = { document: {}, fakeSecret: Buffer.alloc(32, 1) };
    const once = simulatedDelivery(pool, "nobody", "email");
    assert.deepEqual(simulatedDelivery(pool, "nobody", "email"), once);
    assert.match(maskDestination(once), /^[a-z]\*\*\*@[a-z]\*\*\*$/);
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    const masks = (secret: number) =>
      names.map((name) =>
        maskDestination(simulatedDelivery({ ...pool, fakeSecret: Buffer.alloc(32, secret) }, name, "email")),
      );
    assert.notDeepEqual(masks(1), masks(2));
    assert.match(maskDestination(simulatedDelivery(pool, "nobody", "phone_number")), /^\+\*{7}\d{4}$/);
    assert.equal(maskDestination(simulatedDelivery(pool, "nina@i.example", "phone_number")), "n***@i***");
    assert.equal(maskDestination(simulatedDelivery(pool, "+4912345678", "email")), "+*******5678");
    // A name that is an address of another kind than the message can go to is a name like any other.
    assert.equal(simulatedDelivery(pool, "+4912345678", "email", ["email"]).medium, "EMAIL");
    assert.equal(simulatedDelivery(pool, "nina@i.example", "phone_number", ["phone_number"]).medium, "SMS");
  });
});
