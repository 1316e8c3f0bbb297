/** The header Retry-After (RFC 9110 section 10.2.3). */

/**
 * How long to wait, in milliseconds; undefined if the text is neither a number of seconds nor a date.
 * @param now epoch milliseconds, from which a date is counted
 */
export function retryAfterMs(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
