import type { MessageWords } from "./en.ts";

const note = "Se non hai richiesto questo messaggio, puoi ignorarlo.";
const unexpected = "Se non ti aspettavi questo messaggio, puoi ignorarlo.";
const verification = {
  subject: "Il tuo codice di verifica",
  body: "Il tuo codice di verifica è {####}",
  note,
};
const authentication = {
  subject: "Il tuo codice di accesso",
  body: "Il tuo codice di accesso è {####}.",
  title: "Accedi",
};

export const it: MessageWords = {
  code: {
    ...verification,
    title: "Conferma il tuo account",
    intro: "Inserisci questo codice per confermare il tuo account.",
  },
  link: {
    subject: "Il tuo link di verifica",
    body: "Fai clic sul link seguente per verificare il tuo indirizzo e-mail. {##Verifica l’indirizzo e-mail##}",
    title: "Conferma il tuo account",
    intro: "Apri questo link per verificare il tuo indirizzo e-mail.",
    note,
  },
  reset: {
    subject: "Il tuo codice per una nuova password",
    body: "Il tuo codice per una nuova password è {####}",
    title: "Imposta una nuova password",
    intro: "Inserisci questo codice per impostare una nuova password.",
    note,
  },
  attribute: {
    ...verification,
    title: "Conferma il tuo indirizzo e-mail",
    intro: "Inserisci questo codice per confermare il tuo indirizzo e-mail.",
  },
  signIn: {
    ...authentication,
    intro: "Inserisci questo codice per accedere. Non condividerlo con nessuno.",
    note,
  },
  mfa: {
    ...authentication,
    intro: "Inserisci questo codice per completare l’accesso. Non condividerlo con nessuno.",
    note: "Se non stai accedendo tu, qualcun altro conosce la tua password: cambiala.",
  },
  invitation: {
    subject: "La tua password temporanea",
    body: "Il tuo nome utente è {username} e la tua password temporanea è {####}",
    title: "Ti diamo il benvenuto",
    intro: "È stato creato un account per te. Accedi con questa password temporanea, poi scegline una tua.",
    rows: { username: "Nome utente", code: "Password temporanea" },
    note: unexpected,
  },
  welcome: {
    subject: "Il tuo account",
    body: "Il tuo nome utente è {username}.",
    title: "Ti diamo il benvenuto",
    intro: "È stato creato un account per te.",
    rows: { username: "Nome utente" },
    note: unexpected,
  },
};
