import type { MessageWords } from "./en.ts";

const note = "Si no ha solicitado este mensaje, puede ignorarlo.";
const unexpected = "Si no espera este mensaje, puede ignorarlo.";
const verification = {
  subject: "Su código de verificación",
  body: "Su código de verificación es {####}",
  note,
};
const authentication = {
  subject: "Su código de inicio de sesión",
  body: "Su código de inicio de sesión es {####}.",
  title: "Iniciar sesión",
};

export const es: MessageWords = {
  code: {
    ...verification,
    title: "Confirme su cuenta",
    intro: "Introduzca este código para confirmar su cuenta.",
  },
  link: {
    subject: "Su enlace de verificación",
    body: "Haga clic en el siguiente enlace para verificar su correo electrónico. {##Verificar el correo electrónico##}",
    title: "Confirme su cuenta",
    intro: "Abra este enlace para verificar su correo electrónico.",
    note,
  },
  reset: {
    subject: "Su código para establecer una contraseña nueva",
    body: "Su código para establecer una contraseña nueva es {####}",
    title: "Establezca una contraseña nueva",
    intro: "Introduzca este código para establecer una contraseña nueva.",
    note,
  },
  attribute: {
    ...verification,
    title: "Confirme su correo electrónico",
    intro: "Introduzca este código para confirmar su correo electrónico.",
  },
  signIn: {
    ...authentication,
    intro: "Introduzca este código para iniciar sesión. No lo comparta con nadie.",
    note,
  },
  mfa: {
    ...authentication,
    intro: "Introduzca este código para terminar de iniciar sesión. No lo comparta con nadie.",
    note: "Si no está iniciando sesión, otra persona conoce su contraseña: cámbiela.",
  },
  invitation: {
    subject: "Su contraseña temporal",
    body: "Su nombre de usuario es {username} y su contraseña temporal es {####}",
    title: "Le damos la bienvenida",
    intro:
      "Se ha creado una cuenta para usted. Inicie sesión con esta contraseña temporal y, a continuación, elija una propia.",
    rows: { username: "Nombre de usuario", code: "Contraseña temporal" },
    note: unexpected,
  },
  welcome: {
    subject: "Su cuenta",
    body: "Su nombre de usuario es {username}.",
    title: "Le damos la bienvenida",
    intro: "Se ha creado una cuenta para usted.",
    rows: { username: "Nombre de usuario" },
    note: unexpected,
  },
};
