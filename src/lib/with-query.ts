/** A URL with more of a query: one that it has already goes on. @param query encoded */
export function withQuery(url: string, query: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}
