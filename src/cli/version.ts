/** `poolhouse version`. */
import { programVersion } from "../config/version.ts";

export async function version(): Promise<void> {
  console.log(`Poolhouse ${programVersion}, Node.js ${process.versions.node}`);
}
