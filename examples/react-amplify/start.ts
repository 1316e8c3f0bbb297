/** `npm start`: builds the page with config.json and serves it. */
import { existsSync, readFileSync } from "node:fs";
import { buildPage, servePage } from "./page.ts";
import { configFile, endpoint, pageUrl, port } from "./settings.ts";

if (!existsSync(configFile)) {
  console.error("There is no config.json yet. `npm run setup` makes a pool and writes it.");
  process.exit(1);
}
const page = await buildPage(JSON.parse(readFileSync(configFile, "utf8")));
await servePage(page, endpoint, port);
console.log(`The page is at ${pageUrl}`);
