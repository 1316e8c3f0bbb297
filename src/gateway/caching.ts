/** What an application's answer says to caches, when it is one user's (RFC 9111). */

/** Headers that say to caches of some kind what `Cache-Control` does not (RFC 9213, and those of single products). */
const others =
  /^(?:(?:[\w-]+-)?cdn-cache-control|surrogate-control|x-accel-expires|x-litespeed-cache-control)$/i;

/** A directive: its name, and what it says. */
const directive = /^([\w!#$%&'*+.^`|~-]+)(?:=(?:[^\s",;]+|"(?:[^"\\]|\\.)*"))?$/;

/** What lets caches that several users share keep an answer, or `private` only for some of its headers. */
const shared = ["public", "s-maxage", "private"];

/** What counts where the application says nothing, or nothing that can be read: a browser asks before it shows the page anew. */
const usual = "private, no-cache";

/** @param values the values of the answer's Cache-Control headers */
function privateCacheControl(values: readonly string[]): string {
  const parts = values.join(",").match(/(?:[^",]|"(?:[^"\\]|\\.)*"|")+/g) ?? [];
  const all = parts.map((one) => one.trim()).filter((one) => one !== "");
  const named = all.map((text) => ({ text, name: directive.exec(text)?.[1]?.toLowerCase() }));
  if (named.length === 0 || named.some(({ name }) => name === undefined)) return usual;
  const kept = named.filter(({ name }) => !shared.includes(name!)).map(({ text }) => text);
  return ["private", ...kept].join(", ");
}

/** The headers of an answer that is for one user. @param raw names and values in turns */
export function forOneUser(raw: readonly string[]): string[] {
  const said: string[] = [];
  const passed: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!];
    if (name.toLowerCase() === "cache-control") said.push(value);
    else if (!others.test(name)) passed.push(name, value);
  }
  return [...passed, "Cache-Control", privateCacheControl(said)];
}
