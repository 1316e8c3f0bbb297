/** Where the providers of logins are, if not at their usual places. */

/** Parses `name=URL` pairs. */
export function parseEndpoints(pairs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1).replace(/\/$/, "")] as const;
    }),
  );
}

/** What is wrong with a `name=URL` pair, if anything. */
export function wrongEndpoint(pair: string): string | undefined {
  const at = pair.indexOf("=");
  const url = pair.slice(at + 1);
  const fits = at > 0 && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  return fits ? undefined : "must give names of providers http or https URLs, as name=URL";
}
