import type { MessageWords } from "./en.ts";

const note = "이 메시지를 요청하지 않으셨다면 무시하셔도 됩니다.";
const unexpected = "이 메시지를 받을 이유가 없다면 무시하셔도 됩니다.";
const verification = { subject: "인증 코드", body: "인증 코드는 {####}입니다", note };
const authentication = { subject: "로그인 코드", body: "로그인 코드는 {####}입니다.", title: "로그인" };

export const ko: MessageWords = {
  code: { ...verification, title: "계정 확인", intro: "이 코드를 입력하여 계정을 확인하세요." },
  link: {
    subject: "인증 링크",
    body: "아래 링크를 클릭하여 이메일 주소를 인증하세요. {##이메일 인증##}",
    title: "계정 확인",
    intro: "이 링크를 열어 이메일 주소를 인증하세요.",
    note,
  },
  reset: {
    subject: "비밀번호 재설정 코드",
    body: "비밀번호 재설정 코드는 {####}입니다",
    title: "새 비밀번호 설정",
    intro: "이 코드를 입력하여 새 비밀번호를 설정하세요.",
    note,
  },
  attribute: {
    ...verification,
    title: "이메일 주소 확인",
    intro: "이 코드를 입력하여 이메일 주소를 확인하세요.",
  },
  signIn: {
    ...authentication,
    intro: "이 코드를 입력하여 로그인하세요. 다른 사람에게 알려 주지 마세요.",
    note,
  },
  mfa: {
    ...authentication,
    intro: "이 코드를 입력하여 로그인을 완료하세요. 다른 사람에게 알려 주지 마세요.",
    note: "로그인하신 적이 없다면 다른 사람이 비밀번호를 알고 있는 것입니다. 비밀번호를 변경하세요.",
  },
  invitation: {
    subject: "임시 비밀번호",
    body: "사용자 이름: {username}, 임시 비밀번호: {####}",
    title: "환영합니다",
    intro: "회원님의 계정이 생성되었습니다. 이 임시 비밀번호로 로그인한 후 새 비밀번호를 설정하세요.",
    rows: { username: "사용자 이름", code: "임시 비밀번호" },
    note: unexpected,
  },
  welcome: {
    subject: "계정 안내",
    body: "사용자 이름은 {username}입니다.",
    title: "환영합니다",
    intro: "회원님의 계정이 생성되었습니다.",
    rows: { username: "사용자 이름" },
    note: unexpected,
  },
};
