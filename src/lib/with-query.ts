/** Appends to the query of a URL, which may have one already. @param query encoded */
export function withQuery(url: string, query: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}
