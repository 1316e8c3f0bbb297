/** What a server prints when it can serve. */
import { type Config, listeningUrls } from "../config/config.ts";

/** The public URL, and where the server listens, unless that is all there is to say. */
export function readyLine(config: Config): string {
  const urls = listeningUrls(config);
  const elsewhere = urls.some((url) => url !== config.publicUrl) ? ` (listens on ${urls.join(" and ")})` : "";
  return `Poolhouse ready at ${config.publicUrl}${elsewhere}`;
}
