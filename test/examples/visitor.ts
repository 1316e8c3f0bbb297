/** A browser without script at an application and at the pool's pages: it keeps cookies and follows redirects. */
import assert from "node:assert/strict";

export interface Shown {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export interface Visitor {
  /** One request with the cookies; redirects are not followed. */
  ask(url: string | URL, init?: RequestInit): Promise<Shown>;
  /** A form that a page of the same origin sends. */
  post(url: string | URL, fields?: Record<string, string>): Promise<Shown>;
  /** Opens a URL that leads to the pool's sign-in page, and signs in there; the page that it ends at. */
  signIn(url: string | URL, username: string, password: string): Promise<Shown>;
}

export function newVisitor(): Visitor {
  const cookies = new Map<string, string>();
  const ask = async (url: string | URL, init: RequestInit = {}): Promise<Shown> => {
    const headers = new Headers(init.headers);
    headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? assert.fail(line);
      cookies.set(name!, value!);
    }
    return {
      url: String(url),
      status: answer.status,
      text: await answer.text(),
      headers: answer.headers,
    };
  };
  const post = (url: string | URL, fields: Record<string, string> = {}) =>
    ask(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { origin: new URL(url).origin },
    });
  const follow = async (shown: Shown): Promise<Shown> => {
    const location = shown.headers.get("location");
    return location === null ? shown : follow(await ask(new URL(location, shown.url)));
  };
  const signIn = async (url: string | URL, username: string, password: string) => {
    const page = await follow(await ask(url));
    const [, action, inside] =
      /<form\b[^>]*action="([^"]*\/login\?[^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(page.text) ??
      assert.fail(page.text);
    const hidden = [...inside!.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([tag]) => [
      /name="([^"]*)"/.exec(tag)![1]!,
      /value="([^"]*)"/.exec(tag)![1]!,
    ]);
    const to = new URL(action!.replaceAll("&amp;", "&"), page.url);
    return follow(await post(to, { ...Object.fromEntries(hidden), username, password }));
  };
  return { ask, post, signIn };
}
