/** The functions that triggers name, as the configuration describes them. */
import type { SystemUser } from "./system-user.ts";

export type FunctionSettings = (ModuleFunction | ChildFunction | InvokeFunction | WebhookFunction) &
  CommonSettings;

export interface CommonSettings {
  /** The function's name, or the whole ARN that pools have for it. */
  readonly name: string;
  /** Where the configuration describes it, for messages: `file, line n`. */
  readonly where: string;
  /** How many of its calls run at once. */
  readonly concurrency: number;
  /** How many more may wait for their turn. */
  readonly queue: number;
  /** The time limit of an attempt. */
  readonly timeoutMs: number;
  /** How often it is tried if it takes too long or cannot be reached. */
  readonly attempts: number;
  /** Whether it gets the codes of messages that it sends in plain text, instead of encrypted for its access key. */
  readonly plainTextCodes: boolean;
}

/** An access key, with which a function calls this server, or with which this server calls a function. */
export interface FunctionKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What the two ways to run a file on this machine have in common. */
interface LocalFunction {
  /** The absolute path of the file with the handler. */
  readonly file: string;
  /** The name under which the file exports the handler; `a.b` is a member of an exported object. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  /** What the handler finds as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. */
  readonly key: FunctionKey | undefined;
}

/** A module that runs in a thread of the server's process. */
export interface ModuleFunction extends LocalFunction {
  readonly run: "worker";
}

/** A process of its own, which speaks Lambda's Runtime API. */
export interface ChildFunction extends LocalFunction {
  readonly run: "child";
  readonly runtime: "nodejs" | "python";
  /** Another program that speaks the Runtime API, with its arguments, in place of the runtime's own. */
  readonly command: readonly string[] | undefined;
  /** Whom the process runs as, in place of the server's user. */
  readonly user: SystemUser | undefined;
}

/** What the two ways to run a function elsewhere have in common. */
interface RemoteFunction {
  /** The id of the access key with which the function calls this server, if it does. */
  readonly ownKeyId: string | undefined;
}

/** A function at an endpoint of Lambda's Invoke API. */
export interface InvokeFunction extends RemoteFunction {
  readonly run: "invoke";
  /** The endpoint's base URL, without a trailing slash. */
  readonly url: string;
  /** The function's name, or ARN, at the endpoint. */
  readonly function: string;
  /** The region that signatures are for; undefined if it is the server's. */
  readonly region: string | undefined;
  /** Requests are signed if there is one. */
  readonly key: FunctionKey | undefined;
}

/** A URL to which events are posted, signed as Standard Webhooks describes. */
export interface WebhookFunction extends RemoteFunction {
  readonly run: "webhook";
  readonly url: string;
  /** The bytes of the `whsec_…` secret. */
  readonly secret: Uint8Array;
}
