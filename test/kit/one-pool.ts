/**
 * Finds the pool that a statement is about, from its syntax tree: every table of pool data in it must be tied to one value
 * of `pool_id`, directly (`pool_id = $1`) or through others (`users.pool_id = login_names.pool_id`).
 */
import { loadModule, parseSync } from "libpg-query";
import { placement } from "../../src/store/placement.ts";

await loadModule();

/** Statements that look at all pools, and why. None of them answers a request of a pool's clients. */
export const ofAllPools: Readonly<Record<string, RegExp>> = {
  "the outbox worker looks for messages that are due":
    /^select .* from "outbox" where .*"next_attempt_at" <= /,
  "the outbox worker goes from pool to pool":
    /^select "pool_id", "medium", "by_function" from "outbox" where .* order by "pool_id", /,
  "the development inbox shows messages of all pools":
    /^select .* from "outbox" where "status" in .* order by "created_at" desc/,
  "a metric tells how many messages wait":
    /^select count\(\*\) as "count" from \(select "message_id" from "outbox" /,
  "ListUserPools lists them":
    /^select "pool_id", "name", "document", "created_at", "updated_at" from "pools" /,
  "the sweep goes from pool to pool":
    /^select "pool_id", 0 .* from "pools" .* union select "name" .* union select "pool_id", 0 .* from "identity_pools" /,
  "the audit log is kept for a time, whatever pool a call named":
    /^delete from "audit_events" where .*"event_id" < /,
  "a metric tells how old the oldest signing key is":
    /^select "pool_id", "active_from" from "signing_keys" where "retired_at" is null/,
};

type Tree = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A node of the parser's: `{ SelectStmt: { … } }` is kind `SelectStmt` with what it holds. */
function open(value: unknown): readonly [kind: string, node: Tree] {
  const [entry] = isTree(value) ? Object.entries(value) : [];
  return entry !== undefined && isTree(entry[1]) ? [entry[0], entry[1]] : ["", {}];
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => String(open(value)[1]["sval"] ?? "");

/** What a statement ties together: names of tables (`table@scope`), parameters (`$1`) and texts (`'…'`). */
class Ties {
  readonly #parents = new Map<string, string>();
  readonly tables = new Map<string, string>();
  #scopes = 0;

  newScope(): number {
    return ++this.#scopes;
  }

  root(of: string): string {
    const parent = this.#parents.get(of);
    return parent === undefined || parent === of ? of : this.root(parent);
  }

  tie(one: string | undefined, another: string | undefined): void {
    if (one !== undefined && another !== undefined) this.#parents.set(this.root(one), this.root(another));
  }

  /** The values that the table's `pool_id` is tied to. */
  values(table: string): string[] {
    const known = [...this.#parents.keys(), ...this.#parents.values(), table];
    return [...new Set(known)].filter((one) => /^[$']/.test(one) && this.root(one) === this.root(table));
  }
}

/** Names of tables in scope, innermost first. */
interface Scope {
  readonly id: number;
  readonly names: Map<string, string>;
  readonly outer: Scope | undefined;
}

export interface OnePool {
  /** Tables of pool data that are tied to no value. */
  readonly untied: readonly string[];
  /** The values of `pool_id` that the others are tied to: `$1`, or a text in quotes. */
  readonly values: readonly string[];
}

/** Analyzes a statement of PostgreSQL. */
export function onePool(statement: string): OnePool {
  const ties = new Ties();
  for (const { stmt } of parseSync(statement).stmts ?? []) walk(ties, stmt, undefined);
  const tables = [...ties.tables.keys()];
  return {
    untied: tables.filter((table) => ties.values(table).length === 0).map((table) => ties.tables.get(table)!),
    values: [...new Set(tables.flatMap((table) => ties.values(table)))],
  };
}

/** Goes through any part of the tree; statements open a scope of their own. */
function walk(ties: Ties, value: unknown, scope: Scope | undefined): void {
  if (Array.isArray(value)) for (const one of value) walk(ties, one, scope);
  if (!isTree(value)) return;
  const [kind, node] = open(value);
  if (/^(?:Select|Insert|Update|Delete)Stmt$/.test(kind)) walkStatement(ties, node, scope);
  else for (const part of Object.values(value)) walk(ties, part, scope);
}

/** Returns what the statement's column `pool_id`, if it has one, is tied to. */
function walkStatement(ties: Ties, node: Tree, outer: Scope | undefined): string | undefined {
  const scope: Scope = { id: ties.newScope(), names: new Map(), outer };
  for (const entry of list((node["withClause"] as Tree | undefined)?.["ctes"])) {
    const [, cte] = open(entry);
    addName(scope, String(cte["ctename"]), statementOf(ties, cte["ctequery"], scope), ties);
  }
  if (isTree(node["relation"])) addTable(ties, node["relation"], scope);
  for (const from of [...list(node["fromClause"]), ...list(node["usingClause"])]) addFrom(ties, from, scope);
  conditions(ties, node["whereClause"], scope);
  // The parts of a union.
  for (const side of [node["larg"], node["rarg"]])
    if (isTree(side)) ties.tie(`output@${scope.id}`, walkStatement(ties, side, scope));
  if (node["cols"] !== undefined) tieInserted(ties, node, scope);
  for (const part of ["targetList", "whereClause", "havingClause", "returningClause", "onConflictClause"])
    walk(ties, node[part], scope);
  for (const from of list(node["fromClause"])) walk(ties, (open(from)[1] as Tree)["quals"], scope);
  const output = list(node["targetList"])
    .map((target) => open(target)[1]["val"])
    .find(isPoolColumn);
  ties.tie(`output@${scope.id}`, poolColumn(output, scope));
  return `output@${scope.id}`;
}

function statementOf(ties: Ties, value: unknown, scope: Scope): string | undefined {
  return walkStatement(ties, open(value)[1], scope);
}

function addName(scope: Scope, name: string, tied: string | undefined, ties: Ties): void {
  const own = `${name}@${scope.id}`;
  scope.names.set(name, own);
  ties.tie(own, tied);
}

function addTable(ties: Ties, relation: Tree, scope: Scope): string {
  const table = String(relation["relname"]);
  const alias = String((relation["alias"] as Tree | undefined)?.["aliasname"] ?? table);
  const common = find(scope, table);
  const own = `${alias}@${scope.id}`;
  // A name of a common table expression, not a table.
  if (!(table in placement) && common !== undefined) ties.tie(own, common);
  if (placement[table as keyof typeof placement] === "pool") ties.tables.set(own, `${table} (${alias})`);
  scope.names.set(alias, own);
  return own;
}

/** Adds what stands in `from`; returns the names that it adds. */
function addFrom(ties: Ties, from: unknown, scope: Scope): string[] {
  const [kind, node] = open(from);
  if (kind === "RangeVar") return [addTable(ties, node, scope)];
  if (kind === "RangeSubselect") {
    const alias = String((node["alias"] as Tree | undefined)?.["aliasname"]);
    addName(scope, alias, statementOf(ties, node["subquery"], scope), ties);
    return [`${alias}@${scope.id}`];
  }
  if (kind !== "JoinExpr") return [];
  const [left, right] = [addFrom(ties, node["larg"], scope), addFrom(ties, node["rarg"], scope)];
  if (list(node["usingClause"]).some((column) => text(column) === "pool_id")) ties.tie(left[0], right[0]);
  conditions(ties, node["quals"], scope);
  walk(ties, node["quals"], scope);
  return [...left, ...right];
}

/** Ties what conditions joined by `and` compare. */
function conditions(ties: Ties, value: unknown, scope: Scope): void {
  const [kind, node] = open(value);
  if (kind === "BoolExpr" && node["boolop"] === "AND_EXPR")
    for (const one of list(node["args"])) conditions(ties, one, scope);
  if (kind !== "A_Expr" || node["kind"] !== "AEXPR_OP" || text(list(node["name"])[0]) !== "=") return;
  const sides = [node["lexpr"], node["rexpr"]] as const;
  if (sides.some((side) => isPoolColumn(side)))
    ties.tie(
      poolColumn(sides[0], scope) ?? constant(sides[0]),
      poolColumn(sides[1], scope) ?? constant(sides[1]),
    );
}

/** `insert into t (…, pool_id, …)`: ties the table to what is inserted there. */
function tieInserted(ties: Ties, node: Tree, scope: Scope): void {
  const at = list(node["cols"]).findIndex((column) => open(column)[1]["name"] === "pool_id");
  const table = scope.names.get(String((node["relation"] as Tree)["relname"]));
  const [, select] = open(node["selectStmt"]);
  for (const row of list(select["valuesLists"])) {
    const [, { items }] = open(row);
    ties.tie(table, constant(list(items)[at]));
  }
  if (select["valuesLists"] !== undefined) walk(ties, select["valuesLists"], scope);
  else {
    const output = walkStatement(ties, select, scope);
    const target = open(list(select["targetList"])[at])[1]["val"];
    ties.tie(table, isPoolColumn(target) ? output : constant(target));
  }
}

const fieldsOf = (value: unknown): string[] => {
  const [kind, node] = open(value);
  return kind === "ColumnRef" ? list(node["fields"]).map(text) : [];
};

const isPoolColumn = (value: unknown): boolean => fieldsOf(value).at(-1) === "pool_id";

/** The name of the table that a column `pool_id` belongs to. */
function poolColumn(value: unknown, scope: Scope): string | undefined {
  if (!isPoolColumn(value)) return undefined;
  const fields = fieldsOf(value);
  if (fields.length > 1) return find(scope, fields.at(-2)!);
  for (let one: Scope | undefined = scope; one !== undefined; one = one.outer)
    for (const name of one.names.values()) return name;
  return undefined;
}

function find(scope: Scope | undefined, name: string): string | undefined {
  return scope && (scope.names.get(name) ?? find(scope.outer, name));
}

/** A parameter or a text, with or without a cast. */
function constant(value: unknown): string | undefined {
  const [kind, node] = open(value);
  if (kind === "TypeCast") return constant(node["arg"]);
  if (kind === "ParamRef") return `$${node["number"]}`;
  const held = kind === "A_Const" ? (node["sval"] as Tree | undefined) : undefined;
  return held && `'${held["sval"]}'`;
}
