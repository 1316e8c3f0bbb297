/** Why a token is refused. */

/** Problem -> the status and the error code of RFC 6750 section 3.1 that an API answers it with. */
const problems = {
  missing: { status: 401, error: undefined },
  malformed: { status: 401, error: "invalid_token" },
  issuer: { status: 401, error: "invalid_token" },
  signature: { status: 401, error: "invalid_token" },
  expired: { status: 401, error: "invalid_token" },
  "not yet valid": { status: 401, error: "invalid_token" },
  use: { status: 401, error: "invalid_token" },
  audience: { status: 401, error: "invalid_token" },
  revoked: { status: 401, error: "invalid_token" },
  scope: { status: 403, error: "insufficient_scope" },
  group: { status: 403, error: "insufficient_scope" },
  unavailable: { status: 503, error: undefined },
} as const;

export type TokenProblem = keyof typeof problems;

/** A token was refused. The message quotes nothing of the token. */
export class TokenError extends Error {
  override name = "TokenError";
  readonly problem: TokenProblem;

  constructor(problem: TokenProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }

  /** The HTTP status for it: 401; 403 if the token is fine but lacks a scope or group; 503 if nobody can tell now. */
  get status(): 401 | 403 | 503 {
    return problems[this.problem].status;
  }

  /** The value of the WWW-Authenticate header (RFC 6750 section 3). */
  get challenge(): string {
    const { error } = problems[this.problem];
    return error === undefined ? "Bearer" : `Bearer error="${error}", error_description="${this.message}"`;
  }
}
