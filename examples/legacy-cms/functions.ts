/**
 * Writes poolhouse.yaml, the configuration file with the pool's functions, into the current folder, with copies of the
 * handlers in Python: migrate_user.py has the URL of the legacy service in its text.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { setting } from "./settings.ts";

const handlers = join(import.meta.dirname, "handlers");
const legacyUrl = setting("LEGACY_URL");

mkdirSync("functions", { recursive: true });
for (const name of ["migrate_user.py", "migration.py"]) {
  const text = readFileSync(join(handlers, name), "utf8");
  writeFileSync(join("functions", name), text.replace("https://cms.example.com/", legacyUrl));
}

const environment = { LEGACY_URL: legacyUrl, LEGACY_SECRET: setting("LEGACY_SECRET") };
const functions = {
  "migrate-user": { run: "child", file: "functions/migration.py", environment },
  "pre-sign-up": { run: "worker", file: join(handlers, "pre-sign-up.ts"), environment },
  "post-authentication": {
    run: "worker",
    file: join(handlers, "post-authentication.ts"),
    environment,
    // What this key may do is in policy.json.
    "access-key-id": setting("AWS_ACCESS_KEY_ID"),
    "secret-access-key": setting("AWS_SECRET_ACCESS_KEY"),
  },
};
writeFileSync("poolhouse.yaml", stringify({ functions }, { aliasDuplicateObjects: false }), { mode: 0o600 });
