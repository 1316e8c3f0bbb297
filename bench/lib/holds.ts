/** How long the statements of SQLite keep the thread, in CPU time, which other work on the machine does not change. */
import { DatabaseSync, StatementSync } from "node:sqlite";
import pg from "pg";

/** What each hold took, in milliseconds: a statement, or all statements of a transaction, for which others wait as well. */
export interface Holds {
  readonly took: readonly number[];
  stop(): void;
}

type Method = (this: unknown, ...values: unknown[]) => unknown;

const cpuMs = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** Watches all databases of this thread until it is stopped. */
export function watchHolds(): Holds {
  const took: number[] = [];
  let open: number | undefined;
  const note = (ms: number, text: string) => {
    if (/^begin/i.test(text)) open = 0;
    if (open === undefined) took.push(ms);
    else open += ms;
    if (open === undefined || !/^(?:commit|rollback)/i.test(text)) return;
    took.push(open);
    open = undefined;
  };
  const undo: (() => void)[] = [];
  const wrap = (prototype: object, name: string, textOf: (self: unknown, first: unknown) => string) => {
    const methods = prototype as Record<string, Method>;
    const original = methods[name]!;
    methods[name] = function (...values) {
      const began = cpuMs();
      try {
        return original.apply(this, values);
      } finally {
        note(cpuMs() - began, textOf(this, values[0]));
      }
    };
    undo.push(() => {
      methods[name] = original;
    });
  };
  for (const name of ["run", "all", "get"])
    wrap(StatementSync.prototype, name, (self) => (self as StatementSync).sourceSQL);
  wrap(DatabaseSync.prototype, "exec", (_, text) => String(text));
  const stop = () => {
    for (const restore of undo) restore();
  };
  return { took, stop };
}

/** Watches the statements that this process sends to PostgreSQL: the time until each is answered. */
export function watchStatements(): Holds {
  const took: number[] = [];
  const { prototype } = pg.Client;
  const original = prototype.query as Method;
  prototype.query = function (this: unknown, ...values: unknown[]) {
    const began = performance.now();
    const answer = original.apply(this, values);
    if (answer instanceof Promise) void answer.then(() => took.push(performance.now() - began));
    return answer;
  } as typeof prototype.query;
  return {
    took,
    stop: () => {
      prototype.query = original as typeof prototype.query;
    },
  };
}
