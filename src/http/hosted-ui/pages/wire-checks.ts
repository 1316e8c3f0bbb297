/** Checks form input against the constraints of the corresponding operation. */
import { parseInput } from "../../../wire/check.ts";
import { userPoolModel } from "../../../wire/generated/user-pools.ts";
import type { UserPoolOperations } from "../../../wire/generated/user-pools.types.ts";

type Checked =
  | "SignUp"
  | "ConfirmSignUp"
  | "ResendConfirmationCode"
  | "ForgotPassword"
  | "ConfirmForgotPassword";

/** Throws InvalidParameterException, which names the member. */
export function checked<N extends Checked>(operation: N, input: UserPoolOperations[N]["input"]): void {
  parseInput(userPoolModel, operation, JSON.stringify(input));
}
