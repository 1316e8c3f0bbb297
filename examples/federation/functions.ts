/** Writes poolhouse.yaml, the configuration file with the pool's function, into the current folder. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { setting } from "./settings.ts";

const functions = {
  visits: {
    run: "worker",
    file: join(import.meta.dirname, "handlers", "visits.ts"),
    // What this key may do is in policy.json.
    "access-key-id": setting("AWS_ACCESS_KEY_ID"),
    "secret-access-key": setting("AWS_SECRET_ACCESS_KEY"),
  },
};
writeFileSync("poolhouse.yaml", stringify({ functions }), { mode: 0o600 });
