/** A process of its own for sqlite.test.ts: writes things until it is killed, and prints what was acknowledged. */
import { inTransaction } from "../../src/store/db.ts";
import { openDatabase } from "../../src/store/open.ts";
import { silent } from "../kit/databases.ts";
import { addThing } from "./things.ts";

const [url, secretsFolder] = process.argv.slice(2);
try {
  const { db } = await openDatabase({ url: url!, secretsFolder, log: silent });
  console.log("open");
  const writer = async (name: string) => {
    for (let n = 0; ; n++) {
      const id = `${name}-${n}`;
      if (n % 2 === 0) await addThing(db, id);
      else await inTransaction(db, (tx) => addThing(tx, id));
      console.log(id);
    }
  };
  await Promise.all(["a", "b", "c", "d"].map(writer));
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
}
