/** The words of notices, in the languages of the hosted pages. `{time}` is a time in UTC, `{place}` an address and a program. */
import type { LanguageTag } from "../../lib/language.ts";
import type { NoticeName } from "../../store/schema/schema.ts";

/** A subject, and a sentence that says what happened. */
type Said = readonly [subject: string, sentence: string];

interface NoticeWords extends Readonly<Record<NoticeName, Said>> {
  /** For a change that the user did not make. */
  readonly byAdministrator: string;
  readonly when: string;
  readonly where: string;
  /** What to do for somebody who can still sign in. */
  readonly notYou: string;
  /** What to do for somebody who cannot. */
  readonly tell: string;
}

const words: Readonly<Record<LanguageTag, NoticeWords>> = {
  en: {
    "password-changed": ["Your password was changed", "The password of your account was changed."],
    "factor-added": ["A sign-in method was added", "A method of signing in was added to your account."],
    "factor-removed": [
      "A sign-in method was removed",
      "A method of signing in was removed from your account or turned off.",
    ],
    "new-sign-in": [
      "New sign-in to your account",
      "Somebody signed in to your account from a network that is new for it.",
    ],
    "device-remembered": [
      "A device was remembered",
      "A device was remembered for your account: signing in with it may take fewer steps.",
    ],
    "address-changed": [
      "Your contact details were changed",
      "The e-mail address or phone number of your account was changed.",
    ],
    "account-deleted": ["Your account was deleted", "Your account and its data were deleted."],
    byAdministrator: "An administrator did this.",
    when: "When: {time} (UTC)",
    where: "From: {place}",
    notYou: "If this was not you, change your password and tell your administrator.",
    tell: "If you did not expect this, tell your administrator.",
  },
  ar: {
    "password-changed": ["تم تغيير كلمة المرور الخاصة بك", "تم تغيير كلمة مرور حسابك."],
    "factor-added": ["تمت إضافة طريقة لتسجيل الدخول", "تمت إضافة طريقة لتسجيل الدخول إلى حسابك."],
    "factor-removed": [
      "تمت إزالة طريقة لتسجيل الدخول",
      "تمت إزالة طريقة لتسجيل الدخول من حسابك أو تم إيقافها.",
    ],
    "new-sign-in": ["تسجيل دخول جديد إلى حسابك", "سجّل شخص ما الدخول إلى حسابك من شبكة جديدة."],
    "device-remembered": ["تم تذكّر جهاز", "تم تذكّر جهاز لحسابك: قد يتطلب تسجيل الدخول به خطوات أقل."],
    "address-changed": [
      "تم تغيير بيانات الاتصال الخاصة بك",
      "تم تغيير البريد الإلكتروني أو رقم الهاتف لحسابك.",
    ],
    "account-deleted": ["تم حذف حسابك", "تم حذف حسابك وبياناته."],
    byAdministrator: "قام بذلك أحد المسؤولين.",
    when: "الوقت: {time} (UTC)",
    where: "من: {place}",
    notYou: "إذا لم تكن أنت من فعل ذلك، فغيّر كلمة المرور وأبلغ المسؤول.",
    tell: "إذا لم تكن تتوقع ذلك، فأبلغ المسؤول.",
  },
  de: {
    "password-changed": ["Ihr Passwort wurde geändert", "Das Passwort Ihres Kontos wurde geändert."],
    "factor-added": [
      "Eine Anmeldemethode wurde hinzugefügt",
      "Ihrem Konto wurde eine Anmeldemethode hinzugefügt.",
    ],
    "factor-removed": [
      "Eine Anmeldemethode wurde entfernt",
      "Eine Anmeldemethode Ihres Kontos wurde entfernt oder ausgeschaltet.",
    ],
    "new-sign-in": [
      "Neue Anmeldung bei Ihrem Konto",
      "Jemand hat sich aus einem für Ihr Konto neuen Netz angemeldet.",
    ],
    "device-remembered": [
      "Ein Gerät wurde gemerkt",
      "Für Ihr Konto wurde ein Gerät gemerkt: Die Anmeldung damit kann weniger Schritte erfordern.",
    ],
    "address-changed": [
      "Ihre Kontaktdaten wurden geändert",
      "Die E-Mail-Adresse oder Telefonnummer Ihres Kontos wurde geändert.",
    ],
    "account-deleted": ["Ihr Konto wurde gelöscht", "Ihr Konto und seine Daten wurden gelöscht."],
    byAdministrator: "Das war ein Administrator.",
    when: "Wann: {time} (UTC)",
    where: "Von: {place}",
    notYou: "Wenn Sie das nicht waren, ändern Sie Ihr Passwort und benachrichtigen Sie Ihren Administrator.",
    tell: "Wenn Sie das nicht erwartet haben, benachrichtigen Sie Ihren Administrator.",
  },
  es: {
    "password-changed": ["Se cambió su contraseña", "Se cambió la contraseña de su cuenta."],
    "factor-added": [
      "Se añadió un método de inicio de sesión",
      "Se añadió un método de inicio de sesión a su cuenta.",
    ],
    "factor-removed": [
      "Se eliminó un método de inicio de sesión",
      "Se eliminó o desactivó un método de inicio de sesión de su cuenta.",
    ],
    "new-sign-in": [
      "Nuevo inicio de sesión en su cuenta",
      "Alguien inició sesión en su cuenta desde una red nueva.",
    ],
    "device-remembered": [
      "Se recordó un dispositivo",
      "Se recordó un dispositivo para su cuenta: iniciar sesión con él puede requerir menos pasos.",
    ],
    "address-changed": [
      "Se cambiaron sus datos de contacto",
      "Se cambió el correo electrónico o el número de teléfono de su cuenta.",
    ],
    "account-deleted": ["Se eliminó su cuenta", "Se eliminaron su cuenta y sus datos."],
    byAdministrator: "Lo hizo un administrador.",
    when: "Cuándo: {time} (UTC)",
    where: "Desde: {place}",
    notYou: "Si no fue usted, cambie su contraseña y avise a su administrador.",
    tell: "Si no esperaba esto, avise a su administrador.",
  },
  fr: {
    "password-changed": [
      "Votre mot de passe a été modifié",
      "Le mot de passe de votre compte a été modifié.",
    ],
    "factor-added": [
      "Une méthode de connexion a été ajoutée",
      "Une méthode de connexion a été ajoutée à votre compte.",
    ],
    "factor-removed": [
      "Une méthode de connexion a été supprimée",
      "Une méthode de connexion de votre compte a été supprimée ou désactivée.",
    ],
    "new-sign-in": [
      "Nouvelle connexion à votre compte",
      "Quelqu’un s’est connecté à votre compte depuis un nouveau réseau.",
    ],
    "device-remembered": [
      "Un appareil a été mémorisé",
      "Un appareil a été mémorisé pour votre compte : la connexion avec celui-ci peut demander moins d’étapes.",
    ],
    "address-changed": [
      "Vos coordonnées ont été modifiées",
      "L’adresse e-mail ou le numéro de téléphone de votre compte a été modifié.",
    ],
    "account-deleted": ["Votre compte a été supprimé", "Votre compte et ses données ont été supprimés."],
    byAdministrator: "Un administrateur a effectué cette opération.",
    when: "Quand : {time} (UTC)",
    where: "Depuis : {place}",
    notYou: "Si vous n’en êtes pas à l’origine, changez votre mot de passe et prévenez votre administrateur.",
    tell: "Si vous ne vous y attendiez pas, prévenez votre administrateur.",
  },
  id: {
    "password-changed": ["Kata sandi Anda telah diubah", "Kata sandi akun Anda telah diubah."],
    "factor-added": ["Metode masuk telah ditambahkan", "Sebuah metode masuk telah ditambahkan ke akun Anda."],
    "factor-removed": [
      "Metode masuk telah dihapus",
      "Sebuah metode masuk telah dihapus dari akun Anda atau dinonaktifkan.",
    ],
    "new-sign-in": [
      "Aktivitas masuk baru ke akun Anda",
      "Seseorang masuk ke akun Anda dari jaringan yang baru.",
    ],
    "device-remembered": [
      "Sebuah perangkat telah diingat",
      "Sebuah perangkat telah diingat untuk akun Anda: masuk dengannya mungkin memerlukan lebih sedikit langkah.",
    ],
    "address-changed": [
      "Kontak Anda telah diubah",
      "Alamat email atau nomor telepon akun Anda telah diubah.",
    ],
    "account-deleted": ["Akun Anda telah dihapus", "Akun Anda beserta datanya telah dihapus."],
    byAdministrator: "Hal ini dilakukan oleh administrator.",
    when: "Waktu: {time} (UTC)",
    where: "Dari: {place}",
    notYou: "Jika ini bukan Anda, ubah kata sandi Anda dan beri tahu administrator.",
    tell: "Jika Anda tidak menduga hal ini, beri tahu administrator.",
  },
  it: {
    "password-changed": [
      "La tua password è stata modificata",
      "La password del tuo account è stata modificata.",
    ],
    "factor-added": [
      "È stato aggiunto un metodo di accesso",
      "È stato aggiunto un metodo di accesso al tuo account.",
    ],
    "factor-removed": [
      "È stato rimosso un metodo di accesso",
      "Un metodo di accesso del tuo account è stato rimosso o disattivato.",
    ],
    "new-sign-in": [
      "Nuovo accesso al tuo account",
      "Qualcuno ha effettuato l’accesso al tuo account da una nuova rete.",
    ],
    "device-remembered": [
      "Un dispositivo è stato memorizzato",
      "Un dispositivo è stato memorizzato per il tuo account: l’accesso da lì può richiedere meno passaggi.",
    ],
    "address-changed": [
      "I tuoi contatti sono stati modificati",
      "L’indirizzo e-mail o il numero di telefono del tuo account è stato modificato.",
    ],
    "account-deleted": [
      "Il tuo account è stato eliminato",
      "Il tuo account e i suoi dati sono stati eliminati.",
    ],
    byAdministrator: "L’operazione è stata eseguita da un amministratore.",
    when: "Quando: {time} (UTC)",
    where: "Da: {place}",
    notYou: "Se non sei stato tu, cambia la password e avvisa il tuo amministratore.",
    tell: "Se non te lo aspettavi, avvisa il tuo amministratore.",
  },
  ja: {
    "password-changed": ["パスワードが変更されました", "お使いのアカウントのパスワードが変更されました。"],
    "factor-added": [
      "サインイン方法が追加されました",
      "お使いのアカウントにサインイン方法が追加されました。",
    ],
    "factor-removed": [
      "サインイン方法が削除されました",
      "お使いのアカウントのサインイン方法が削除されたか、無効になりました。",
    ],
    "new-sign-in": [
      "アカウントへの新しいサインイン",
      "お使いのアカウントに新しいネットワークからサインインがありました。",
    ],
    "device-remembered": [
      "デバイスが記憶されました",
      "お使いのアカウントにデバイスが記憶されました。そのデバイスでのサインインでは手順が少なくなる場合があります。",
    ],
    "address-changed": [
      "連絡先が変更されました",
      "お使いのアカウントのメールアドレスまたは電話番号が変更されました。",
    ],
    "account-deleted": ["アカウントが削除されました", "お使いのアカウントとそのデータが削除されました。"],
    byAdministrator: "この操作は管理者が行いました。",
    when: "日時: {time} (UTC)",
    where: "アクセス元: {place}",
    notYou: "心当たりがない場合は、パスワードを変更し、管理者に連絡してください。",
    tell: "心当たりがない場合は、管理者に連絡してください。",
  },
  ko: {
    "password-changed": ["비밀번호가 변경되었습니다", "계정의 비밀번호가 변경되었습니다."],
    "factor-added": ["로그인 방법이 추가되었습니다", "계정에 로그인 방법이 추가되었습니다."],
    "factor-removed": [
      "로그인 방법이 삭제되었습니다",
      "계정의 로그인 방법이 삭제되었거나 사용 중지되었습니다.",
    ],
    "new-sign-in": ["계정에 새로운 로그인이 있습니다", "새로운 네트워크에서 계정에 로그인했습니다."],
    "device-remembered": [
      "기기가 기억되었습니다",
      "계정에 기기가 기억되었습니다. 이 기기에서는 더 적은 단계로 로그인할 수 있습니다.",
    ],
    "address-changed": ["연락처가 변경되었습니다", "계정의 이메일 주소 또는 전화번호가 변경되었습니다."],
    "account-deleted": ["계정이 삭제되었습니다", "계정과 그 데이터가 삭제되었습니다."],
    byAdministrator: "관리자가 수행한 작업입니다.",
    when: "시간: {time} (UTC)",
    where: "위치: {place}",
    notYou: "본인이 아니라면 비밀번호를 변경하고 관리자에게 알리세요.",
    tell: "예상하지 못한 일이라면 관리자에게 알리세요.",
  },
  "pt-BR": {
    "password-changed": ["Sua senha foi alterada", "A senha da sua conta foi alterada."],
    "factor-added": ["Um método de acesso foi adicionado", "Um método de acesso foi adicionado à sua conta."],
    "factor-removed": [
      "Um método de acesso foi removido",
      "Um método de acesso da sua conta foi removido ou desativado.",
    ],
    "new-sign-in": ["Novo acesso à sua conta", "Alguém acessou sua conta a partir de uma nova rede."],
    "device-remembered": [
      "Um dispositivo foi memorizado",
      "Um dispositivo foi memorizado para a sua conta: o acesso com ele pode exigir menos etapas.",
    ],
    "address-changed": [
      "Seus dados de contato foram alterados",
      "O e-mail ou o número de telefone da sua conta foi alterado.",
    ],
    "account-deleted": ["Sua conta foi excluída", "Sua conta e os dados dela foram excluídos."],
    byAdministrator: "Isso foi feito por um administrador.",
    when: "Quando: {time} (UTC)",
    where: "De: {place}",
    notYou: "Se não foi você, altere sua senha e avise seu administrador.",
    tell: "Se você não esperava por isso, avise seu administrador.",
  },
  "zh-CN": {
    "password-changed": ["您的密码已更改", "您账户的密码已更改。"],
    "factor-added": ["已添加登录方式", "您的账户已添加一种登录方式。"],
    "factor-removed": ["已移除登录方式", "您账户的一种登录方式已被移除或停用。"],
    "new-sign-in": ["您的账户有新的登录", "有人从新的网络登录了您的账户。"],
    "device-remembered": ["已记住一台设备", "您的账户已记住一台设备：使用该设备登录时步骤可能更少。"],
    "address-changed": ["您的联系方式已更改", "您账户的邮箱地址或电话号码已更改。"],
    "account-deleted": ["您的账户已删除", "您的账户及其数据已删除。"],
    byAdministrator: "此操作由管理员执行。",
    when: "时间：{time} (UTC)",
    where: "来源：{place}",
    notYou: "如果不是您本人操作，请更改密码并告知管理员。",
    tell: "如果您对此不知情，请告知管理员。",
  },
  "zh-TW": {
    "password-changed": ["您的密碼已變更", "您帳戶的密碼已變更。"],
    "factor-added": ["已新增登入方式", "您的帳戶已新增一種登入方式。"],
    "factor-removed": ["已移除登入方式", "您帳戶的一種登入方式已被移除或停用。"],
    "new-sign-in": ["您的帳戶有新的登入", "有人從新的網路登入了您的帳戶。"],
    "device-remembered": ["已記住一部裝置", "您的帳戶已記住一部裝置：使用該裝置登入時步驟可能較少。"],
    "address-changed": ["您的聯絡方式已變更", "您帳戶的電子郵件地址或電話號碼已變更。"],
    "account-deleted": ["您的帳戶已刪除", "您的帳戶及其資料已刪除。"],
    byAdministrator: "此操作由管理員執行。",
    when: "時間：{time} (UTC)",
    where: "來源：{place}",
    notYou: "如果不是您本人操作，請變更密碼並告知管理員。",
    tell: "如果您對此不知情，請告知管理員。",
  },
};

export function wordsOfNotices(language: LanguageTag): NoticeWords {
  return words[language];
}
