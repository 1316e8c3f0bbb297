import type { MessageWords } from "./en.ts";

const note = "如果这不是您的请求，请忽略此消息。";
const unexpected = "如果您并未预期收到此消息，请忽略。";
const verification = { subject: "您的验证码", body: "您的验证码是 {####}", note };
const authentication = { subject: "您的登录验证码", body: "您的登录验证码是 {####}。", title: "登录" };

export const zhCn: MessageWords = {
  code: { ...verification, title: "确认您的账户", intro: "请输入此验证码以确认您的账户。" },
  link: {
    subject: "您的验证链接",
    body: "请点击下面的链接验证您的邮箱地址。{##验证邮箱地址##}",
    title: "确认您的账户",
    intro: "请打开此链接以验证您的邮箱地址。",
    note,
  },
  reset: {
    subject: "您的密码重置验证码",
    body: "您的密码重置验证码是 {####}",
    title: "设置新密码",
    intro: "请输入此验证码以设置新密码。",
    note,
  },
  attribute: { ...verification, title: "确认您的邮箱地址", intro: "请输入此验证码以确认您的邮箱地址。" },
  signIn: { ...authentication, intro: "请输入此验证码以登录。请勿告诉任何人。", note },
  mfa: {
    ...authentication,
    intro: "请输入此验证码以完成登录。请勿告诉任何人。",
    note: "如果不是您本人在登录，则说明他人知道您的密码。请更改密码。",
  },
  invitation: {
    subject: "您的临时密码",
    body: "您的用户名是 {username}，临时密码是 {####}",
    title: "欢迎",
    intro: "我们已为您创建账户。请使用此临时密码登录，然后设置您自己的密码。",
    rows: { username: "用户名", code: "临时密码" },
    note: unexpected,
  },
  welcome: {
    subject: "您的账户",
    body: "您的用户名是 {username}。",
    title: "欢迎",
    intro: "我们已为您创建账户。",
    rows: { username: "用户名" },
    note: unexpected,
  },
};
