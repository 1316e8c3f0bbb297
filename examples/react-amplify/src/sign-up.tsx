/** A new account: created, confirmed by a code, and signed in at once. */
import { autoSignIn, confirmSignUp, resendSignUpCode, signUp } from "aws-amplify/auth";
import {
  ActionButton,
  CodeField,
  EmailField,
  Form,
  GoTo,
  NewPasswordField,
  Notice,
  Panel,
  type Values,
} from "./parts.tsx";
import { type ScreenProps, screenAfter, sentTo } from "./screens.ts";

const confirmed = "Your account is confirmed. Sign in.";

export function SignUp({ go }: ScreenProps<"sign-up">) {
  const create = async (values: Values) => {
    const username = values("username");
    const { nextStep } = await signUp({
      username,
      password: values("password"),
      // The confirmation signs the user in, without keeping the password until then.
      options: { userAttributes: { email: username }, autoSignIn: { authFlowType: "USER_AUTH" } },
    });
    if (nextStep.signUpStep === "CONFIRM_SIGN_UP")
      go({ name: "confirm", username, notice: sentTo(nextStep.codeDeliveryDetails) });
    else go({ name: "sign-in", username, notice: confirmed });
  };
  return (
    <Panel title="Create an account">
      <Form button="Create account" onSubmit={create}>
        <EmailField />
        <NewPasswordField />
      </Form>
      <footer>
        <GoTo screen={{ name: "sign-in" }} go={go}>
          Sign in instead
        </GoTo>
      </footer>
    </Panel>
  );
}

export function ConfirmSignUp({ screen, go }: ScreenProps<"confirm">) {
  const { username } = screen;
  const confirm = async (values: Values) => {
    const { nextStep } = await confirmSignUp({ username, confirmationCode: values("code") });
    // Amplify can only continue in the page in which the account was created.
    if (nextStep.signUpStep !== "COMPLETE_AUTO_SIGN_IN")
      return go({ name: "sign-in", username, notice: confirmed });
    const next = screenAfter(await autoSignIn(), username);
    if (next !== undefined) go(next);
  };
  const resend = async () => go({ ...screen, notice: sentTo(await resendSignUpCode({ username })) });
  return (
    <Panel title="Confirm your address">
      <Notice>{screen.notice}</Notice>
      <Form button="Confirm" onSubmit={confirm}>
        <CodeField />
      </Form>
      <footer>
        <ActionButton action={resend} className="link">
          Send another code
        </ActionButton>
      </footer>
    </Panel>
  );
}
