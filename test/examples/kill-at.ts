/**
 * Loaded before a program that keeps its data in Node's own SQLite: it is killed, as by `kill -9`, before the statement
 * whose number KILL_AT has. Without one it says how many there have been when it ends.
 */
import { DatabaseSync } from "node:sqlite";

const last = Number(process.env["KILL_AT"] ?? "0");
const prepare = DatabaseSync.prototype.prepare;
let count = 0;
DatabaseSync.prototype.prepare = function (sql, options) {
  count += 1;
  if (count === last) process.kill(process.pid, "SIGKILL");
  return prepare.call(this, sql, options);
};
process.once("exit", () => console.log(`Statements: ${count}`));
