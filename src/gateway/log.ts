/** The gateway's log, compatible with a pino logger. Never gets tokens, cookies or codes. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const say = (fields: object, message: string) =>
  void process.stderr.write(`poolhouse gateway: ${message} ${JSON.stringify(fields)}\n`);

/** For a program that has no log: warnings and errors, on standard error. */
export const plainLog: Log = { info: () => {}, warn: say, error: say };
