/** A request as the rules see it, whoever received it: the gateway's proxy, a proxy in front, or an application. */

export interface Asked {
  readonly method: string;
  /** `https:` or `http:`, as the browser sees it. */
  readonly scheme: "https:" | "http:";
  /** In lower case, with the port if it is not the scheme's own. */
  readonly host: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** A header's value; several of one name are joined as by Node: by `; ` for cookies, by `, ` for others. */
  header(name: string): string | undefined;
}

/** Path and query apart; neither is decoded. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const [beforeFragment = ""] = target.split("#", 1);
  const mark = beforeFragment.indexOf("?");
  return mark === -1
    ? { path: beforeFragment, query: "" }
    : { path: beforeFragment.slice(0, mark), query: beforeFragment.slice(mark + 1) };
}

/** Whether a browser asks for a page that it will show, so that sending it to sign in makes sense. */
export function wantsPage(asked: Asked): boolean {
  if (asked.method !== "GET" && asked.method !== "HEAD") return false;
  if (asked.header("upgrade") !== undefined) return false;
  if ((asked.header("x-requested-with") ?? "").toLowerCase() === "xmlhttprequest") return false;
  const mode = asked.header("sec-fetch-mode");
  if (mode !== undefined) return mode === "navigate";
  return /\btext\/html\b/i.test(asked.header("accept") ?? "");
}
