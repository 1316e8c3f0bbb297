/** The ways to sign in: a password, a passkey, other factors of the pool, and the hosted pages. */
import { type SignInOutput, signIn, signInWithRedirect } from "aws-amplify/auth";
import {
  ActionButton,
  EmailField,
  Field,
  Form,
  GoTo,
  Notice,
  Panel,
  Problem,
  type Values,
} from "./parts.tsx";
import { type ScreenProps, screenAfter } from "./screens.ts";

interface Props extends ScreenProps<"sign-in"> {
  readonly problem: string | undefined;
}

function signInBy(values: Values): Promise<SignInOutput> {
  const username = values("username");
  switch (values("way")) {
    case "passkey":
      return signIn({
        username,
        options: { authFlowType: "USER_AUTH", preferredChallenge: "WEB_AUTHN" },
      }).catch(noPasskey);
    case "other":
      // Poolhouse answers with the available factors.
      return signIn({ username, options: { authFlowType: "USER_AUTH" } });
    default:
      // SRP by default: the password stays in the browser.
      return signIn({ username, password: values("password") });
  }
}

/**
 * A user without a passkey gets the same error as a nonexistent one, which mentions a password that was never asked
 * for.
 */
function noPasskey(error: Error): never {
  if (error.name !== "NotAuthorizedException") throw error;
  throw new Error("This account has no passkey here. Sign in another way.", { cause: error });
}

export function SignIn({ screen, go, problem }: Props) {
  const enter = async (values: Values) => {
    const next = screenAfter(await signInBy(values), values("username"));
    if (next !== undefined) go(next);
  };
  // Neither needs the password here, so an empty field must not be reported.
  const more = (
    <>
      <button type="submit" name="way" value="passkey" formNoValidate>
        Sign in with a passkey
      </button>
      <button type="submit" name="way" value="other" formNoValidate>
        Other ways to sign in
      </button>
    </>
  );
  return (
    <Panel title="Sign in">
      <Notice>{screen.notice}</Notice>
      <Problem>{problem}</Problem>
      <Form button="Sign in" onSubmit={enter} more={more}>
        <EmailField defaultValue={screen.username} />
        <Field label="Password" name="password" type="password" autoComplete="current-password" />
      </Form>
      <ActionButton action={() => signInWithRedirect()}>Go to the sign-in page</ActionButton>
      <footer>
        <GoTo screen={{ name: "sign-up" }} go={go}>
          Create an account
        </GoTo>
        <GoTo screen={{ name: "forgot" }} go={go}>
          Forgot your password?
        </GoTo>
      </footer>
    </Panel>
  );
}
