/** Reads that go past Kysely, whose provider of connections costs more than some of them do. */
import type { QueryResult } from "kysely";
import type { NamedQuery } from "./sql.ts";

/**
 * Runs a read outside of transactions. Undefined if it is not one that can be read so, or not now: then Kysely runs it. It
 * does so, too, if this one fails, and reports the error. Throws inside a transaction of the same database.
 */
export type DirectRead = (query: NamedQuery) => Promise<QueryResult<unknown>> | undefined;
