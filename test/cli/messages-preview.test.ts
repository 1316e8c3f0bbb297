/** `poolhouse messages`: what it shows of a pool's messages, on both databases. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { giveStyle, png } from "../hosted-ui/brands.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { makePool } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { runWith } from "./program.ts";

forOneServer("sqlite", "poolhouse messages preview", (open) => {
  test("shows a pool's own words, or ours in a language, and writes the HTML into a file", async () => {
    const server = await open();
    const { database, data, masterKey } = server.app.config;
    const env = {
      POOLHOUSE_DATABASE: database,
      POOLHOUSE_DATA: data,
      ...(masterKey !== undefined && { POOLHOUSE_MASTER_KEY: masterKey }),
    };
    const { UserPoolId, ClientId } = await makePool(server, {
      UserPoolTags: { "poolhouse:language": "it" },
      EmailVerificationMessage: "<p>Ours: {####}</p>",
    });
    const logo = png(40, 20, [1, 2, 3]);
    await giveStyle(
      server,
      { UserPoolId, ClientId },
      {
        Settings: { components: { form: { logo: { enabled: true } } } },
        Assets: [{ Category: "FORM_LOGO", ColorMode: "DYNAMIC", Extension: "PNG", Bytes: logo }],
      },
    );
    const preview = (...argv: string[]) => runWith(env, "messages", "preview", ...argv);
    const shown = async (...argv: string[]) => {
      const { code, stdout, stderr } = await preview(UserPoolId, ...argv);
      assert.deepEqual([code, stderr], [0, ""]);
      return stdout;
    };
    assert.equal(await shown("sign-up"), "Subject: Il tuo codice di verifica\n\nOurs: 123456\n");
    assert.equal(await shown("mfa", "--medium", "sms"), "Il tuo codice di accesso è 123456.\n");
    const file = join(temporaryFolder(), "mail.html");
    const german = await shown("sign-in", "--language", "de_CH", "--client", ClientId, "--html", file);
    assert.match(german, /^Subject: Ihr Anmeldecode\n\nIhr Anmeldecode lautet 12345678\.\n\nWenn Sie /);
    const html = readFileSync(file, "utf8");
    assert.match(html, /^<!doctype html>\n<html lang="de" dir="ltr">/);
    assert.ok(html.includes(`<img src="data:image/png;base64,${logo.toString("base64")}" alt="people"`));

    for (const [wrong, code, said] of [
      [[UserPoolId, "nothing"], 2, /nothing is not one of sign-up, /],
      [[UserPoolId, "mfa", "--language", "tlh"], 2, /--language tlh is not one of en, ar/],
      [[UserPoolId, "mfa", "--medium", "fax"], 2, /--medium is email or sms/],
      [[UserPoolId, "mfa", "--medium", "sms", "--html", file], 2, /A text message has no HTML/],
      [["us-east-1_nowhere", "mfa"], 1, /There is no user pool us-east-1_nowhere/],
      [[UserPoolId, "mfa", "--client", "nobody"], 1, /has no client nobody/],
    ] as const) {
      const refused = await preview(...wrong);
      assert.equal(refused.code, code);
      assert.match(refused.stderr, said);
    }
  });
});
