/** The inbox for programs: messages as JSON, page by page in order of arrival, and waiting for the next one. */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { App } from "../../app.ts";
import { suggestion } from "../../lib/closest.ts";
import type { Message } from "../../store/outbox.ts";
import { type Arrivals, type Arrived, type Position, TooManyWaiting } from "./arrivals.ts";
import { isTo, newestMessages, recipientIn, removeAll } from "./find.ts";
import { shownOf } from "./shown.ts";

export type InboxContext = Context<{ Bindings: HttpBindings }>;

const mostMessages = 100;
const mostSeconds = 60;

/** What a program asks for. */
interface Asked {
  readonly to: string | undefined;
  readonly limit: number;
  /** Seconds. */
  readonly wait: number;
  /** Undefined from the beginning. */
  readonly cursor: Position | "latest" | undefined;
  /** Whether messages come in order of arrival, with a cursor: what programs that name neither parameter get is older. */
  readonly inOrder: boolean;
}

/** Answers GET /inbox/messages. @param stopping ends waiting */
export async function answerMessages(
  c: InboxContext,
  app: App,
  arrivals: Arrivals,
  stopping: AbortSignal,
): Promise<Response> {
  const asked = askedBy(c);
  if (typeof asked === "string") return c.json({ message: asked }, 400);
  if (!asked.inOrder) {
    const messages = (await newestMessages(app)).filter((message) => isTo(message, asked.to));
    return c.json(messages.slice(0, asked.limit).map(briefly));
  }
  try {
    return c.json(await pageFor(app, asked, arrivals, () => endOf(c, asked.wait, stopping)));
  } catch (error) {
    if (!(error instanceof TooManyWaiting)) throw error;
    return c.json({ message: "Too many requests wait for messages. Try again later." }, 503);
  }
}

/** The parameters of a request. */
const parameters = ["to", "wait", "cursor", "limit"];

/** What is asked for; a text that says what is wrong with it. */
function askedBy(c: InboxContext): Asked | string {
  const { cursor, wait, limit } = c.req.query();
  const fault = faultOf(c, parameters);
  if (fault !== undefined) return fault;
  const to = recipientIn(c.req.query("to"));
  const seconds = wholeNumber(wait ?? "0", 0, mostSeconds);
  if (seconds === undefined) return `wait is not a whole number of seconds from 0 to ${mostSeconds}.`;
  const most = wholeNumber(limit ?? String(mostMessages), 1, mostMessages);
  if (most === undefined) return `limit is not a whole number from 1 to ${mostMessages}.`;
  const position = cursor === undefined || cursor === "" ? undefined : positionOf(cursor);
  if (cursor && position === undefined)
    return 'cursor is neither empty, nor "latest", nor what an earlier answer calls next.';
  const inOrder = cursor !== undefined || wait !== undefined;
  return { to, limit: most, wait: seconds, cursor: position, inOrder };
}

/** What is wrong with the names of a query's parameters, or with its recipient; undefined if nothing is. */
function faultOf(c: InboxContext, known: readonly string[]): string | undefined {
  const given = Object.entries(c.req.queries());
  const unknown = given.find(([name]) => !known.includes(name))?.[0];
  if (unknown !== undefined) {
    const all =
      known.length === 1 ? `The only parameter is ${known[0]}.` : `The parameters are ${known.join(", ")}.`;
    return `${unknown} is unknown.${suggestion(unknown, known)} ${all}`;
  }
  const twice = given.find(([, values]) => values.length > 1)?.[0];
  if (twice !== undefined) return `${twice} is there more than once.`;
  return c.req.query("to") === "" ? "to is empty. Leave it out for messages to everybody." : undefined;
}

/** Answers DELETE /inbox/messages: deletes the messages to a recipient, or all. */
export async function answerRemoval(c: InboxContext, app: App): Promise<Response> {
  const fault = faultOf(c, ["to"]);
  if (fault !== undefined) return c.json({ message: fault }, 400);
  await removeAll(app, recipientIn(c.req.query("to")));
  return c.body(null, 204);
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : -1;
  return number >= least && number <= most ? number : undefined;
}

function positionOf(cursor: string): Position | "latest" | undefined {
  if (cursor === "latest") return cursor;
  const [, of, number, at] = /^([0-9a-f]{16})-(\d{1,15})-(\d{1,15})$/.exec(cursor) ?? [];
  return of === undefined ? undefined : { of, number: Number(number), at: Number(at) };
}

/** A position as clients get it. */
export const cursorOf = ({ of, number, at }: Position) => `${of}-${number}-${at}`;

/** Messages in order of arrival. */
interface Page {
  readonly messages: readonly Arrived[];
  readonly next: Position;
}

async function pageFor(app: App, asked: Asked, arrivals: Arrivals, end: () => AbortSignal) {
  let after = asked.cursor;
  if (after === "latest") after = arrivals.positionAfter((await arrivals.read()).at(-1));
  const take = (arrived: readonly Arrived[]) => pageOf(arrivals, arrived, asked, after);
  const filled = (arrived: readonly Arrived[]) => {
    const page = take(arrived);
    return page.messages.length > 0 ? page : undefined;
  };
  const found = asked.wait > 0 ? await arrivals.wait(filled, end()) : undefined;
  const { messages, next } = found ?? take(await arrivals.read());
  return {
    messages: await Promise.all(messages.map(({ message }) => fully(app, message))),
    next: cursorOf(next),
  };
}

/** The first messages after a position. */
function pageOf(
  arrivals: Arrivals,
  arrived: readonly Arrived[],
  { to, limit }: Asked,
  after: Position | undefined,
): Page {
  const later = arrived.filter((one) => after === undefined || arrivals.isAfter(one, after));
  const wanted = later.filter(({ message }) => isTo(message, to));
  const messages = wanted.slice(0, limit);
  const last = wanted.length > limit ? messages.at(-1) : arrived.at(-1);
  return { messages, next: arrivals.positionAfter(last) };
}

/** Ends a wait after its time, when the client goes away, and when the server stops. */
function endOf(c: InboxContext, seconds: number, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const { outgoing } = c.env;
  if (outgoing.destroyed) gone.abort();
  outgoing.once("close", () => gone.abort());
  return AbortSignal.any([AbortSignal.timeout(seconds * 1000), stopping, gone.signal]);
}

/** A message as it is listed newest first. */
function briefly(message: Message) {
  return {
    id: message.id,
    to: message.destination,
    medium: message.medium,
    kind: message.kind,
    subject: message.subject,
    body: message.body,
    code: message.code ?? null,
    userPoolId: message.poolId,
    sentAt: new Date(message.createdAt).toISOString(),
  };
}

/** A message with all that people see of it. */
export async function fully(app: App, message: Message) {
  const { text, html = null, headers } = await shownOf(app, message);
  const named = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { ...briefly(message), text, html, headers: named };
}
