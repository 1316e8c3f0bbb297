/** What a service answered instead of what it was asked for. */
export class Refusal extends Error {
  /** The status of HTTP. */
  readonly status: number;
  /** Such as AccessDeniedException. */
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}
