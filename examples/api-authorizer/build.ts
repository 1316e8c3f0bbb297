/** Bundles the functions for Lambda, and for serverless-offline, into build/: one file each, with all that it needs. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const packages = ["poolhouse/authorizer", "poolhouse/verify"];

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["handlers/authorize.ts", "handlers/orders.ts"],
  outdir: join(process.argv[2] ?? "build"),
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22",
  // What Node.js finds: in a clone of Poolhouse its source, by the option that setup.ts writes into .env.
  alias: Object.fromEntries(packages.map((name) => [name, fileURLToPath(import.meta.resolve(name))])),
});
