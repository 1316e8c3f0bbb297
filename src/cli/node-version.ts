/** Whether the Node.js that runs is new enough. */
import type { Finding } from "../lib/finding.ts";

/** @param version as in `process.versions.node` */
export function nodeFinding(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major < 24) return { ok: false, text: `Node.js ${version} (24 or later is needed)` };
  const leavesOut = major === 24 && (minor < 18 || (minor === 18 && patch < 1));
  return leavesOut
    ? {
        ok: "perhaps",
        text: `Node.js ${version}: 24.18.1 or later is better, since earlier ones leave out the headers of a request beyond the 2000th, also those that frame its body. An application with the gateway's middleware needs it, or server.maxHeadersCount = 0`,
      }
    : { ok: true, text: `Node.js ${version} (24 or later is needed)` };
}
