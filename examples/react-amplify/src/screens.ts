/** The screens of the signed-out view, and which one a sign-in continues with. */
import type { SignInOutput } from "aws-amplify/auth";

export type NextStep = SignInOutput["nextStep"];

export type Screen =
  | { readonly name: "sign-in"; readonly username?: string; readonly notice?: string }
  | { readonly name: "sign-up" }
  | { readonly name: "confirm"; readonly username: string; readonly notice?: string }
  | { readonly name: "forgot"; readonly username?: string; readonly notice?: string }
  | { readonly name: "reset"; readonly username: string; readonly notice: string }
  | { readonly name: "step"; readonly username: string; readonly step: NextStep };

export interface ScreenProps<Name extends Screen["name"]> {
  readonly screen: Extract<Screen, { name: Name }>;
  readonly go: (screen: Screen) => void;
}

/** The screen with which a sign-in continues; undefined if the user is signed in, and the other view takes over. */
export function screenAfter({ nextStep: step }: SignInOutput, username: string): Screen | undefined {
  switch (step.signInStep) {
    case "DONE":
      return undefined;
    case "CONFIRM_SIGN_UP":
      return { name: "confirm", username, notice: "This account has not been confirmed yet." };
    case "RESET_PASSWORD":
      return { name: "forgot", username, notice: "You have to choose a new password." };
    default:
      return { name: "step", username, step };
  }
}

interface Delivery {
  readonly destination?: string | undefined;
  readonly deliveryMedium?: string | undefined;
}

export function sentTo(delivery: Delivery | undefined): string {
  const way = delivery?.deliveryMedium === "SMS" ? "by text message" : "by e-mail";
  return `A code is on its way ${way}${delivery?.destination ? ` to ${delivery.destination}` : ""}.`;
}
