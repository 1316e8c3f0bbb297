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
  /** The type of what it threw, or Lambda's name of how it ended; undefined if nothing told it. */
  readonly type: string | undefined;
  constructor(fault: FunctionFault, message: string, type?: string) {
    super(message);
    this.fault = fault;
    this.type = type;
  }
}

/** What the server knows of a function besides how to run it. */
export interface FunctionFacts {
  /** Its name in the configuration. */
  readonly name: string;
  /** The id of the access key with which the function calls this server, if it has one. */
  readonly ownKeyId: string | undefined;
  /** Whether it gets the codes of messages that it sends in plain text. */
  readonly plainTextCodes: boolean;
}

export interface Functions {
  /** The function that an ARN or a name leads to; undefined if there is none. */
  find(arn: string): FunctionFacts | undefined;
  /**
   * Runs a function and resolves with its answer: any JSON value, which nobody has checked. Throws a FunctionError if
   * there is none.
   * @param arn as in a pool's LambdaConfig
   * @param event what the handler gets as its first argument
   */
  invoke(arn: string, event: object): Promise<unknown>;
  /**
   * Runs a function once, without another attempt, and resolves with its answer as it is. Throws a FunctionError if there
   * is none.
   * @param call.event JSON, which nobody has checked
   */
  call(arn: string, call: { readonly id: string; readonly event: string }): Promise<string>;
  /** Ends what runs. */
  close(): Promise<void>;
}
