/** The steps that a sign-in may require. Each answer leads to the next step, or completes the sign-in. */
import { confirmSignIn } from "aws-amplify/auth";
import { AuthenticatorKey } from "./authenticator-key.tsx";
import { ActionButton, CodeField, Field, Form, NewPasswordField, Notice, Panel } from "./parts.tsx";
import { type NextStep, type ScreenProps, screenAfter, sentTo } from "./screens.ts";

type Answer = (challengeResponse: string, userAttributes?: Record<string, string>) => Promise<void>;

export function Step({ screen, go }: ScreenProps<"step">) {
  const answer: Answer = async (challengeResponse, userAttributes) => {
    const options = userAttributes && { userAttributes };
    const output = await confirmSignIn({ challengeResponse, ...(options && { options }) });
    const next = screenAfter(output, screen.username);
    if (next !== undefined) go(next);
  };
  return (
    <>
      <Question step={screen.step} username={screen.username} answer={answer} />
      <button type="button" className="link below" onClick={() => go({ name: "sign-in" })}>
        Start again
      </button>
    </>
  );
}

interface QuestionProps {
  readonly step: NextStep;
  readonly username: string;
  readonly answer: Answer;
}

function Question({ step, username, answer }: QuestionProps) {
  switch (step.signInStep) {
    case "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED":
      return <NewPassword missing={step.missingAttributes ?? []} answer={answer} />;
    case "CONFIRM_SIGN_IN_WITH_PASSWORD":
      return <Password answer={answer} />;
    case "CONFIRM_SIGN_IN_WITH_TOTP_CODE":
      return <Code notice="Your authenticator app shows a code." answer={answer} />;
    case "CONFIRM_SIGN_IN_WITH_SMS_CODE":
    case "CONFIRM_SIGN_IN_WITH_EMAIL_CODE":
      return <Code notice={sentTo(step.codeDeliveryDetails)} answer={answer} />;
    case "CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE":
      return <Code notice={step.additionalInfo?.["question"] ?? "One more question."} answer={answer} />;
    case "CONTINUE_SIGN_IN_WITH_MFA_SELECTION":
      return <Choice title="How do you want to confirm it?" offers={step.allowedMFATypes} answer={answer} />;
    case "CONTINUE_SIGN_IN_WITH_MFA_SETUP_SELECTION":
      return <Choice title="Choose a second factor" offers={step.allowedMFATypes} answer={answer} />;
    case "CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION":
      return <Choice title="How do you want to sign in?" offers={step.availableChallenges} answer={answer} />;
    case "CONTINUE_SIGN_IN_WITH_TOTP_SETUP":
      return (
        <Panel title="Set up an authenticator app">
          <AuthenticatorKey details={step.totpSetupDetails} account={username} confirm={answer} />
        </Panel>
      );
    case "CONTINUE_SIGN_IN_WITH_EMAIL_SETUP":
      return <Address answer={answer} />;
    default:
      // screenAfter sends the others to their own screens.
      return null;
  }
}

function Password({ answer }: { answer: Answer }) {
  return (
    <Panel title="Enter your password">
      <Form button="Sign in" onSubmit={(values) => answer(values("password"))}>
        <Field label="Password" name="password" type="password" autoComplete="current-password" />
      </Form>
    </Panel>
  );
}

/** For invited users, who also have to enter what the pool requires. */
function NewPassword({ missing, answer }: { missing: readonly string[]; answer: Answer }) {
  return (
    <Panel title="Choose a new password">
      <Form
        button="Save password"
        onSubmit={(values) =>
          answer(values("password"), Object.fromEntries(missing.map((name) => [name, values(name)])))
        }
      >
        <NewPasswordField />
        {missing.map((name) => (
          <Field key={name} name={name} label={name.replace(/^custom:/, "").replaceAll("_", " ")} />
        ))}
      </Form>
    </Panel>
  );
}

function Code({ notice, answer }: { notice: string; answer: Answer }) {
  return (
    <Panel title="Enter the code">
      <Notice>{notice}</Notice>
      <Form button="Continue" onSubmit={(values) => answer(values("code"))}>
        <CodeField />
      </Form>
    </Panel>
  );
}

function Address({ answer }: { answer: Answer }) {
  return (
    <Panel title="Set up codes by e-mail">
      <Form button="Send a code" onSubmit={(values) => answer(values("address"))}>
        <Field label="Email address" name="address" type="email" autoComplete="email" />
      </Form>
    </Panel>
  );
}

const names: Readonly<Record<string, string>> = {
  TOTP: "Authenticator app",
  SMS: "Text message",
  EMAIL: "Email",
  PASSWORD: "Password",
  PASSWORD_SRP: "Password",
  WEB_AUTHN: "Passkey",
  EMAIL_OTP: "Code by e-mail",
  SMS_OTP: "Code by text message",
};

interface ChoiceProps {
  readonly title: string;
  readonly offers: readonly string[] | undefined;
  readonly answer: Answer;
}

function Choice({ title, offers = [], answer }: ChoiceProps) {
  // Prefers the variant in which the password stays in the browser.
  const all = offers.includes("PASSWORD_SRP") ? offers.filter((one) => one !== "PASSWORD") : offers;
  return (
    <Panel title={title}>
      <div className="choices">
        {all.map((one) => (
          <ActionButton key={one} action={() => answer(one)}>
            {names[one] ?? one}
          </ActionButton>
        ))}
      </div>
    </Panel>
  );
}
