/** aws-cli of Debian, unmodified, changing nothing but --endpoint-url. */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./databases.ts";
import type { TestServer } from "./server.ts";

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command signs with; nothing, where it needs to. */
export type Keys =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | undefined;

/** Runs a command against a server. @param words the service, the operation and its options */
type Aws = (server: TestServer, keys: Keys, words: readonly string[]) => Promise<Ran>;

const program = "/usr/bin/aws";
const home = temporaryFolder();
const environment = {
  PATH: "/usr/bin:/bin",
  HOME: home,
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_PAGER: "",
};

const variables = (keys: Keys) =>
  keys && {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...(keys.sessionToken !== undefined && { AWS_SESSION_TOKEN: keys.sessionToken }),
  };

const argumentsOf = ({ endpoint }: TestServer, words: readonly string[]) => [
  ...["--endpoint-url", endpoint, "--output", "json"],
  ...words,
];

/** The command, as a shell runs it. */
export const aws: Aws = (server, keys, words) => {
  const env = { ...environment, ...variables(keys) };
  return new Promise((resolve) => {
    execFile(program, argumentsOf(server, words), { env }, (error, stdout, stderr) => {
      const code = error?.code ?? 0;
      resolve({ status: typeof code === "number" ? code : 1, stdout, stderr });
    });
  });
};

/** The same, one command after another in one process. */
export function awsCommands(): Aws {
  let child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  let answers: AsyncIterator<string> | undefined;
  after(() => child?.stdin.end());
  return async (server, keys, words) => {
    child ??= spawn("/usr/bin/python3", [script], { env: environment, stdio: ["pipe", "pipe", "inherit"] });
    answers ??= createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const env = variables(keys) ?? {};
    child.stdin.write(`${JSON.stringify({ program, args: argumentsOf(server, words), env })}\n`);
    const { value } = await answers.next();
    return JSON.parse(value ?? assert.fail("the process ended"));
  };
}
const script = fileURLToPath(new URL("aws_commands.py", import.meta.url));
