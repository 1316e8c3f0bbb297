/** What becomes of a trigger: how its function ends, and the error that the client sees. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Trigger } from "../../src/domain/triggers/trigger.ts";
import type { DatabaseName } from "../kit/databases.ts";
import { forOneServer } from "../kit/server.ts";
import { arnOf, configuration, handlers, type Script, scripted, scriptedModule } from "./functions.ts";

/** Answers what is not JSON. */
const babbler = createServer((request, response) => {
  request.resume().on("end", () => response.end("<html>It works!</html>"));
}).listen(0, "127.0.0.1");
await once(babbler, "listening");
babbler.unref();

/** The time limit, in seconds, of a function that never answers. */
const tooShort = 0.1;

const config = configuration("outcomes", {
  scripted: scriptedModule,
  plain: { ...scriptedModule, "plain-text-codes": true },
  riddles: { run: "worker", file: join(handlers, "riddles.mjs") },
  hanging: { ...scriptedModule, timeout: tooShort, attempts: 1, "plain-text-codes": true },
  babbling: {
    run: "webhook",
    url: `http://127.0.0.1:${(babbler.address() as AddressInfo).port}`,
    secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
    "plain-text-codes": true,
  },
});

/** As `forOneServer`, with the functions of the outcomes. */
export const forOneServerWithOutcomes = (
  usual: DatabaseName,
  title: string,
  suite: Parameters<typeof forOneServer>[2],
) => forOneServer(usual, title, suite, { POOLHOUSE_CONFIG: config });

export interface Outcome {
  /** The pool's function. */
  readonly arn: string;
  /** What it does with the event. */
  readonly script: Script | undefined;
  /** The error's code and message. */
  readonly error: (trigger: Trigger) => readonly [code: string, message: RegExp];
}

const unrecognizable = () => ["InvalidLambdaResponseException", /^Unrecognizable lambda output$/] as const;
const answers = (answer: unknown): Outcome => ({
  arn: scripted,
  script: { answer },
  error: unrecognizable,
});
const unavailable = (cause: string) => (trigger: Trigger) =>
  [
    "UnexpectedLambdaException",
    new RegExp(`^${trigger} invocation failed due to error ${cause}\\.$`),
  ] as const;

export const outcomes: Readonly<Record<string, Outcome>> = {
  throws: {
    arn: scripted,
    script: { throws: "Not <b>you</b>" },
    error: (trigger) => [
      "UserLambdaValidationException",
      new RegExp(`^${trigger} failed with error Not <b>you</b>\\.$`),
    ],
  },
  crashes: {
    arn: scripted,
    script: { exits: 129 },
    error: (trigger) => [
      "UserLambdaValidationException",
      new RegExp(
        `^${trigger} failed with error RequestId: [\\da-f-]{36} Error: Runtime exited with error: exit status 129\\.$`,
      ),
    ],
  },
  "answers null": answers(null),
  "answers a text": answers("yes"),
  "answers a list": answers([{ response: {} }]),
  "answers no response": answers({ ok: true }),
  "answers a response of another type": answers({ response: "yes" }),
  "answers what is not JSON": {
    arn: arnOf("babbling"),
    script: undefined,
    error: () => ["InvalidLambdaResponseException", /^Invalid lambda function output : Invalid JSON$/],
  },
  "times out": {
    arn: arnOf("hanging"),
    script: { hangs: true },
    error: unavailable("Socket timeout while invoking Lambda function"),
  },
  "is not configured": {
    arn: arnOf("nobody-has-defined-it"),
    script: undefined,
    error: unavailable("ResourceNotFoundException"),
  },
};
