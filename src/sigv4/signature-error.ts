/** Why a call is refused, and how API Gateway would answer it. */

const problems = {
  missing: { status: 403, type: "MissingAuthenticationTokenException" },
  incomplete: { status: 403, type: "IncompleteSignatureException" },
  signature: { status: 403, type: "InvalidSignatureException" },
  credentials: { status: 403, type: "UnrecognizedClientException" },
  denied: { status: 403, type: "AccessDeniedException" },
  path: { status: 400, type: "BadRequestException" },
  "too large": { status: 413, type: "RequestEntityTooLargeException" },
  unavailable: { status: 503, type: "ServiceUnavailableException" },
} as const;

export type SignatureProblem = keyof typeof problems;

/** How a refusal is answered. */
export interface SignatureAnswer {
  readonly status: 400 | 403 | 413 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A call was refused. The message is for its sender; `cause` is for a log. */
export class SignatureError extends Error {
  override name = "SignatureError";
  readonly problem: SignatureProblem;

  constructor(problem: SignatureProblem, message: string, options?: ErrorOptions) {
    // No stack trace: a refusal is an answer, and under a flood of calls the trace would cost more than the rest.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.problem = problem;
  }

  /** The HTTP status: 403; 400 for a path that is not clear, 413 for a body that is too large, 503 if nobody can tell now. */
  get status(): SignatureAnswer["status"] {
    return problems[this.problem].status;
  }

  /** The type of the error, as in `x-amzn-errortype`. */
  get type(): string {
    return problems[this.problem].type;
  }

  get answer(): SignatureAnswer {
    return {
      status: this.status,
      headers: {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-amzn-errortype": this.type,
        ...(this.status === 503 && { "retry-after": "5" }),
        // The rest of the body is not read.
        ...(this.status === 413 && { connection: "close" }),
      },
      body: JSON.stringify({ message: this.message }),
    };
  }
}

export const unclearPath = () => new SignatureError("path", "The path can be read in more than one way.");
