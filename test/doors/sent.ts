/** The statements that reach PostgreSQL, as pg sends them. */
import pg from "pg";

export interface Sent {
  readonly text: string;
  /** The name under which PostgreSQL keeps its plan; statements that are built on each call have none. */
  readonly name: string | undefined;
  readonly values: readonly unknown[];
  /** The transaction that it is part of. */
  readonly transaction: object | undefined;
}

/** Notes what pg sends from now on, without the beginnings and ends of transactions. */
export function watchStatements(): { readonly sent: Sent[]; stop(): void } {
  const sent: Sent[] = [];
  const transactions = new Map<object, object>();
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [config] = given;
    const { text = config, name, values = [] } = (typeof config === "object" ? config : {}) as Partial<Sent>;
    if (/^start transaction/.test(String(text))) transactions.set(this, {});
    else if (/^(?:commit|rollback)$/.test(String(text))) transactions.delete(this);
    else sent.push({ text: String(text), name, values, transaction: transactions.get(this) });
    return Reflect.apply(query, this, given);
  } as typeof query;
  return {
    sent,
    stop: () => {
      pg.Client.prototype.query = query;
    },
  };
}
