/** Whether others than this machine can reach the demo. */
import { type Config, servesThisMachine } from "../config/config.ts";
import { demoPoolId } from "../http/welcome/demo.ts";
import type { Db } from "../store/db.ts";
import { readPool } from "../store/user-pools.ts";

/** What to say of a demo that others than this machine can reach; undefined if there is none. */
export async function exposedDemo(db: Db, config: Config): Promise<string | undefined> {
  const pool = demoPoolId(config);
  if (servesThisMachine(config) || (await readPool(db, pool)) === undefined) return undefined;
  return (
    `others can reach this server, and its database has the demo pool ${pool}, whose user's password is public: ` +
    "delete the pool (DeleteUserPool), or begin with another database"
  );
}
