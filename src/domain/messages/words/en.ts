/** The words of messages in English, and the type of all languages. */

/** What one kind of message says. `{####}` is the place of a code or password, `{name}` that of another value. */
export interface KindWords {
  readonly subject: string;
  /** All of a text message, and the first paragraph of a mail's plain text; `{##…##}` is a link. */
  readonly body: string;
  /** The heading of a mail. */
  readonly title: string;
  /** What to do with the code or link below it, in a mail. */
  readonly intro: string;
  /** What to do if it was somebody else, at the end of a mail. */
  readonly note: string;
  /** Labels of values that a mail lists, by their names; `code` is that of `{####}`, which otherwise stands alone, in large digits. */
  readonly rows?: Readonly<Record<string, string>>;
}

export interface MessageWords {
  /** A code that confirms a new account. */
  readonly code: KindWords;
  /** A link that confirms a new account. */
  readonly link: KindWords;
  /** A code that sets a new password. */
  readonly reset: KindWords;
  /** A code that confirms a changed address. */
  readonly attribute: KindWords;
  /** A one-time code in place of a password. */
  readonly signIn: KindWords;
  /** A code that is a second factor. */
  readonly mfa: KindWords;
  /** An account that an administrator has created, with its temporary password. */
  readonly invitation: KindWords;
  /** The account of somebody who signs in without a password. */
  readonly welcome: KindWords;
}

export type MessageKind = keyof MessageWords;

const note = "If you did not ask for this message, you can ignore it.";
const verification = { subject: "Your verification code", body: "Your verification code is {####}", note };
const authentication = { subject: "Your authentication code", body: "Your authentication code is {####}." };

export const en: MessageWords = {
  code: {
    ...verification,
    title: "Confirm your account",
    intro: "Enter this code to confirm your account.",
  },
  link: {
    subject: "Your verification link",
    body: "Please click the link below to verify your email address. {##Verify Email##}",
    title: "Confirm your account",
    intro: "Open this link to verify your email address.",
    note,
  },
  reset: {
    ...verification,
    title: "Choose a new password",
    intro: "Enter this code to choose a new password.",
  },
  attribute: {
    ...verification,
    title: "Confirm your email address",
    intro: "Enter this code to confirm your email address.",
  },
  signIn: {
    ...authentication,
    title: "Sign in",
    intro: "Enter this code to sign in. Do not share it with anybody.",
    note,
  },
  mfa: {
    ...authentication,
    title: "Sign in",
    intro: "Enter this code to finish signing in. Do not share it with anybody.",
    note: "If you are not signing in, somebody else knows your password: change it.",
  },
  invitation: {
    subject: "Your temporary password",
    body: "Your username is {username} and temporary password is {####}.",
    title: "Welcome",
    intro:
      "An account was created for you. Sign in with this temporary password, then choose one of your own.",
    rows: { username: "Username", code: "Temporary password" },
    note: "If you do not expect this message, you can ignore it.",
  },
  welcome: {
    subject: "Your account",
    body: "Your username is {username}.",
    title: "Welcome",
    intro: "An account was created for you.",
    rows: { username: "Username" },
    note: "If you do not expect this message, you can ignore it.",
  },
};
