/**
 * Creates a formatter of HTTP dates (RFC 9110 section 5.6.7), which forms each second's text only once.
 * @returns a function of epoch milliseconds
 */
export function createHttpDate(): (now: number) => string {
  let second = Number.NaN;
  let text = "";
  return (now) => {
    const wanted = Math.floor(now / 1000);
    if (wanted !== second) {
      text = new Date(now).toUTCString();
      second = wanted;
    }
    return text;
  };
}
