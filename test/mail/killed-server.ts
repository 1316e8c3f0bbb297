/** For two-servers.ts: a server that sends what waits, until it is killed. */
import { startOutboxWorker } from "../../src/domain/messages/worker.ts";
import { openDatabase } from "../../src/store/open.ts";
import { silent } from "../kit/databases.ts";
import { postRoom } from "../servers/post-room.ts";
import { senderFor } from "./senders.ts";

const [url = "", masterKey = "", secretsFolder = "", port = ""] = process.argv.slice(2);
const { db } = await openDatabase({
  url,
  masterKey: masterKey || undefined,
  secretsFolder: secretsFolder || undefined,
  log: silent,
});
const sender = senderFor("http", Number(port));
startOutboxWorker(postRoom(db, (message) => sender.send(message)));
// Lives until it is killed, or its parent has ended.
process.stdin.resume().once("end", () => process.exit());
