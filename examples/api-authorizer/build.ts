/** Bundles the functions for Lambda, and for serverless-offline, into build/: one file each, with all that it needs. */
import { join } from "node:path";
import { build } from "esbuild";

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["handlers/authorize.ts", "handlers/orders.ts"],
  outdir: join(process.argv[2] ?? "build"),
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22",
  // In a clone of Poolhouse, its source is used as it is.
  conditions: ["poolhouse-source"],
});
