/** For outbox.test.ts: a server that hands a message over and is killed before it can write that down. */
import { startOutboxWorker } from "../../src/domain/messages/worker.ts";
import { openDatabase } from "../../src/store/open.ts";
import { silent } from "../kit/databases.ts";
import { postRoom } from "./post-room.ts";

const [url = "", masterKey = "", secretsFolder = ""] = process.argv.slice(2);
const { db } = await openDatabase({
  url,
  masterKey: masterKey || undefined,
  secretsFolder: secretsFolder || undefined,
  log: silent,
});
startOutboxWorker(
  postRoom(db, async ({ destination }) => {
    console.log(`sent ${destination}`);
    // The parent kills this process now.
    await new Promise(() => setInterval(() => {}, 1_000));
  }),
);
