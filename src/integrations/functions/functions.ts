/** The functions that triggers name, whichever way they run. */

/** Why a function gave no answer. */
export type FunctionFault =
  /** It threw, or its process ended: the message is what it said. */
  | "failed"
  /** It could not be run: the message is AWS's name of the reason, such as ResourceNotFoundException. */
  | "unreachable"
  /** It took too long, in every attempt. */
  | "late"
  /** Its answer is not JSON. */
  | "unreadable";

export class FunctionError extends Error {
  override name = "FunctionError";
  readonly fault: FunctionFault;
  constructor(fault: FunctionFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

export interface Functions {
  /**
   * Runs a function and resolves with its answer: any JSON value, which nobody has checked. Throws a FunctionError if
   * there is none.
   * @param arn as in a pool's LambdaConfig
   * @param event what the handler gets as its first argument
   */
  invoke(arn: string, event: object): Promise<unknown>;
  /** Ends what runs. */
  close(): Promise<void>;
}
