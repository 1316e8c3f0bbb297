/**
 * Which errors an operation may answer: those its model declares, those of the request framework, and the few that
 * tools/deviations.ts admits. Every server of the API suites is held to it, by the line it logs for each call.
 */
import { Writable } from "node:stream";
import { type Logger, pino } from "pino";
import { notYet } from "../../src/http/aws-json/operation.ts";
import { identityPoolHandlers, userPoolHandlers } from "../../src/http/aws-json/operations.ts";
import { errors as ofInvoke } from "../../src/http/lambda/answer.ts";
import { wireCodes as ofSts } from "../../src/http/sts/errors.ts";
import { identityPoolOperations } from "../../src/wire/generated/identity-pools.ts";
import { stsOperations } from "../../src/wire/generated/sts.ts";
import { userPoolOperations } from "../../src/wire/generated/user-pools.ts";
import type { OperationFacts } from "../../src/wire/model.ts";

/** Before an operation runs: its body, its signature, its caller, the load. */
const ofEveryOperation = ["SerializationException", "InvalidParameterException", "TooManyRequestsException"];
const ofSignedOperations = [
  "AccessDeniedException",
  "IncompleteSignatureException",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "UnrecognizedClientException",
];

const mayNotBeDelivered = ["CodeDeliveryFailureException"];
const noTriggersYet = ["UnexpectedLambdaException"];

/** Admitted in tools/deviations.ts. */
const deviating: Readonly<Record<string, readonly string[]>> = {
  AdminConfirmSignUp: noTriggersYet,
  AdminCreateUser: ["AliasExistsException"],
  AdminInitiateAuth: mayNotBeDelivered,
  AdminResetUserPassword: mayNotBeDelivered,
  AdminRespondToAuthChallenge: mayNotBeDelivered,
  AdminUpdateUserAttributes: mayNotBeDelivered,
  // Of KMS, as its API reference declares them.
  Decrypt: [
    ...ofSignedOperations,
    "DryRunOperationException",
    "InvalidCiphertextException",
    "InvalidKeyUsageException",
    "NotFoundException",
    "UnsupportedOperationException",
    "ValidationException",
  ],
  // Our own.
  GetSigningKey: [...ofSignedOperations, "ExpiredTokenException", "ResourceNotFoundException"],
  GetTokensFromRefreshToken: noTriggersYet,
  InitiateAuth: mayNotBeDelivered,
  RespondToAuthChallenge: mayNotBeDelivered,
};

type Table = readonly [Readonly<Record<string, OperationFacts>>, Readonly<Record<string, unknown>>];

const tables: readonly Table[] = [
  [userPoolOperations, userPoolHandlers],
  [identityPoolOperations, identityPoolHandlers],
];

/** Two services share three names (tags): those may answer what either declares. */
function errorsOf(operation: string): ReadonlySet<string> {
  if (operation === "Invoke") return new Set(Object.keys(ofInvoke));
  if (Object.hasOwn(stsOperations, operation))
    return new Set(ofSts.filter((code) => code !== "InternalFailure"));
  const all: string[] = [...ofEveryOperation, ...(deviating[operation] ?? [])];
  for (const [facts, handlers] of tables) {
    if (facts === identityPoolOperations && Object.hasOwn(facts, operation)) all.push("ValidationException");
    const own = Object.hasOwn(facts, operation) ? facts[operation] : undefined;
    if (own === undefined) continue;
    all.push(...own.errors);
    if (own.authorization === "iam") all.push(...ofSignedOperations);
    if (handlers[operation] === notYet) all.push("UnsupportedOperationException");
  }
  return new Set(all);
}

const known = new Map<string, ReadonlySet<string>>();

/** Whether clients of the operation can have been told to expect this error. */
export function isDeclared(operation: string, error: string): boolean {
  const errors = known.get(operation) ?? errorsOf(operation);
  known.set(operation, errors);
  return errors.has(error);
}

/** A line of the log, of which tests read these members. */
export type LogLine = Readonly<
  Partial<Record<"msg" | "operation" | "error" | "detail" | "requestId", string>>
>;

/**
 * A server's log that prints nothing and remembers each undeclared error as `Operation: Error`.
 * @param seen receives each line
 */
export function watchErrors(
  level: string | undefined,
  seen: (line: LogLine) => void = () => {},
): { log: Logger; undeclared: ReadonlySet<string> } {
  const undeclared = new Set<string>();
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      const parsed = JSON.parse(String(line)) as LogLine;
      const { msg, operation, error } = parsed;
      seen(parsed);
      if (msg === "call" && operation !== undefined && error !== undefined && !isDeclared(operation, error))
        undeclared.add(`${operation}: ${error}`);
      if (level !== undefined) process.stderr.write(line);
      done();
    },
  });
  return { log: pino({ level: level ?? "info" }, stream), undeclared };
}
