/**
 * Composes messages: the pool's templates with code and name filled in ("Configuring verification and invitation
 * messages",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-message-customizations.html),
 * and our own words where it has none. Pure.
 */
import { inSentence } from "../../lib/bidi.ts";
import { escapeHtml } from "../../lib/escape-html.ts";
import type { Message } from "../../store/outbox.ts";
import type { CodeKind } from "../../store/schema/schema.ts";
import type { PoolDocument } from "../user-pools/load-pool.ts";
import { type Composed, type Composing, composeOurs, type Medium } from "./layout.ts";
import type { MessageKind } from "./words.ts";

export type { Composed } from "./layout.ts";

type Templates = Pick<
  PoolDocument,
  | "VerificationMessageTemplate"
  | "EmailVerificationMessage"
  | "EmailVerificationSubject"
  | "SmsVerificationMessage"
  | "AdminCreateUserConfig"
  | "SmsAuthenticationMessage"
  | "EmailMfaConfiguration"
>;

const codePlace = "{####}";

/** The destination of a link in a message, and the user it is for. */
export interface LinkTarget {
  /** The URL that the pool's pages begin with. */
  readonly base: string;
  readonly clientId: string;
  readonly username: string;
}

/** Whether new users confirm by a link instead of a code, which only e-mail can do. */
export function sendsLink(templates: Templates, medium: Medium): boolean {
  const option = templates.VerificationMessageTemplate?.DefaultEmailOption;
  return medium === "EMAIL" && option === "CONFIRM_WITH_LINK";
}

type KindOfCode = Exclude<CodeKind, "sign-in" | "invitation">;

/** The words of messages with a verification or reset code. */
const wordsOfCodes: Readonly<Record<KindOfCode, MessageKind>> = {
  "sign-up": "code",
  "resend-code": "code",
  "forgot-password": "reset",
  "admin-reset-password": "reset",
  "update-attribute": "attribute",
  "verify-attribute": "attribute",
};

/** A message with a verification or reset code, or with a link if one is given and the pool wants it. */
export function composeCode(
  templates: Templates,
  medium: Medium,
  code: string,
  {
    link,
    kind = "sign-up",
    ...composing
  }: Composing & { readonly link?: LinkTarget | undefined; readonly kind?: Message["kind"] } = {},
): Composed {
  if (link !== undefined && sendsLink(templates, medium))
    return composeLink(templates, link, code, composing);
  const verification = templates.VerificationMessageTemplate;
  const words = wordsOfCodes[kind as KindOfCode] ?? "code";
  const ours = composeOurs(words, medium, { values: { code } }, composing);
  if (medium === "SMS")
    return withOwn(
      medium,
      ours,
      { body: verification?.SmsMessage ?? templates.SmsVerificationMessage },
      { code },
    );
  const body = verification?.EmailMessage ?? templates.EmailVerificationMessage;
  const subject = verification?.EmailSubject ?? templates.EmailVerificationSubject;
  return withOwn(medium, ours, { body, subject }, { code });
}

/**
 * A message with a sign-in code: SmsAuthenticationMessage, or the message of EmailMfaConfiguration.
 * @param isFirst whether the code is in place of a password, not a second factor
 */
export function composeSignInCode(
  templates: Templates,
  medium: Medium,
  code: string,
  { isFirst = false, ...composing }: Composing & { readonly isFirst?: boolean } = {},
): Composed {
  const ours = composeOurs(isFirst ? "signIn" : "mfa", medium, { values: { code } }, composing);
  if (medium === "SMS") return withOwn(medium, ours, { body: templates.SmsAuthenticationMessage }, { code });
  const { Message: body, Subject: subject } = templates.EmailMfaConfiguration ?? {};
  return withOwn(medium, ours, { body, subject }, { code });
}

/**
 * An invitation with a temporary password, or without one for users who sign in by one-time codes. Undefined if the
 * template has no placeholder for the password: Cognito then delivers nothing (AdminCreateUser).
 */
export function composeInvitation(
  templates: Templates,
  medium: Medium,
  { username, password: code }: { username: string; password: string | undefined },
  composing: Composing = {},
): Composed | undefined {
  const invitation = templates.AdminCreateUserConfig?.InviteMessageTemplate;
  const body = medium === "SMS" ? invitation?.SMSMessage : invitation?.EmailMessage;
  if (body !== undefined && code !== undefined && !body.includes(codePlace)) return undefined;
  const values = code === undefined ? { username } : { username, code };
  const ours = composeOurs(code === undefined ? "welcome" : "invitation", medium, { values }, composing);
  return withOwn(medium, ours, { body, subject: invitation?.EmailSubject }, { username, code: code ?? "" });
}

/** What a message is filled in with. */
export interface Filling {
  readonly code: string;
  readonly username?: string | undefined;
  /** For `{##…##}` in e-mail. */
  readonly link?: LinkTarget | undefined;
}

/** A message in the words of a CustomMessage function. */
export function composeCustom(medium: Medium, words: Composed, { code, username, link }: Filling): Composed {
  // Without words it is the place of the code.
  const body = link === undefined ? words.body : withLink(words.body, link, code, /\{##(.+?)##\}/gs);
  const values = username === undefined ? { code } : { code, username };
  return fill(medium, { subject: words.subject, body }, values);
}

/**
 * Turns `{##Click Here##}` into a link of these words to the page that takes the code; without words the link shows its
 * URL.
 */
function composeLink(templates: Templates, link: LinkTarget, code: string, composing: Composing): Composed {
  const { EmailMessageByLink: body, EmailSubjectByLink: subject } =
    templates.VerificationMessageTemplate ?? {};
  const ours = composeOurs("link", "EMAIL", { values: {}, link: addressOf(link, code) }, composing);
  return {
    subject: subject === undefined ? ours.subject : oneLine(subject),
    ...(body === undefined ? { body: ours.body, layout: ours.layout } : { body: withLink(body, link, code) }),
  };
}

function addressOf({ base, clientId, username }: LinkTarget, code: string): string {
  const query = new URLSearchParams({ client_id: clientId, user_name: username, confirmation_code: code });
  return `${base}/confirmUser?${query}`;
}

function withLink(message: string, link: LinkTarget, code: string, place = /\{##(.*?)##\}/gs): string {
  const address = escapeHtml(addressOf(link, code));
  return message.replace(
    place,
    (_place, words: string) => `<a href="${address}">${words.trim() === "" ? address : words}</a>`,
  );
}

/** The pool's own subject and body, filled in, in place of ours. A body of the pool's has no layout. */
function withOwn(
  medium: Medium,
  ours: Composed,
  own: { readonly body?: string | undefined; readonly subject?: string | undefined },
  values: { username?: string; code: string },
): Composed {
  const { subject, body } = fill(medium, { subject: own.subject ?? "", body: own.body ?? "" }, values);
  return {
    subject: medium === "SMS" || own.subject === undefined ? ours.subject : subject,
    ...(own.body === undefined ? { body: ours.body, layout: ours.layout } : { body }),
  };
}

function fill(medium: Medium, template: Composed, values: { username?: string; code: string }): Composed {
  // E-mail bodies are HTML. Replaced by a function, because in a replacement string `$&` in a password would be
  // special.
  const inBody = medium === "EMAIL" ? escapeHtml : (text: string) => text;
  const put = (text: string, value: (text: string) => string) =>
    text.replace(/\{####\}|\{username\}/g, (place) =>
      place === codePlace
        ? value(values.code)
        : values.username === undefined
          ? place
          : value(inSentence(values.username, "ltr")),
    );
  return {
    subject: oneLine(put(template.subject, (text) => text)),
    body: put(template.body, inBody),
  };
}

/** Removes line breaks, which would start another header. */
const oneLine = (subject: string) => subject.replace(/[\r\n]+/g, " ");
