/** `npm run test:spam`: what SpamAssassin's local rules make of every mail, as it is received by SMTP. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { exampleMessage, exampleMessages } from "../../src/domain/messages/examples.ts";
import { outgoing } from "../../src/domain/messages/outgoing.ts";
import { giveStyle, juniper, png } from "../hosted-ui/brands.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { makePool } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { openPostOffice } from "./post-office.ts";

const office = await openPostOffice();
after(() => office.close());

const languages = ["en", "ar", "ja"] as const;
/** Debian's SpamAssassin calls mail spam from 5 on. */
const most = 1;

forEachServer(
  "spam",
  (open, database) => {
    // What a mail looks like does not depend on the database.
    if (database !== "sqlite") return;

    test("no mail looks like spam", async () => {
      const server = await open();
      const { app } = server;
      const document = { VerificationMessageTemplate: { DefaultEmailOption: "CONFIRM_WITH_LINK" as const } };
      const { UserPoolId: id, ClientId: clientId } = await makePool(server);
      const Assets = [
        {
          ...{ Category: "FORM_LOGO" as const, ColorMode: "DYNAMIC" as const, Extension: "PNG" as const },
          Bytes: png(160, 40, [46, 139, 98]),
        },
      ];
      await giveStyle(server, { UserPoolId: id, ClientId: clientId }, { Settings: juniper, Assets });
      const names: string[] = [];
      for (const language of languages)
        for (const kind of Object.keys(exampleMessages))
          for (const branded of [false, true]) {
            const composing = branded ? { language, clientId } : { language };
            const message = exampleMessage({ id, document }, kind, "EMAIL", composing) ?? assert.fail();
            const name = `${kind}, ${language}, ${branded ? "branded" : "plain"}`;
            const stored = { ...message, id: `example-${names.length}`, createdAt: Date.now() };
            await app.senders.of(id, "EMAIL").send(await outgoing({ app, db: app.db }, stored));
            names.push(name);
          }
      assert.equal(office.mails.length, names.length);
      // Each as its reader's server gets it from the operator's, which signs what it sends; in one box (RFC 4155).
      const box = office.mails.map(({ raw, headers }) =>
        [
          "From no-reply@house.example Mon Nov 30 11:00:00 2026",
          "Return-Path: <no-reply@house.example>",
          `Received: from mail.house.example (mail.house.example [192.0.43.8]) by mx.example.com with ESMTPS id 2; ${headers.get("date")}`,
          `Received: from id.house.example (id.house.example [192.0.43.9]) by mail.house.example with ESMTPSA id 1; ${headers.get("date")}`,
          "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=house.example; s=mail; h=from:to:subject; bh=eA==; b=eA==",
          `${raw.replaceAll("\r\n", "\n")}\n`,
        ].join("\n"),
      );
      const { stdout, stderr, error } = spawnSync("spamassassin", ["-L", "-t", "--mbox"], {
        input: box.join("\n"),
        // It learns nothing, and has learned nothing.
        env: { ...process.env, HOME: temporaryFolder() },
        encoding: "utf8",
        maxBuffer: 1e9,
      });
      assert.equal(error, undefined, stderr);
      // In no particular order.
      const header =
        /^X-Spam-Status: \w+, score=(-?[\d.]+).*?tests=(.*?)\s+\w+=.*?^Message-ID: <example-(\d+)@/gms;
      const found = [...stdout.matchAll(header)];
      assert.equal(found.length, names.length, stderr);
      const scores = found.map(
        ([, score = "", tests = "", at]) => `${score} ${names[Number(at)]}: ${tests.replace(/\s+/g, "")}`,
      );
      console.log(
        `${names.length} mails, the highest score ${Math.max(...found.map(([, score]) => Number(score)))}`,
      );
      assert.deepEqual(
        scores.filter((line) => Number(line.split(" ", 1)[0]) > most),
        [],
      );
    });
  },
  {
    POOLHOUSE_SMTP_URL: `smtp://127.0.0.1:${office.port}`,
    POOLHOUSE_SMTP_FROM: "Poolhouse <no-reply@house.example>",
  },
);
