/** The gateway's log, compatible with a pino logger. Never gets tokens, cookies or codes. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
