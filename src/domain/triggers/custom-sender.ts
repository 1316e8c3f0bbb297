/**
 * CustomEmailSender and CustomSMSSender: a function sends messages in place of this server ("Custom sender Lambda
 * triggers", Amazon Cognito Developer Guide). The event is made with the message and kept with it, without the code; the
 * code is put in, encrypted, when the function is called. Nobody reads its answer, and no caller waits for it.
 */
import type { App } from "../../app.ts";
import type { FunctionFacts } from "../../integrations/functions/functions.ts";
import { Undeliverable } from "../../integrations/senders/sender.ts";
import type { Refusal } from "../../lib/refusal.ts";
import type { Message } from "../../store/outbox.ts";
import type { CodeKind } from "../../store/schema/schema.ts";
import { refusalFor } from "../../wire/refuse.ts";
import { findPool, type Pool } from "../user-pools/load-pool.ts";
import { type MessageOccasion, messageReasons } from "./custom-message.ts";
import { eventOf, fireUnanswered, type TriggerEvent } from "./fire.ts";
import { encryptCode } from "./sender-codes.ts";
import { functionOf, type SenderTrigger } from "./trigger.ts";
import { userAttributes } from "./user-event.ts";

const media = {
  EMAIL: { trigger: "CustomEmailSender", type: "customEmailSenderRequestV1", attribute: "email" },
  SMS: { trigger: "CustomSMSSender", type: "customSMSSenderRequestV1", attribute: "phone_number" },
} as const satisfies Record<Message["medium"], { trigger: SenderTrigger; type: string; attribute: string }>;

/** A message that a function is to send: its event, still without the code. */
export interface Sending extends Pick<TriggerEvent, "arn" | "event"> {
  readonly trigger: SenderTrigger;
}

/** The event for a message of this kind; undefined if the pool has no function that sends it. */
export function customSenderEvent(
  pool: Pool,
  kind: CodeKind,
  { medium, destination }: Pick<Message, "medium" | "destination">,
  { user, clientId, clientMetadata }: MessageOccasion,
): Sending | undefined {
  const { trigger, type, attribute } = media[medium];
  const made = eventOf(pool, trigger, {
    source: `${trigger}_${messageReasons[kind]}`,
    userName: user.username,
    clientId,
    request: () => ({
      type,
      code: null,
      clientMetadata: clientMetadata ?? null,
      // An address that is still to be verified is not yet the user's, but only here does the function find it.
      userAttributes: { ...userAttributes(pool, user), [attribute]: destination },
    }),
    form: {},
  });
  if (made === undefined) return undefined;
  // The real events have no response to fill in.
  const { response: _none, ...event } = made.event;
  return { trigger, arn: made.arn, event };
}

/** Whether a function that sends messages can read their codes: in plain text, or with an access key of its own. */
export const readsCodes = ({ plainTextCodes, ownKeyId }: FunctionFacts): boolean =>
  plainTextCodes || ownKeyId !== undefined;

/**
 * The reason why a function cannot send a message as the server is configured, for the caller to know: it is not
 * configured, or it gets the code encrypted and has no access key to decrypt it with.
 */
export function senderProblem(
  { functions }: Pick<App, "functions">,
  { trigger, arn }: Pick<Sending, "trigger" | "arn">,
): Refusal | undefined {
  const found = functions.find(arn);
  const because = (cause: string, detail: string) =>
    refusalFor("triggerUnavailable", { trigger, cause, detail: `${trigger}, ${arn}: ${detail}` });
  if (found === undefined) return because("ResourceNotFoundException", "the function is not configured");
  if (readsCodes(found)) return undefined;
  return because("AccessDeniedException", "the function has no access key of its own to decrypt codes with");
}

/**
 * Has the pool's function send a message. The function and the KMS key are those that the pool names now. Throws as
 * `fire` does; Undeliverable if the pool is gone, or has no such function any more.
 */
export async function sendByFunction(
  app: App,
  { poolId, kind, code }: Pick<Message, "poolId" | "kind" | "code">,
  { trigger, event }: Sending,
): Promise<void> {
  const pool = await findPool({ app, db: app.db }, poolId);
  const arn = pool && functionOf(pool, trigger);
  if (pool === undefined || arn === undefined)
    throw new Undeliverable(`The pool has no ${trigger} any more.`);
  const problem = senderProblem(app, { trigger, arn });
  if (problem !== undefined) throw problem;
  const { request, ...envelope } = event as { readonly request: object };
  const text = kind === "invitation" && code !== undefined ? escaped(code) : code;
  const secret = text === undefined ? null : await codeFor(app, pool, arn, text);
  await fireUnanswered(app, { trigger, arn, event: { ...envelope, request: { ...request, code: secret } } });
}

/** The code as the function gets it. */
function codeFor(app: App, pool: Pool, arn: string, code: string): string | Promise<string> {
  if (app.functions.find(arn)?.plainTextCodes) return code;
  const keyArn = pool.document.LambdaConfig?.KMSKeyID;
  if (keyArn === undefined) throw new Undeliverable("The pool has no KMSKeyID.");
  return encryptCode(app, pool, keyArn, code);
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** A temporary password, in which "Amazon Cognito HTML-escapes reserved characters"; handlers undo that. */
const escaped = (password: string) => password.replace(/[&<>]/g, (character) => entities[character]!);
