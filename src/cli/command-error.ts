/** How a command ends that cannot do what it was asked. */
import { OperatorError } from "../lib/operator-error.ts";

/** Ends the command with a message and an exit code. 1: it failed. 2: wrong usage. */
export class CommandError extends OperatorError {
  override name = "CommandError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
