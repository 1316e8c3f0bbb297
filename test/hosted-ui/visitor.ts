/** A minimal browser for plain pages: it follows their forms, keeps their cookies, and runs no script. */
import assert from "node:assert/strict";
import { type Answered, type Asked, ask as request } from "../kit/ask.ts";
import { makePool } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";

export const callback = "https://app.example/callback?keep=1";

export interface App {
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly ClientSecret: string | undefined;
}

/** A pool with a client that uses the pages. */
export function makeApp(
  server: TestServer,
  pool: Parameters<typeof makePool>[1] = {},
  client: Parameters<typeof makePool>[2] = {},
): Promise<App> {
  return makePool(server, pool, {
    ClientName: "Notes",
    CallbackURLs: [callback],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "aws.cognito.signin.user.admin"],
    SupportedIdentityProviders: ["COGNITO"],
    ...client,
  });
}

export interface HtmlForm {
  readonly action: string;
  readonly method: string;
  readonly fields: Record<string, string>;
  /** Buttons that submit something: `name=value`. */
  readonly buttons: readonly string[];
}

export interface Shown {
  readonly response: Answered;
  readonly status: number;
  readonly text: string;
  readonly title: string;
  /** Those that are posted; the other one is the choice of languages. */
  readonly forms: readonly HtmlForm[];
  /** The target of a redirect. */
  readonly location: string;
}

export interface Visitor {
  get(path: string, headers?: Record<string, string>): Promise<Shown>;
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Shown>;
  /** Fills in the first form with this action, and submits it. */
  submit(
    page: Shown,
    to: string,
    fields?: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Shown>;
  readonly cookies: Map<string, string>;
}

/** The authorization query of an app; `state` would be changed by encoding it again. */
export function queryOf(app: App, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({
    client_id: app.ClientId,
    redirect_uri: callback,
    response_type: "code",
    ...more,
  });
  return `${query}&state=${rawState}`;
}

export const rawState = "a%2fb+c%3D~(x)";

export function newVisitor(server: TestServer, app: App): Visitor {
  const cookies = new Map<string, string>();
  const ask = async (path: string, asked: Asked): Promise<Shown> => {
    const url = path.startsWith("/") ? `${server.endpoint}${path}` : path;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...asked.headers, ...(cookie && { cookie }) };
    const response = await request(url, { ...asked, headers });
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line);
    return shownOf(response);
  };
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    ask(path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { origin: new URL(server.endpoint).origin, ...headers },
    });
  return {
    cookies,
    get: (path, headers = {}) => ask(path.startsWith("/") ? `/${app.UserPoolId}${path}` : path, { headers }),
    post: (path, fields, headers) => post(`/${app.UserPoolId}${path}`, fields, headers),
    submit: (page, to, fields = {}, headers = {}) => {
      const form =
        page.forms.find(({ action }) => action.startsWith(`/${app.UserPoolId}${to}?`)) ??
        assert.fail(`no form to ${to} in ${page.text}`);
      return post(form.action, { ...form.fields, ...fields }, headers);
    },
  };
}

export function keepCookie(cookies: Map<string, string>, line: string): void {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? assert.fail(line);
  if (/max-age=0/i.test(line)) cookies.delete(name!);
  else cookies.set(name!, value!);
}

const plain = (text: string) =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) =>
    name === "amp" ? "&" : name === "lt" ? "<" : name === "gt" ? ">" : name === "quot" ? '"' : "'",
  );

function attributesIn(tag: string): Record<string, string> {
  return Object.fromEntries(
    [...tag.matchAll(/\s([\w-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name!, plain(value ?? "")]),
  );
}

async function shownOf(response: Answered): Promise<Shown> {
  // White space between attributes does not matter, nor do the isolates around inserted values (words.test.ts).
  const text = (await response.text()).replace(/[\u2068\u2069]/g, "").replace(/\s+/g, " ");
  const title = plain(/<title>([^<]*)<\/title>/.exec(text)?.[1] ?? "");
  const location = response.headers.get("location") ?? "";
  const forms = formsIn(text).filter(({ method }) => method === "post");
  return { response, status: response.status, text, title, forms, location };
}

export function formsIn(page: string): HtmlForm[] {
  return [...page.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head, inside]): HtmlForm => {
    const inputs = [...inside!.matchAll(/<input\b[^>]*>/g)]
      .map(([tag]) => attributesIn(tag))
      .filter((one) => one["type"] !== "checkbox" || "checked" in one);
    const buttons = [...inside!.matchAll(/<button\b[^>]*>/g)].map(([tag]) => attributesIn(tag));
    return {
      action: attributesIn(head!)["action"] ?? assert.fail("a form without an action"),
      method: attributesIn(head!)["method"] ?? "get",
      fields: Object.fromEntries(
        inputs.filter((one) => one["name"]).map((one) => [one["name"]!, one["value"] ?? ""]),
      ),
      buttons: buttons.filter((one) => one["name"]).map((one) => `${one["name"]}=${one["value"]}`),
    };
  });
}

/** The data for a page's script: the value of a `data-` attribute. */
export function dataOf({ text }: Shown, name: string): string {
  const [, value] =
    new RegExp(`\\sdata-${name}="([^"]*)"`).exec(text) ?? assert.fail(`no ${name} in ${text}`);
  return plain(value ?? "");
}

/** The code in a redirect to the application; fails for any other redirect. */
export function codeIn(shown: Shown): string {
  assert.equal(shown.status, 303, `${shown.status} ${shown.title} ${shown.text}`);
  assert.ok(shown.location.startsWith(`${callback}&`), shown.location);
  assert.ok(shown.location.endsWith(`&state=${rawState}`), shown.location);
  return new URL(shown.location).searchParams.get("code") ?? assert.fail(shown.location);
}

export async function redeem(server: TestServer, app: App, code: string): Promise<Record<string, unknown>> {
  const body = { grant_type: "authorization_code", client_id: app.ClientId, code, redirect_uri: callback };
  const response = await fetch(`${server.endpoint}/${app.UserPoolId}/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams(body),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer;
}
