/** What people are told of the device at the other end: "Chrome 125 / macOS 15.0". */
import Bowser from "bowser";

/** What is longer is no name of a browser, and its parsing would cost. */
const longest = 256;

/** From the User-Agent of a request: the program and the operating system, as far as it tells them. */
export function deviceTypeOf(userAgent: string | undefined): string {
  if (!userAgent) return "unknown";
  const given = userAgent.slice(0, longest);
  const { browser, os } = Bowser.parse(given);
  // Windows counts otherwise than its name.
  const version = os.name === "Windows" ? os.versionName : os.version;
  const parts = [programOf(given, browser), [os.name, version].filter(Boolean).join(" ")];
  return parts.filter((part) => part !== "").join(" / ") || "unknown";
}

/** Browsers all call themselves Mozilla; the first product of others (RFC 9110 section 10.1.5) is who they are. */
function programOf(
  userAgent: string,
  browser: { readonly name?: string | undefined; readonly version?: string | undefined },
): string {
  const [, product, version] = /^([\w.!-]{1,64})(?:\/(\d{1,9}))?/.exec(userAgent) ?? [];
  if (product !== undefined && product !== "Mozilla") return [product, version].filter(Boolean).join(" ");
  const major = browser.version?.split(".")[0];
  return [browser.name, major].filter(Boolean).join(" ");
}
