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

export interface TokenErrorOptions extends ErrorOptions {
  /** The scopes that are needed, for the challenge. */
  readonly scopes?: readonly string[];
}

/** The characters that a scope may have (RFC 6749 section 3.3), all of which a quoted string may, too. */
const scope = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** A token was refused. The message quotes nothing of the token. */
export class TokenError extends Error {
  override name = "TokenError";
  readonly problem: TokenProblem;
  readonly #scopes: readonly string[];

  constructor(problem: TokenProblem, message: string, options: TokenErrorOptions = {}) {
    super(message, options);
    this.problem = problem;
    this.#scopes = options.scopes ?? [];
  }

  /** The HTTP status for it: 401; 403 if the token is fine but lacks a scope or group; 503 if nobody can tell now. */
  get status(): 401 | 403 | 503 {
    return problems[this.problem].status;
  }

  /** The error code of RFC 6750 section 3.1; undefined if no token was sent, and if nobody can tell now. */
  get code(): "invalid_token" | "insufficient_scope" | undefined {
    return problems[this.problem].error;
  }

  /** The value of the WWW-Authenticate header (RFC 6750 section 3). */
  get challenge(): string {
    if (this.code === undefined) return "Bearer";
    const scopes = this.#scopes.filter((one) => scope.test(one)).join(" ");
    const needed = scopes === "" ? "" : `, scope="${scopes}"`;
    return `Bearer error="${this.code}", error_description="${this.message}"${needed}`;
  }
}
