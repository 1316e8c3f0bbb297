/** Describes a device for people: "Chrome 125 / macOS 15.0". */
import Bowser from "bowser";

/** Anything longer is not the name of a browser, and parsing it would be expensive. */
const longest = 256;

/** The program and operating system in the User-Agent of a request, as far as it contains them. */
export function deviceTypeOf(userAgent: string | undefined): string {
  if (!userAgent) return "unknown";
  const given = userAgent.slice(0, longest);
  const { browser, os } = Bowser.parse(given);
  // Version numbers of Windows differ from its name.
  const version = os.name === "Windows" ? os.versionName : os.version;
  const parts = [programOf(given, browser), [os.name, version].filter(Boolean).join(" ")];
  return parts.filter((part) => part !== "").join(" / ") || "unknown";
}

/**
 * The program's name. Browsers all claim to be Mozilla; other programs are named by the first product (RFC 9110 section
 * 10.1.5).
 */
function programOf(
  userAgent: string,
  browser: { readonly name?: string | undefined; readonly version?: string | undefined },
): string {
  const [, product, version] = /^([\w.!-]{1,64})(?:\/(\d{1,9}))?/.exec(userAgent) ?? [];
  if (product !== undefined && product !== "Mozilla") return [product, version].filter(Boolean).join(" ");
  const major = browser.version?.split(".")[0];
  return [browser.name, major].filter(Boolean).join(" ");
}
