/** Counts what the server does for a request: the statements it runs, the hashes and the SRP exchanges. */
import { createQueryId, type KyselyPlugin, type RootOperationNode } from "kysely";
import type { App, PasswordHasher } from "../../src/app.ts";

export interface Work {
  /** The texts of the statements in their order, without values. */
  readonly statements: readonly string[];
  readonly hashes: number;
  readonly exchanges: number;
}

/** What the outbox worker and a delivering request do; both come when they come. */
const delivery = /^(?:select|update|delete)\b.*\boutbox\b/s;

/** Watches a server from now on. `during` tells what one request cost; one at a time. */
export function watchWork(app: App): {
  during<T>(request: () => Promise<T>): Promise<{ answer: T; work: Work }>;
} {
  let statements: string[] = [];
  let hashes = 0;
  let exchanges = 0;
  const { db, passwordHasher, exchangeTurn } = app;
  const compile = (node: RootOperationNode) =>
    db.kysely.getExecutor().compileQuery(node, createQueryId()).sql;
  const recorder: KyselyPlugin = {
    transformQuery({ node }) {
      const text = compile(node);
      if (!delivery.test(text)) statements.push(text);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const counting: PasswordHasher = {
    ...passwordHasher,
    hash: (...given) => {
      hashes += 1;
      return passwordHasher.hash(...given);
    },
    verify: (...given) => {
      hashes += 1;
      return passwordHasher.verify(...given);
    },
  };
  Object.assign(app, {
    db: { ...db, kysely: db.kysely.withPlugin(recorder) },
    passwordHasher: counting,
    exchangeTurn: ((turn, job) => {
      exchanges += 1;
      return exchangeTurn(turn, job);
    }) satisfies App["exchangeTurn"],
  });
  return {
    async during(request) {
      statements = [];
      hashes = 0;
      exchanges = 0;
      const answer = await request();
      return { answer, work: { statements, hashes, exchanges } };
    },
  };
}
