/** Two servers on one database send each waiting message once; after a kill -9 at most once more, and none is lost. */
import { test } from "node:test";
import { forEachDatabase } from "../kit/databases.ts";
import { killOne, sendMany } from "./two-servers.ts";

forEachDatabase((name, open, fresh) => {
  test("two servers send each of 300 waiting messages once", () => sendMany({ name, open, fresh }, 300));

  test("a server killed with messages in its hands: each comes, and at most once more", () =>
    killOne({ open, fresh }));
});
