/**
 * The words of messages for which a pool has no template: Cognito's own in English, and the same in the languages of the
 * hosted pages, for what is sent from these. `{####}` is the place of a code, `{username}` that of a name, and `{##…##}` a link.
 */

interface MessageWords {
  readonly code: string;
  readonly codeSubject: string;
  readonly link: string;
  readonly linkSubject: string;
  readonly signIn: string;
  readonly signInSubject: string;
  readonly welcome: string;
  readonly welcomeSubject: string;
}

const english: MessageWords = {
  code: "Your verification code is {####}",
  codeSubject: "Your verification code",
  link: "Please click the link below to verify your email address. {##Verify Email##}",
  linkSubject: "Your verification link",
  signIn: "Your authentication code is {####}.",
  signInSubject: "Your authentication code",
  welcome: "Your username is {username}.",
  welcomeSubject: "Your account",
};

/** The BCP 47 tags of the pages' languages. */
export type MessageLanguage =
  | "en"
  | "ar"
  | "de"
  | "es"
  | "fr"
  | "id"
  | "it"
  | "ja"
  | "ko"
  | "pt-BR"
  | "zh-CN"
  | "zh-TW";

const words: Readonly<Record<MessageLanguage, MessageWords>> = {
  en: english,
  ar: {
    code: "رمز التحقق الخاص بك هو {####}",
    codeSubject: "رمز التحقق الخاص بك",
    link: "انقر على الرابط التالي لتأكيد بريدك الإلكتروني. {##تأكيد البريد الإلكتروني##}",
    linkSubject: "رابط التحقق الخاص بك",
    signIn: "رمز تسجيل الدخول الخاص بك هو {####}.",
    signInSubject: "رمز تسجيل الدخول الخاص بك",
    welcome: "اسم المستخدم الخاص بك هو {username}.",
    welcomeSubject: "حسابك",
  },
  de: {
    code: "Ihr Bestätigungscode lautet {####}",
    codeSubject: "Ihr Bestätigungscode",
    link: "Klicken Sie auf den folgenden Link, um Ihre E-Mail-Adresse zu bestätigen. {##E-Mail-Adresse bestätigen##}",
    linkSubject: "Ihr Bestätigungslink",
    signIn: "Ihr Anmeldecode lautet {####}.",
    signInSubject: "Ihr Anmeldecode",
    welcome: "Ihr Benutzername lautet {username}.",
    welcomeSubject: "Ihr Konto",
  },
  es: {
    code: "Su código de verificación es {####}",
    codeSubject: "Su código de verificación",
    link: "Haga clic en el siguiente enlace para verificar su correo electrónico. {##Verificar el correo electrónico##}",
    linkSubject: "Su enlace de verificación",
    signIn: "Su código de inicio de sesión es {####}.",
    signInSubject: "Su código de inicio de sesión",
    welcome: "Su nombre de usuario es {username}.",
    welcomeSubject: "Su cuenta",
  },
  fr: {
    code: "Votre code de vérification est {####}",
    codeSubject: "Votre code de vérification",
    link: "Cliquez sur le lien ci-dessous pour vérifier votre adresse e-mail. {##Vérifier l’adresse e-mail##}",
    linkSubject: "Votre lien de vérification",
    signIn: "Votre code de connexion est {####}.",
    signInSubject: "Votre code de connexion",
    welcome: "Votre nom d’utilisateur est {username}.",
    welcomeSubject: "Votre compte",
  },
  id: {
    code: "Kode verifikasi Anda adalah {####}",
    codeSubject: "Kode verifikasi Anda",
    link: "Klik tautan di bawah ini untuk memverifikasi alamat email Anda. {##Verifikasi Email##}",
    linkSubject: "Tautan verifikasi Anda",
    signIn: "Kode masuk Anda adalah {####}.",
    signInSubject: "Kode masuk Anda",
    welcome: "Nama pengguna Anda adalah {username}.",
    welcomeSubject: "Akun Anda",
  },
  it: {
    code: "Il tuo codice di verifica è {####}",
    codeSubject: "Il tuo codice di verifica",
    link: "Fai clic sul link seguente per verificare il tuo indirizzo e-mail. {##Verifica l’indirizzo e-mail##}",
    linkSubject: "Il tuo link di verifica",
    signIn: "Il tuo codice di accesso è {####}.",
    signInSubject: "Il tuo codice di accesso",
    welcome: "Il tuo nome utente è {username}.",
    welcomeSubject: "Il tuo account",
  },
  ja: {
    code: "確認コードは {####} です",
    codeSubject: "確認コードのお知らせ",
    link: "以下のリンクをクリックして、メールアドレスを確認してください。{##メールアドレスを確認##}",
    linkSubject: "確認用リンクのお知らせ",
    signIn: "サインイン用のコードは {####} です。",
    signInSubject: "サインイン用のコードのお知らせ",
    welcome: "ユーザー名は {username} です。",
    welcomeSubject: "アカウントのお知らせ",
  },
  ko: {
    code: "인증 코드는 {####}입니다",
    codeSubject: "인증 코드",
    link: "아래 링크를 클릭하여 이메일 주소를 인증하세요. {##이메일 인증##}",
    linkSubject: "인증 링크",
    signIn: "로그인 코드는 {####}입니다.",
    signInSubject: "로그인 코드",
    welcome: "사용자 이름은 {username}입니다.",
    welcomeSubject: "계정 안내",
  },
  "pt-BR": {
    code: "Seu código de verificação é {####}",
    codeSubject: "Seu código de verificação",
    link: "Clique no link abaixo para confirmar seu e-mail. {##Confirmar e-mail##}",
    linkSubject: "Seu link de verificação",
    signIn: "Seu código de acesso é {####}.",
    signInSubject: "Seu código de acesso",
    welcome: "Seu nome de usuário é {username}.",
    welcomeSubject: "Sua conta",
  },
  "zh-CN": {
    code: "您的验证码是 {####}",
    codeSubject: "您的验证码",
    link: "请点击下面的链接验证您的邮箱地址。{##验证邮箱地址##}",
    linkSubject: "您的验证链接",
    signIn: "您的登录验证码是 {####}。",
    signInSubject: "您的登录验证码",
    welcome: "您的用户名是 {username}。",
    welcomeSubject: "您的账户",
  },
  "zh-TW": {
    code: "您的驗證碼是 {####}",
    codeSubject: "您的驗證碼",
    link: "請點選以下連結驗證您的電子郵件地址。{##驗證電子郵件地址##}",
    linkSubject: "您的驗證連結",
    signIn: "您的登入驗證碼是 {####}。",
    signInSubject: "您的登入驗證碼",
    welcome: "您的使用者名稱是 {username}。",
    welcomeSubject: "您的帳戶",
  },
};

/** All languages, for tests. */
export const messageLanguages = Object.keys(words);

/** The words in a language; in English if it is unknown or undefined. */
export function wordsOfMessages(language: string | undefined): MessageWords {
  return language !== undefined && Object.hasOwn(words, language)
    ? words[language as MessageLanguage]
    : english;
}

/** An e-mail body for languages that are written from right to left. */
export function directed(language: string | undefined, body: string): string {
  return language === "ar" ? `<div dir="rtl">${body}</div>` : body;
}
