import type { MessageWords } from "./en.ts";

const note = "Si vous n’avez pas demandé ce message, vous pouvez l’ignorer.";
const unexpected = "Si vous n’attendiez pas ce message, vous pouvez l’ignorer.";
const verification = {
  subject: "Votre code de vérification",
  body: "Votre code de vérification est {####}",
  note,
};
const authentication = {
  subject: "Votre code de connexion",
  body: "Votre code de connexion est {####}.",
  title: "Se connecter",
};

export const fr: MessageWords = {
  code: {
    ...verification,
    title: "Confirmez votre compte",
    intro: "Saisissez ce code pour confirmer votre compte.",
  },
  link: {
    subject: "Votre lien de vérification",
    body: "Cliquez sur le lien ci-dessous pour vérifier votre adresse e-mail. {##Vérifier l’adresse e-mail##}",
    title: "Confirmez votre compte",
    intro: "Ouvrez ce lien pour vérifier votre adresse e-mail.",
    note,
  },
  reset: {
    subject: "Votre code pour un nouveau mot de passe",
    body: "Votre code pour un nouveau mot de passe est {####}",
    title: "Choisissez un nouveau mot de passe",
    intro: "Saisissez ce code pour choisir un nouveau mot de passe.",
    note,
  },
  attribute: {
    ...verification,
    title: "Confirmez votre adresse e-mail",
    intro: "Saisissez ce code pour confirmer votre adresse e-mail.",
  },
  signIn: {
    ...authentication,
    intro: "Saisissez ce code pour vous connecter. Ne le communiquez à personne.",
    note,
  },
  mfa: {
    ...authentication,
    intro: "Saisissez ce code pour terminer la connexion. Ne le communiquez à personne.",
    note: "Si vous n’êtes pas en train de vous connecter, quelqu’un d’autre connaît votre mot de passe. Changez-le.",
  },
  invitation: {
    subject: "Votre mot de passe provisoire",
    body: "Votre nom d’utilisateur est {username} et votre mot de passe provisoire est {####}",
    title: "Bienvenue",
    intro:
      "Un compte a été créé pour vous. Connectez-vous avec ce mot de passe provisoire, puis choisissez le vôtre.",
    rows: { username: "Nom d’utilisateur", code: "Mot de passe provisoire" },
    note: unexpected,
  },
  welcome: {
    subject: "Votre compte",
    body: "Votre nom d’utilisateur est {username}.",
    title: "Bienvenue",
    intro: "Un compte a été créé pour vous.",
    rows: { username: "Nom d’utilisateur" },
    note: unexpected,
  },
};
