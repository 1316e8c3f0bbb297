/** `poolhouse messages preview`: what a pool sends to its users. */
import { writeFileSync } from "node:fs";
import { exampleMessage, exampleMessages } from "../domain/messages/examples.ts";
import { messageLanguage } from "../domain/messages/language.ts";
import type { Medium } from "../domain/messages/layout.ts";
import { outgoing } from "../domain/messages/outgoing.ts";
import { findPool, type Pool } from "../domain/user-pools/load-pool.ts";
import { Caches } from "../lib/caches.ts";
import { suggestion } from "../lib/closest.ts";
import { knownLanguage, languageTags } from "../lib/language.ts";
import { readClientVersions } from "../store/clients.ts";
import { CommandError } from "./command-error.ts";
import type { Given } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { wrongUsage } from "./usage.ts";

const wrongPreview = wrongUsage("messages", ["preview"]);

export async function preview({
  config,
  operands: [poolId = "", name = ""],
  text: option,
}: Given): Promise<void> {
  if (!Object.hasOwn(exampleMessages, name)) {
    const known = Object.keys(exampleMessages);
    throw wrongPreview(`${name} is not one of ${known.join(", ")}.${suggestion(name, known)}`);
  }
  const medium = mediumOf(option("medium"));
  if (name.startsWith("notice:") && medium === "SMS") throw wrongPreview("Notices are sent by e-mail only.");
  const file = option("html");
  if (file !== undefined && medium === "SMS") throw wrongPreview("A text message has no HTML.");
  const language = languageOf(option("language"));
  const clientId = option("client");
  const { pool, sent } = await withDatabase(config, async ({ db }) => {
    const ctx = { app: { caches: new Caches() }, db };
    const found = await findPool(ctx, poolId);
    if (found === undefined) throw new CommandError(`There is no user pool ${poolId}.`);
    if (clientId !== undefined && (await readClientVersions(db, poolId, clientId)) === undefined)
      throw new CommandError(`The user pool ${poolId} has no client ${clientId}.`);
    const composing = {
      language: messageLanguage({ ...(language && { language }) }, found, undefined),
      clientId,
    };
    const message = exampleMessage(found, name, medium, composing);
    if (message === undefined)
      throw new CommandError(
        "Nothing would be sent: the pool's template has no place for the password, {####}.",
      );
    return { pool: found, sent: await outgoing(ctx, message) };
  });
  if (medium === "EMAIL") console.log(`Subject: ${sent.subject}\n`);
  console.log(sent.text);
  for (const note of notesOn(pool, medium)) console.error(`\n${note}`);
  if (file === undefined) return;
  writeFileSync(file, withImages(sent.html ?? "", sent.images ?? []));
}

function mediumOf(given = "email"): Medium {
  if (given === "email") return "EMAIL";
  if (given === "sms") return "SMS";
  throw wrongPreview("--medium is email or sms.");
}

function languageOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  return knownLanguage(given) ?? wrongLanguage(given);
}

function wrongLanguage(given: string): never {
  throw wrongPreview(`--language ${given} is not one of ${languageTags.join(", ")}.`);
}

/** What a preview does not show. */
function notesOn({ document }: Pool, medium: Medium): string[] {
  const functions = document.LambdaConfig ?? {};
  const sender = medium === "SMS" ? functions.CustomSMSSender : functions.CustomEmailSender;
  if (sender !== undefined) return ["The pool's own function sends its messages, in words of its own."];
  return functions.CustomMessage === undefined
    ? []
    : ["The pool's CustomMessage function may word this message in another way."];
}

/** HTML that shows its images outside of a mail. */
function withImages(
  html: string,
  images: readonly { readonly id: string; readonly type: string; readonly bytes: Uint8Array }[],
): string {
  return images.reduce(
    (shown, { id, type, bytes }) =>
      shown.replaceAll(`cid:${id}`, `data:${type};base64,${Buffer.from(bytes).toString("base64")}`),
    html,
  );
}
