/** `poolhouse version`. */
import { readFileSync } from "node:fs";

export async function version(): Promise<void> {
  const about = new URL("../../package.json", import.meta.url);
  const { version: number } = JSON.parse(readFileSync(about, "utf8")) as { version: string };
  console.log(`Poolhouse ${number}, Node.js ${process.versions.node}`);
}
