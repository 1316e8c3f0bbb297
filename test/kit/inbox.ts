/** The inbox as programs read it, and messages that lie in it without an operation that sent them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { insertMessage, type Message } from "../../src/store/outbox.ts";
import type { InboxMessage, TestServer } from "./server.ts";

export interface FullMessage extends InboxMessage {
  readonly text: string;
  readonly html: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface InboxPage {
  readonly messages: readonly FullMessage[];
  readonly next: string;
}

/** A page of messages in order of arrival. */
export async function readInbox(
  { endpoint }: Pick<TestServer, "endpoint">,
  query: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<InboxPage> {
  const answer = await fetch(`${endpoint}/inbox/messages?${new URLSearchParams(query)}`, {
    ...(signal && { signal }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()) as InboxPage;
}

/** Puts a sent message into the database. Returns its id. */
export async function putMessage(
  { app }: Pick<TestServer, "app">,
  fields: Partial<Message> = {},
): Promise<string> {
  const message: Message = {
    poolId: "us-east-1_Inbox0001",
    id: randomBytes(16).toString("hex"),
    userId: undefined,
    medium: "EMAIL",
    kind: "sign-up",
    destination: "somebody@mail.example",
    subject: "Your verification code",
    body: "Your verification code is 123456",
    code: "123456",
    from: undefined,
    replyTo: undefined,
    createdAt: app.clock(),
    expiresAt: app.clock() + 3_600_000,
    ...fields,
  };
  await insertMessage(app.db, message, { status: "sent", nextAttemptAt: message.createdAt });
  return message.id;
}
