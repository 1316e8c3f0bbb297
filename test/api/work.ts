/** Counts what the server does for a request: the statements it runs, the hashes and the SRP exchanges. */
import { createQueryId, type KyselyPlugin, type RootOperationNode } from "kysely";
import type { App, PasswordHasher, SrpExchanger } from "../../src/app.ts";
import { preparedText } from "../../src/store/prepared.ts";

export interface Work {
  /** The texts of the statements in their order, without values. */
  readonly statements: readonly string[];
  readonly hashes: number;
  readonly exchanges: number;
}

/** What comes when it comes: the outbox worker's work and a delivering request's, and when access keys were used. */
const workers = /^(?:select|update|delete)\b.*\boutbox\b|^insert into "access_key_uses"/s;

/**
 * Watches a server from now on. `during` tells what one request cost, and how many rows its statements returned
 * together; one at a time.
 */
export function watchWork(app: App): {
  during<T>(request: () => Promise<T>): Promise<{ answer: T; work: Work; rows: number }>;
} {
  let statements: string[] = [];
  let rows = 0;
  let hashes = 0;
  let exchanges = 0;
  const { db, passwordHasher, srp } = app;
  const compile = (node: RootOperationNode) =>
    db.kysely.getExecutor().compileQuery(node, createQueryId()).sql;
  /** By Kysely's id of the query. */
  const texts = new Map<string, string>();
  const recorder: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      texts.set(queryId.queryId, compile(node));
      return node;
    },
    async transformResult({ result, queryId }) {
      const text = texts.get(queryId.queryId) ?? preparedText(queryId.queryId) ?? "unknown";
      if (workers.test(text)) return result;
      statements.push(text);
      rows += result.rows.length;
      return result;
    },
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
    srp: {
      ...srp,
      exchange: (...given) => {
        exchanges += 1;
        return srp.exchange(...given);
      },
    } satisfies SrpExchanger,
  });
  return {
    async during(request) {
      statements = [];
      rows = 0;
      hashes = 0;
      exchanges = 0;
      const answer = await request();
      return { answer, work: { statements, hashes, exchanges }, rows };
    },
  };
}
