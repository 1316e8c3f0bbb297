/** Appends to the query of a URL, which may have one already. @param query encoded */
export function withQuery(url: string, query: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

/** The parameters of a query, with their values still encoded. */
export function pairsOf(query: string): { readonly name: string; readonly value: string }[] {
  return query.split("&").map((pair) => {
    const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    return { name: [...new URLSearchParams(name).keys()][0] ?? "", value };
  });
}
