/** `npm run test:messages`: the long form of two-servers.test.ts. 10,000 messages wait in PostgreSQL for two servers. */
import { test } from "node:test";
import { forEachDatabase } from "../kit/databases.ts";
import { sendMany } from "./two-servers.ts";

const count = Number(process.argv[2] ?? 10_000);

forEachDatabase((name, open, fresh) => {
  if (name === "postgres")
    test(`two servers send each of ${count} waiting messages once`, () =>
      sendMany({ name, open, fresh }, count));
});
