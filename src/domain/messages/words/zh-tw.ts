import type { MessageWords } from "./en.ts";

const note = "如果這不是您的要求，請忽略此訊息。";
const unexpected = "如果您並未預期收到此訊息，請忽略。";
const verification = { subject: "您的驗證碼", body: "您的驗證碼是 {####}", note };
const authentication = { subject: "您的登入驗證碼", body: "您的登入驗證碼是 {####}。", title: "登入" };

export const zhTw: MessageWords = {
  code: { ...verification, title: "確認您的帳戶", intro: "請輸入此驗證碼以確認您的帳戶。" },
  link: {
    subject: "您的驗證連結",
    body: "請點選以下連結驗證您的電子郵件地址。{##驗證電子郵件地址##}",
    title: "確認您的帳戶",
    intro: "請開啟此連結以驗證您的電子郵件地址。",
    note,
  },
  reset: {
    subject: "您的密碼重設驗證碼",
    body: "您的密碼重設驗證碼是 {####}",
    title: "設定新密碼",
    intro: "請輸入此驗證碼以設定新密碼。",
    note,
  },
  attribute: {
    ...verification,
    title: "確認您的電子郵件地址",
    intro: "請輸入此驗證碼以確認您的電子郵件地址。",
  },
  signIn: { ...authentication, intro: "請輸入此驗證碼以登入。請勿告訴任何人。", note },
  mfa: {
    ...authentication,
    intro: "請輸入此驗證碼以完成登入。請勿告訴任何人。",
    note: "如果不是您本人在登入，表示他人知道您的密碼。請變更密碼。",
  },
  invitation: {
    subject: "您的暫時密碼",
    body: "您的使用者名稱是 {username}，暫時密碼是 {####}",
    title: "歡迎",
    intro: "我們已為您建立帳戶。請使用此暫時密碼登入，然後設定您自己的密碼。",
    rows: { username: "使用者名稱", code: "暫時密碼" },
    note: unexpected,
  },
  welcome: {
    subject: "您的帳戶",
    body: "您的使用者名稱是 {username}。",
    title: "歡迎",
    intro: "我們已為您建立帳戶。",
    rows: { username: "使用者名稱" },
    note: unexpected,
  },
};
