/** What the store says to whoever runs it; a pino logger fits. Never parameters, secrets or database error details. */
export interface StoreLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
