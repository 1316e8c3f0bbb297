/**
 * CustomMessage: a function words a message with a code ("Custom message Lambda trigger", Amazon Cognito Developer
 * Guide). The event is made with the message and kept with it; the function is asked when the message is delivered, so
 * that a request takes no longer for a user who exists.
 */
import type { App } from "../../app.ts";
import type { Message } from "../../store/outbox.ts";
import type { CodeKind } from "../../store/schema/schema.ts";
import type { User } from "../../store/users.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { unrecognizable } from "./answer.ts";
import { eventOf, fireEvent, type TriggerEvent } from "./fire.ts";
import type { MessageReason, Metadata } from "./trigger.ts";
import { given, userAttributes } from "./user-event.ts";

/** The placeholders that a function puts into its message. */
export const places = { code: "{####}", link: "{##Click Here##}", username: "{username}" } as const;

/** What trigger sources call the kinds of messages. */
export const messageReasons = {
  "sign-up": "SignUp",
  "resend-code": "ResendCode",
  "sign-in": "Authentication",
  invitation: "AdminCreateUser",
  "forgot-password": "ForgotPassword",
  "admin-reset-password": "ForgotPassword",
  "update-attribute": "UpdateUserAttribute",
  "verify-attribute": "VerifyUserAttribute",
} as const satisfies Record<CodeKind, MessageReason>;

/** Whom a message is for, and on what occasion. */
export interface MessageOccasion {
  readonly user: User;
  /** Undefined if an administrator acts without a client. */
  readonly clientId?: string | undefined;
  readonly clientMetadata?: Metadata | undefined;
}

const form = { smsMessage: "text", emailMessage: "text", emailSubject: "text" } as const;

/** The event for a message of this kind; undefined if the pool has no function for it. */
export function customMessageEvent(
  pool: Pool,
  kind: CodeKind,
  { user, clientId, clientMetadata }: MessageOccasion,
): TriggerEvent | undefined {
  return eventOf(pool, "CustomMessage", {
    source: `CustomMessage_${messageReasons[kind]}`,
    userName: user.username,
    clientId,
    request: () => ({
      userAttributes: userAttributes(pool, user),
      codeParameter: places.code,
      linkParameter: places.link,
      usernameParameter: kind === "invitation" ? places.username : null,
      ...given("clientMetadata", clientMetadata),
    }),
    form,
  });
}

/** What the function wants a message to say; undefined members leave the pool's own words. */
export interface CustomWords {
  readonly body: string | undefined;
  readonly subject: string | undefined;
}

/** Most characters of a text message, of an e-mail and of its subject (CustomMessage, Custom message response). */
const most = { SMS: 140, EMAIL: 20_000, subject: 140 } as const;

/**
 * Asks the function. Throws as `fire` does, and InvalidLambdaResponseException for a message that is too long, or that
 * does not say where the code belongs.
 */
export async function customWords(
  app: App,
  event: TriggerEvent,
  medium: Message["medium"],
): Promise<CustomWords> {
  const { smsMessage, emailMessage, emailSubject } = await fireEvent(app, event, form);
  const body = medium === "SMS" ? smsMessage : emailMessage;
  const subject = medium === "SMS" ? undefined : emailSubject;
  if (body !== undefined && ([...body].length > most[medium] || !saysCode(body)))
    unrecognizable("CustomMessage: the message is too long, or has no place for the code");
  if (subject !== undefined && [...subject].length > most.subject)
    unrecognizable("CustomMessage: the subject is too long");
  return { body, subject };
}

const saysCode = (body: string) => body.includes(places.code) || /\{##.*?##\}/s.test(body);
