/** The signed-out view: signing in, signing up, and a forgotten password. */
import { useState } from "react";
import { ForgotPassword, ResetPassword } from "./forgot-password.tsx";
import type { Screen } from "./screens.ts";
import { SignIn } from "./sign-in.tsx";
import { ConfirmSignUp, SignUp } from "./sign-up.tsx";
import { Step } from "./step.tsx";

export function SignedOut({ problem }: { problem: string | undefined }) {
  const [screen, go] = useState<Screen>({ name: "sign-in" });
  switch (screen.name) {
    case "sign-in":
      return <SignIn screen={screen} go={go} problem={problem} />;
    case "sign-up":
      return <SignUp screen={screen} go={go} />;
    case "confirm":
      return <ConfirmSignUp screen={screen} go={go} />;
    case "forgot":
      return <ForgotPassword screen={screen} go={go} />;
    case "reset":
      return <ResetPassword screen={screen} go={go} />;
    case "step":
      return <Step key={screen.step.signInStep} screen={screen} go={go} />;
  }
}
