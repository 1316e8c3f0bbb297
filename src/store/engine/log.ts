/** The store's log, compatible with a pino logger. Never gets parameters, secrets or database error details. */
export interface StoreLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
