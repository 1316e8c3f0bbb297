import type { MessageWords } from "./en.ts";

const note = "このメッセージに心当たりがない場合は、破棄してください。";
const unexpected = "このメッセージに心当たりがない場合は、破棄してください。";
const verification = { subject: "確認コードのお知らせ", body: "確認コードは {####} です", note };
const authentication = {
  subject: "サインイン用のコードのお知らせ",
  body: "サインイン用のコードは {####} です。",
  title: "サインイン",
};

export const ja: MessageWords = {
  code: {
    ...verification,
    title: "アカウントの確認",
    intro: "このコードを入力して、アカウントを確認してください。",
  },
  link: {
    subject: "確認用リンクのお知らせ",
    body: "以下のリンクをクリックして、メールアドレスを確認してください。{##メールアドレスを確認##}",
    title: "アカウントの確認",
    intro: "このリンクを開いて、メールアドレスを確認してください。",
    note,
  },
  reset: {
    subject: "パスワード再設定用のコードのお知らせ",
    body: "パスワード再設定用のコードは {####} です",
    title: "新しいパスワードを設定",
    intro: "このコードを入力して、新しいパスワードを設定してください。",
    note,
  },
  attribute: {
    ...verification,
    title: "メールアドレスの確認",
    intro: "このコードを入力して、メールアドレスを確認してください。",
  },
  signIn: {
    ...authentication,
    intro: "このコードを入力してサインインしてください。コードは誰にも教えないでください。",
    note,
  },
  mfa: {
    ...authentication,
    intro: "このコードを入力して、サインインを完了してください。コードは誰にも教えないでください。",
    note: "サインインの操作に心当たりがない場合は、パスワードが他人に知られています。変更してください。",
  },
  invitation: {
    subject: "仮のパスワードのお知らせ",
    body: "ユーザー名は {username}、仮のパスワードは {####} です",
    title: "ようこそ",
    intro:
      "お客様のアカウントが作成されました。この仮のパスワードでサインインし、新しいパスワードを設定してください。",
    rows: { username: "ユーザー名", code: "仮のパスワード" },
    note: unexpected,
  },
  welcome: {
    subject: "アカウントのお知らせ",
    body: "ユーザー名は {username} です。",
    title: "ようこそ",
    intro: "お客様のアカウントが作成されました。",
    rows: { username: "ユーザー名" },
    note: unexpected,
  },
};
