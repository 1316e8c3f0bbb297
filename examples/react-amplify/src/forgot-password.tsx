/** A forgotten password: a code is sent, and a new one is chosen with it. */
import { confirmResetPassword, resetPassword } from "aws-amplify/auth";
import { CodeField, EmailField, Form, GoTo, NewPasswordField, Notice, Panel, type Values } from "./parts.tsx";
import { type ScreenProps, sentTo } from "./screens.ts";

export function ForgotPassword({ screen, go }: ScreenProps<"forgot">) {
  const ask = async (values: Values) => {
    const username = values("username");
    const { nextStep } = await resetPassword({ username });
    go({ name: "reset", username, notice: sentTo(nextStep.codeDeliveryDetails) });
  };
  return (
    <Panel title="Forgot your password?">
      <Notice>{screen.notice}</Notice>
      <Form button="Send a code" onSubmit={ask}>
        <EmailField defaultValue={screen.username} />
      </Form>
      <footer>
        <GoTo screen={{ name: "sign-in" }} go={go}>
          Sign in instead
        </GoTo>
      </footer>
    </Panel>
  );
}

export function ResetPassword({ screen, go }: ScreenProps<"reset">) {
  const { username } = screen;
  const save = async (values: Values) => {
    await confirmResetPassword({
      username,
      confirmationCode: values("code"),
      newPassword: values("password"),
    });
    go({ name: "sign-in", username, notice: "Your new password is saved. Sign in with it." });
  };
  return (
    <Panel title="Choose a new password">
      <Notice>{screen.notice}</Notice>
      <Form button="Save password" onSubmit={save}>
        <CodeField />
        <NewPasswordField />
      </Form>
      <footer>
        <GoTo screen={{ name: "forgot", username }} go={go}>
          Send another code
        </GoTo>
      </footer>
    </Panel>
  );
}
