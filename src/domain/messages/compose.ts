/**
 * Composes messages: the pool's templates with code and name filled in ("Configuring verification and invitation
 * messages",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-message-customizations.html).
 * Pure.
 */
import type { PoolDocument } from "../user-pools/load-pool.ts";
import { directed, wordsOfMessages } from "./words.ts";

export interface Composed {
  readonly subject: string;
  readonly body: string;
}

type Medium = "EMAIL" | "SMS";
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

/** Invitations come from administrators, whose language nobody knows. */
const invitationWords = {
  body: "Your username is {username} and temporary password is {####}.",
  subject: "Your temporary password",
} as const;

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

/** What a message depends on besides the pool. */
export interface Composing {
  readonly link?: LinkTarget | undefined;
  /** The language of the page that it is sent from, for words that the pool has no template for. */
  readonly language?: string | undefined;
}

/** A message with a verification or reset code, or with a link if one is given and the pool wants it. */
export function composeCode(
  templates: Templates,
  medium: Medium,
  code: string,
  { link, language }: Composing = {},
): Composed {
  if (link !== undefined && sendsLink(templates, medium)) return composeLink(templates, link, code, language);
  const defaults = defaultsFor(medium, language);
  const verification = templates.VerificationMessageTemplate;
  if (medium === "SMS") {
    const template = verification?.SmsMessage ?? templates.SmsVerificationMessage ?? defaults.code;
    return fill(medium, { body: template, subject: "" }, { code });
  }
  const body = verification?.EmailMessage ?? templates.EmailVerificationMessage ?? defaults.code;
  const subject = verification?.EmailSubject ?? templates.EmailVerificationSubject ?? defaults.codeSubject;
  return fill(medium, { body, subject }, { code });
}

/** A message with a sign-in code: SmsAuthenticationMessage, or the message of EmailMfaConfiguration. */
export function composeSignInCode(
  templates: Templates,
  medium: Medium,
  code: string,
  { language }: Composing = {},
): Composed {
  const defaults = defaultsFor(medium, language);
  if (medium === "SMS") {
    const body = templates.SmsAuthenticationMessage ?? defaults.signIn;
    return fill(medium, { body, subject: "" }, { code });
  }
  const { Message: body = defaults.signIn, Subject: subject = defaults.signInSubject } =
    templates.EmailMfaConfiguration ?? {};
  return fill(medium, { body, subject }, { code });
}

/**
 * An invitation with a temporary password, or without one for users who sign in by one-time codes. Undefined if the
 * template has no placeholder for the password: Cognito then delivers nothing (AdminCreateUser).
 */
export function composeInvitation(
  templates: Templates,
  medium: Medium,
  values: { username: string; password: string | undefined },
  { language }: Composing = {},
): Composed | undefined {
  const { welcome, welcomeSubject } = defaultsFor(medium, language);
  const invitation = templates.AdminCreateUserConfig?.InviteMessageTemplate;
  const { username, password: code } = values;
  const own = medium === "SMS" ? invitation?.SMSMessage : invitation?.EmailMessage;
  if (own !== undefined && code !== undefined && !own.includes(codePlace)) return undefined;
  const body = own ?? (code === undefined ? welcome : invitationWords.body);
  const subject = invitation?.EmailSubject ?? (code === undefined ? welcomeSubject : invitationWords.subject);
  return fill(medium, { body, subject: medium === "SMS" ? "" : subject }, { username, code: code ?? "" });
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
function composeLink(
  templates: Templates,
  link: LinkTarget,
  code: string,
  language: string | undefined,
): Composed {
  const defaults = defaultsFor("EMAIL", language);
  const { EmailMessageByLink = defaults.link, EmailSubjectByLink = defaults.linkSubject } =
    templates.VerificationMessageTemplate ?? {};
  return { subject: oneLine(EmailSubjectByLink), body: withLink(EmailMessageByLink, link, code) };
}

function withLink(
  message: string,
  { base, clientId, username }: LinkTarget,
  code: string,
  place = /\{##(.*?)##\}/gs,
): string {
  const query = new URLSearchParams({ client_id: clientId, user_name: username, confirmation_code: code });
  const address = escapeHtml(`${base}/confirmUser?${query}`);
  return message.replace(
    place,
    (_place, words: string) => `<a href="${address}">${words.trim() === "" ? address : words}</a>`,
  );
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
          : value(values.username),
    );
  return {
    subject: oneLine(put(template.subject, (text) => text)),
    body: put(template.body, inBody),
  };
}

/** The words for a medium: bodies of e-mails are HTML, and say if they are written from right to left. */
function defaultsFor(medium: Medium, language: string | undefined) {
  const words = wordsOfMessages(language);
  if (medium === "SMS") return words;
  const bodies = (["code", "link", "signIn", "welcome"] as const).map(
    (name) => [name, directed(language, words[name])] as const,
  );
  return { ...words, ...Object.fromEntries(bodies) };
}

/** Removes line breaks, which would start another header. */
const oneLine = (subject: string) => subject.replace(/[\r\n]+/g, " ");

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
