/** CustomMessage: the pool's own messages, in the words of the application. */
import type { CustomMessageTriggerHandler } from "aws-lambda";

const subjects: Readonly<Record<string, string>> = {
  CustomMessage_AdminCreateUser: "Welcome",
  CustomMessage_ForgotPassword: "Your new password",
};

export const handler: CustomMessageTriggerHandler = async (event) => {
  const { codeParameter, usernameParameter } = event.request;
  const name = usernameParameter === null ? "" : ` Your name here is ${usernameParameter}.`;
  event.response.emailSubject = subjects[event.triggerSource] ?? "Your code";
  event.response.emailMessage = `Hello,<br>your code is <b>${codeParameter}</b>.${name}`;
  event.response.smsMessage = `Your code is ${codeParameter}.${name}`;
  return event;
};
