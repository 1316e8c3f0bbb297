/** Answers of Lambda's Invoke API ("Invoke", AWS Lambda API Reference). The only file of this folder that writes errors. */
import { FunctionError, type Functions } from "../../integrations/functions/functions.ts";
import { Refusal } from "../../lib/refusal.ts";

export interface InvokeAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What was refused, for the log. */
  readonly refusal?: Refusal;
}

/** The status of each error, and the member that holds its message, as the API's model has them. */
export const errors: Readonly<Record<string, readonly [status: number, member: "message" | "Message"]>> = {
  AccessDeniedException: [403, "message"],
  IncompleteSignatureException: [403, "message"],
  InvalidParameterValueException: [400, "message"],
  InvalidRequestContentException: [400, "message"],
  InvalidRuntimeException: [502, "Message"],
  InvalidSignatureException: [403, "message"],
  MissingAuthenticationTokenException: [403, "message"],
  RequestTooLargeException: [413, "message"],
  ResourceNotFoundException: [404, "Message"],
  SerializationException: [400, "Message"],
  ServiceException: [500, "Message"],
  TooManyRequestsException: [429, "message"],
  UnrecognizedClientException: [403, "message"],
};

/** Answers for an error: a Refusal, or anything else, of which only the request id is told. */
export function errorAnswer(error: unknown, requestId: string): InvokeAnswer {
  const known = error instanceof Refusal && Object.hasOwn(errors, error.code);
  const refusal = known ? error : new Refusal("ServiceException", `Internal error. Request id: ${requestId}`);
  const [status, member] = errors[refusal.code]!;
  const busy = refusal.code === "TooManyRequestsException";
  return {
    status,
    headers: {
      "content-type": "application/json",
      "x-amzn-errortype": refusal.code,
      ...(busy && { "retry-after": "1" }),
    },
    body: JSON.stringify({
      Type: status < 500 ? "User" : "Service",
      [member]: refusal.message,
      ...(busy && { Reason: "ReservedFunctionConcurrentInvocationLimitExceeded" }),
    }),
    refusal,
  };
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The event in a body: `{}` if there is none. Throws a Refusal (InvalidRequestContentException) unless it is JSON. */
export function eventOf(body: Uint8Array): string {
  if (body.length === 0) return "{}";
  try {
    const text = decoder.decode(body);
    JSON.parse(text);
    return text;
  } catch {
    throw new Refusal("InvalidRequestContentException", "Could not parse request body into json.");
  }
}

/** The Refusal for a function that nobody has configured. */
export const noSuchFunction = (arn: string) =>
  new Refusal("ResourceNotFoundException", `Function not found: ${arn}`);

/**
 * Runs a function once. What it throws, and how it ends, is an answer; throws a Refusal if it could not be run.
 * @param call.id the id of the request, which the function gets
 */
export async function runFunction(
  functions: Functions,
  arn: string,
  call: { readonly id: string; readonly event: string },
): Promise<InvokeAnswer> {
  const headers = { "content-type": "application/json", "x-amz-executed-version": "$LATEST" };
  try {
    return { status: 200, headers, body: await functions.call(arn, call) };
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    if (error.fault === "unreachable") throw notRun(arn, error);
    return {
      status: 200,
      headers: { ...headers, "x-amz-function-error": "Unhandled" },
      body: JSON.stringify(reported(error, call.id)),
    };
  }
}

/** An error of the function, as Lambda reports it. Its stack stays in the log. */
function reported({ fault, message, type = "Error" }: FunctionError, id: string): object {
  if (fault === "late")
    return { errorType: "Sandbox.Timedout", errorMessage: `RequestId: ${id} Error: ${message}` };
  return { errorType: type, errorMessage: message };
}

function notRun(arn: string, { message: code }: FunctionError): Refusal {
  switch (code) {
    case "ResourceNotFoundException":
      return noSuchFunction(arn);
    case "TooManyRequestsException":
      return new Refusal(code, "Rate Exceeded.");
    case "RequestTooLargeException":
      return new Refusal(code, tooLarge);
    case "InvalidRuntimeException":
      return new Refusal(code, "The function's program could not be started.");
    default:
      return new Refusal("ServiceException", "The function could not be reached.", { detail: code });
  }
}

export const tooLarge = "Request must be smaller than 6291456 bytes for the InvokeFunction operation";
