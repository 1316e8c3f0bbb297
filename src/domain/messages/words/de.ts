import type { MessageWords } from "./en.ts";

const note = "Wenn Sie diese Nachricht nicht angefordert haben, können Sie sie ignorieren.";
const unexpected = "Wenn Sie diese Nachricht nicht erwarten, können Sie sie ignorieren.";
const verification = { subject: "Ihr Bestätigungscode", body: "Ihr Bestätigungscode lautet {####}", note };
const authentication = {
  subject: "Ihr Anmeldecode",
  body: "Ihr Anmeldecode lautet {####}.",
  title: "Anmelden",
};

export const de: MessageWords = {
  code: {
    ...verification,
    title: "Konto bestätigen",
    intro: "Geben Sie diesen Code ein, um Ihr Konto zu bestätigen.",
  },
  link: {
    subject: "Ihr Bestätigungslink",
    body: "Klicken Sie auf den folgenden Link, um Ihre E-Mail-Adresse zu bestätigen. {##E-Mail-Adresse bestätigen##}",
    title: "Konto bestätigen",
    intro: "Öffnen Sie diesen Link, um Ihre E-Mail-Adresse zu bestätigen.",
    note,
  },
  reset: {
    subject: "Ihr Code für ein neues Passwort",
    body: "Ihr Code für ein neues Passwort lautet {####}",
    title: "Neues Passwort festlegen",
    intro: "Geben Sie diesen Code ein, um ein neues Passwort festzulegen.",
    note,
  },
  attribute: {
    ...verification,
    title: "E-Mail-Adresse bestätigen",
    intro: "Geben Sie diesen Code ein, um Ihre E-Mail-Adresse zu bestätigen.",
  },
  signIn: {
    ...authentication,
    intro: "Geben Sie diesen Code ein, um sich anzumelden. Teilen Sie ihn mit niemandem.",
    note,
  },
  mfa: {
    ...authentication,
    intro: "Geben Sie diesen Code ein, um die Anmeldung abzuschließen. Teilen Sie ihn mit niemandem.",
    note: "Wenn Sie sich nicht gerade anmelden, kennt jemand anderes Ihr Passwort: Ändern Sie es.",
  },
  invitation: {
    subject: "Ihr vorläufiges Passwort",
    body: "Ihr Benutzername lautet {username} und Ihr vorläufiges Passwort {####}",
    title: "Willkommen",
    intro:
      "Für Sie wurde ein Konto erstellt. Melden Sie sich mit diesem vorläufigen Passwort an und wählen Sie dann ein eigenes.",
    rows: { username: "Benutzername", code: "Vorläufiges Passwort" },
    note: unexpected,
  },
  welcome: {
    subject: "Ihr Konto",
    body: "Ihr Benutzername lautet {username}.",
    title: "Willkommen",
    intro: "Für Sie wurde ein Konto erstellt.",
    rows: { username: "Benutzername" },
    note: unexpected,
  },
};
