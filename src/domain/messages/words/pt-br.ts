import type { MessageWords } from "./en.ts";

const note = "Se você não pediu esta mensagem, pode ignorá-la.";
const unexpected = "Se você não esperava esta mensagem, pode ignorá-la.";
const verification = {
  subject: "Seu código de verificação",
  body: "Seu código de verificação é {####}",
  note,
};
const authentication = {
  subject: "Seu código de acesso",
  body: "Seu código de acesso é {####}.",
  title: "Entrar",
};

export const ptBr: MessageWords = {
  code: {
    ...verification,
    title: "Confirme sua conta",
    intro: "Digite este código para confirmar sua conta.",
  },
  link: {
    subject: "Seu link de verificação",
    body: "Clique no link abaixo para confirmar seu e-mail. {##Confirmar e-mail##}",
    title: "Confirme sua conta",
    intro: "Abra este link para confirmar seu e-mail.",
    note,
  },
  reset: {
    subject: "Seu código para definir uma nova senha",
    body: "Seu código para definir uma nova senha é {####}",
    title: "Defina uma nova senha",
    intro: "Digite este código para definir uma nova senha.",
    note,
  },
  attribute: {
    ...verification,
    title: "Confirme seu e-mail",
    intro: "Digite este código para confirmar seu e-mail.",
  },
  signIn: {
    ...authentication,
    intro: "Digite este código para entrar. Não o compartilhe com ninguém.",
    note,
  },
  mfa: {
    ...authentication,
    intro: "Digite este código para concluir a entrada. Não o compartilhe com ninguém.",
    note: "Se você não está tentando entrar, outra pessoa sabe sua senha: altere-a.",
  },
  invitation: {
    subject: "Sua senha temporária",
    body: "Seu nome de usuário é {username} e sua senha temporária é {####}",
    title: "Boas-vindas",
    intro: "Uma conta foi criada para você. Entre com esta senha temporária e depois escolha a sua.",
    rows: { username: "Nome de usuário", code: "Senha temporária" },
    note: unexpected,
  },
  welcome: {
    subject: "Sua conta",
    body: "Seu nome de usuário é {username}.",
    title: "Boas-vindas",
    intro: "Uma conta foi criada para você.",
    rows: { username: "Nome de usuário" },
    note: unexpected,
  },
};
