/** A browser without script at an application and at the pool's pages: it keeps cookies and follows redirects. */
import assert from "node:assert/strict";
import { formsIn, keepCookie } from "../hosted-ui/visitor.ts";

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
    for (const line of answer.headers.getSetCookie()) keepCookie(cookies, line);
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
    const form =
      formsIn(page.text).find(({ action }) => action.includes("/login?")) ?? assert.fail(page.text);
    return follow(await post(new URL(form.action, page.url), { ...form.fields, username, password }));
  };
  return { ask, post, signIn };
}
