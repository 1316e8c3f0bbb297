/** Mail as people get it: its language, its words, its looks, and what becomes of values that are meant to harm. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AdminCreateUserCommand,
  type AttributeType,
  SetUICustomizationCommand,
  SignUpCommand,
  TagResourceCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { mailLookOf } from "../../src/domain/branding/mail-look.ts";
import { exampleMessage, exampleMessages } from "../../src/domain/messages/examples.ts";
import { composeOurs, type Layout } from "../../src/domain/messages/layout.ts";
import { renderMail } from "../../src/domain/messages/mail.ts";
import { outgoing } from "../../src/domain/messages/outgoing.ts";
import { languageTags } from "../../src/lib/language.ts";
import { giveStyle, logos, png } from "../hosted-ui/brands.ts";
import { makePool, newAddress, password, refused, unique } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { forEachServerWithFunctions, script, scripted } from "../triggers/functions.ts";
import { faultsOf } from "./mail-programs.ts";
import { type Mail, openPostOffice } from "./post-office.ts";

const office = await openPostOffice();
after(() => office.close());

const environment = {
  POOLHOUSE_SMTP_URL: `smtp://127.0.0.1:${office.port}`,
  POOLHOUSE_SMTP_FROM: "Poolhouse <no-reply@house.example>",
};

/** A pool without templates. */
const pool = { id: "us-east-1_nowhere", document: {} };

type Place = Awaited<ReturnType<typeof makePool>>;

async function mailTo(address: string): Promise<Mail> {
  await until("the mail has come", () => office.to(address).length > 0);
  return office.to(address)[0] ?? assert.fail("no mail");
}

async function signUp(
  { client }: TestServer,
  { ClientId }: Place,
  more: AttributeType[] = [],
): Promise<Mail> {
  const email = newAddress();
  const UserAttributes = [{ Name: "email", Value: email }, ...more];
  await client.send(
    new SignUpCommand({ ClientId, Username: unique("user"), Password: password, UserAttributes }),
  );
  return mailTo(email);
}

async function invite(
  { client }: TestServer,
  { UserPoolId }: Place,
  Username: string,
  secret: string,
): Promise<Mail> {
  const email = newAddress();
  await client.send(
    new AdminCreateUserCommand({
      ...{ UserPoolId, Username, TemporaryPassword: secret },
      UserAttributes: [{ Name: "email", Value: email }],
    }),
  );
  return mailTo(email);
}

const verifying = { AutoVerifiedAttributes: ["email" as const] };
const locale = (Value: string) => [{ Name: "locale", Value }];
const languageOf = ({ html }: Mail) => /<html lang="([\w-]+)" dir="(\w+)">/.exec(html)?.slice(1).join(" ");

forOneServer(
  "sqlite",
  "the looks of mail",
  (open) => {
    test("the attribute locale, else the tag of the pool, else English chooses the language", async () => {
      const server = await open();
      const { client } = server;
      const plain = await makePool(server, verifying);
      const french = await makePool(server, { ...verifying, UserPoolTags: { "poolhouse:language": "fr" } });
      for (const [place, given, expected] of [
        [plain, undefined, "en ltr"],
        [plain, "de_CH.UTF-8", "de ltr"],
        [plain, "zh-Hant-HK", "zh-TW ltr"],
        [plain, "ar", "ar rtl"],
        [plain, "tlh", "en ltr"],
        [french, undefined, "fr ltr"],
        [french, "C", "fr ltr"],
        [french, "pt_PT", "pt-BR ltr"],
      ] as const) {
        const mail = await signUp(server, place, given === undefined ? [] : locale(given));
        assert.equal(languageOf(mail), expected);
      }
      assert.match(
        (await invite(server, french, unique("user"), password)).text,
        /^Votre nom d’utilisateur est /,
      );
      const ResourceArn = `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${plain.UserPoolId}`;
      const tagged = new TagResourceCommand({ ResourceArn, Tags: { "poolhouse:language": "tlh" } });
      await assert.rejects(
        client.send(tagged),
        refused("InvalidParameterException", /must be one of en, ar,/),
      );
    });

    test("says what Cognito says, in text that is complete and HTML that mail programs show", async () => {
      const server = await open();
      const mail = await signUp(server, await makePool(server, { ...verifying, PoolName: "people" }));
      assert.equal(mail.headers.get("subject"), "Your verification code");
      const [first, ...more] = mail.text.trim().split("\n");
      const [, code = assert.fail(first)] = /^Your verification code is (\d{6})$/.exec(first!) ?? [];
      assert.deepEqual(more, ["", "If you did not ask for this message, you can ignore it."]);
      // In one piece, so that it can be selected, copied and read aloud.
      assert.ok(mail.html.includes(`>${code}</p>`));
      assert.match(mail.html, />people<\/td>/);
      assert.deepEqual(faultsOf(mail.html), []);
    });

    test("has the colors and the logo of the client's pages; an SVG stays behind", async () => {
      const server = await open();
      const place = await makePool(server, verifying);
      const button = { lightMode: { defaults: { backgroundColor: "7a1f5cff", textColor: "ffffffff" } } };
      const Settings = {
        components: {
          primaryButton: button,
          pageText: { lightMode: { headingColor: "0b3d2eff" }, darkMode: { headingColor: "b7f0d8ff" } },
          form: { logo: { enabled: true } },
        },
      };
      const logo = png(64, 32, [200, 30, 60]);
      const asset = { Category: "FORM_LOGO" as const, ColorMode: "DYNAMIC" as const };
      await giveStyle(server, place, { Settings, Assets: [{ ...asset, Extension: "PNG", Bytes: logo }] });
      const mail = await signUp(server, place);
      assert.match(mail.html, /<h1 [^>]*color:#0b3d2e"/);
      assert.match(
        mail.html,
        /@media \(prefers-color-scheme:dark\)\{.*\.heading\{color:#b7f0d8 !important\}/,
      );
      assert.match(mail.html, /<img src="cid:logo" alt="people"/);
      assert.equal(mail.images.get("logo"), logo.toString("base64"));
      assert.deepEqual(faultsOf(mail.html), []);

      const drawn = await makePool(server, verifying);
      await giveStyle(server, drawn, {
        Settings,
        Assets: [{ ...asset, Extension: "SVG", Bytes: logos.light }],
      });
      const second = await signUp(server, drawn);
      assert.equal(second.images.size, 0);
      assert.doesNotMatch(second.html, /<img/);
      assert.match(second.html, /<h1 [^>]*color:#0b3d2e"/);
    });

    test("an invitation has what was set for all clients of the classic pages, which are light", async () => {
      const server = await open();
      const place = await makePool(server);
      const { UserPoolId } = place;
      const ImageFile = png(80, 20, [10, 60, 120]);
      const CSS = ".background-customizable { background-color: #fdf6e3; }";
      await server.client.send(
        new SetUICustomizationCommand({ UserPoolId, ClientId: "ALL", CSS, ImageFile }),
      );
      const mail = await invite(server, place, unique("user"), password);
      assert.match(mail.html, /<meta name="color-scheme" content="light">/);
      assert.doesNotMatch(mail.html, /@media/);
      assert.match(mail.html, /class="card" style="[^"]*background-color:#fdf6e3/);
      assert.equal(mail.images.get("logo"), ImageFile.toString("base64"));
      assert.deepEqual(faultsOf(mail.html), []);
    });

    test("a template of the pool is used as it is, in every language", async () => {
      const server = await open();
      const place = await makePool(server, {
        ...verifying,
        VerificationMessageTemplate: { EmailMessage: "<b>{####}</b>", EmailSubject: "Mine" },
      });
      const mail = await signUp(server, place, locale("de"));
      assert.equal(mail.headers.get("subject"), "Mine");
      assert.match(mail.html.trim(), /^<b>\d{6}<\/b>$/);
      // A subject alone goes with our own words.
      await server.client.send(
        new UpdateUserPoolCommand({
          ...{ UserPoolId: place.UserPoolId, ...verifying },
          VerificationMessageTemplate: { EmailSubject: "Mine" },
        }),
      );
      const second = await signUp(server, place, locale("de"));
      assert.equal(second.headers.get("subject"), "Mine");
      assert.match(second.text, /^Ihr Bestätigungscode lautet \d{6}\n/);
    });

    test("no value becomes a header, markup or a change of direction", async () => {
      const server = await open();
      const place = await makePool(server);
      const secret = `Aa1!<b>&"'{username}`;
      for (const [name, shown] of [
        ["<img/src=x>&amp;'\"", "<img/src=x>&amp;'\""],
        ["דוד", "\u2068דוד\u2069"],
        ["{link}{####}$&", "{link}{####}$&"],
      ] as const) {
        const mail = await invite(server, place, name, secret);
        assert.equal(
          mail.text.split("\n")[0],
          `Your username is ${shown} and temporary password is ${secret}.`,
        );
        assert.deepEqual(faultsOf(mail.html), [], name);
        assert.doesNotMatch(mail.html, /[\u202a-\u202e]|<img|<b>/);
        assert.deepEqual(
          [...mail.headers.keys()].filter((key) => /bcc|x-/.test(key)),
          [],
        );
      }
    });

    test("no value that is stored becomes more than one line of plain text", async () => {
      const { app } = await open();
      const layout: Layout = {
        kind: "invitation",
        language: "en",
        values: { username: "ann\u202e\u2069\r\nBcc: bob@mail.example\u0000<script>", code: "a" },
      };
      const composed = composeOurs("invitation", "EMAIL", { values: layout.values }, {});
      const shown = "ann Bcc: bob@mail.example <script>";
      const message = { ...(exampleMessage(pool, "invitation", "EMAIL", {}) ?? assert.fail()), ...composed };
      const { html = "", text } = await outgoing({ app, db: app.db }, message);
      assert.equal(text.split("\n")[0], `Your username is ${shown} and temporary password is a.`);
      assert.deepEqual(faultsOf(html), []);
      const mail = renderMail(
        layout,
        "Sub<ject>",
        await mailLookOf({ app, db: app.db }, pool.id, undefined),
        `A\n"<b>\u202e`,
      );
      assert.deepEqual(faultsOf(mail.html), []);
      assert.match(mail.html, /<title>Sub&lt;ject&gt;<\/title>/);
      assert.match(mail.html, />A &quot;&lt;b&gt; <\/td>/);
      assert.doesNotMatch(mail.html + mail.text, /[\u202a-\u202e\u2066-\u2069\0\r]/);
    });

    test("mail programs show every message in every language", async () => {
      const { app } = await open();
      for (const language of languageTags)
        for (const kind of Object.keys(exampleMessages)) {
          const message = exampleMessage(pool, kind, "EMAIL", { language }) ?? assert.fail();
          const { html = "", text } = await outgoing({ app, db: app.db }, message);
          assert.deepEqual(faultsOf(html), [], `${language}: ${kind}`);
          assert.ok(text.split("\n\n").length >= 2, `${language}: ${kind}`);
        }
    });
  },
  environment,
);

forEachServerWithFunctions(
  "the words of a function by SMTP",
  (open) => {
    test("a function's body is used as it is; its subject alone goes with our own words", async () => {
      const server = await open();
      const place = await makePool(server, { ...verifying, LambdaConfig: { CustomMessage: scripted } });
      const emailSubject = "From the function";
      const says = (response: object) => script(place.UserPoolId, "CustomMessage_SignUp", { response });
      says({ emailSubject, emailMessage: "<i>{####}</i>" });
      const whole = await signUp(server, place, locale("de"));
      assert.equal(whole.headers.get("subject"), emailSubject);
      assert.match(whole.html.trim(), /^<i>\d{6}<\/i>$/);
      says({ emailSubject });
      const half = await signUp(server, place, locale("de"));
      assert.equal(half.headers.get("subject"), emailSubject);
      assert.match(half.text, /^Ihr Bestätigungscode lautet \d{6}\n/);
      assert.deepEqual(faultsOf(half.html), []);
    });
  },
  environment,
);

test("the list of what mail programs show has something to find", () => {
  const page = (inside: string) =>
    `<style>:root{color-scheme:light}</style><body style="margin:0">${inside}</body>`;
  for (const [inside, fault] of [
    ["<p>well</p>", undefined],
    ["<script>x()</script>", "<script>"],
    ['<img src="https://a.example/x.png" alt="">', "loads https://a.example/x.png"],
    ['<a href="javascript:x()">x</a>', "leads to javascript:x()"],
    ['<p onclick="x()">x</p>', "<p onclick>"],
    ['<p style="position:fixed">x</p>', "position:fixed"],
    ['<p style="color:red">x</p>', "color:red"],
    ["<p>1 < 2</p>", "has markup of another form"],
    ["<!-- x -->", "has a comment"],
    ["x".repeat(102_000), "is cut off by Gmail"],
  ] as const)
    assert.deepEqual(faultsOf(page(inside)), fault === undefined ? [] : [fault]);
  assert.deepEqual(faultsOf("<style>p{}</style>"), ["has a style sheet of another form"]);
});
