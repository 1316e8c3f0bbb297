/** An application that uses Amplify, in Chromium, on localhost: the relying party of its passkeys. */
import type * as AmplifyAuth from "aws-amplify/auth";
import type { Page } from "playwright-core";
import { type Authenticator, addAuthenticator, browse, bundle, serveSite } from "../kit/chromium.ts";
import type { Place } from "../kit/factors.ts";
import type { TestServer } from "../kit/server.ts";

type Auth = typeof AmplifyAuth;

/** Those functions of Amplify that a page may call. */
type Name = {
  [K in keyof Auth]: Auth[K] extends (...input: never[]) => Promise<unknown> ? K : never;
}[keyof Auth];

type Called = { readonly value: unknown } | { readonly error: { name: string; message: string } };

export class Application {
  readonly page: Page;
  readonly authenticator: Authenticator;
  readonly #port: number;
  readonly #close: () => Promise<void>;

  private constructor(page: Page, authenticator: Authenticator, port: number, close: () => Promise<void>) {
    this.page = page;
    this.authenticator = authenticator;
    this.#port = port;
    this.#close = close;
  }

  static async open(): Promise<Application> {
    const html = '<!doctype html><title>An application</title><script src="/page.js"></script>';
    const site = await serveSite(html, await bundle(new URL("amplify-page.js", import.meta.url)));
    const context = await browse();
    const page = await context.newPage();
    const authenticator = await addAuthenticator(page);
    return new Application(page, authenticator, site.port, async () => {
      await context.close();
      site.close();
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** A browser that has never been here, and has no passkeys. */
  async visit(server: TestServer, { UserPoolId, ClientId }: Place): Promise<void> {
    const { devtools, authenticatorId } = this.authenticator;
    await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
    const settings = new URLSearchParams({
      userPoolId: UserPoolId,
      userPoolClientId: ClientId,
      userPoolEndpoint: server.endpoint,
    });
    await this.page.goto(`http://localhost:${this.#port}/?${settings}`);
    await this.page.evaluate("localStorage.clear(); sessionStorage.clear()");
    await this.page.reload();
  }

  /** Calls a function of Amplify. What it answers loses its methods on the way out of the browser. */
  async call<N extends Name>(name: N, ...input: Parameters<Auth[N]>): Promise<Awaited<ReturnType<Auth[N]>>> {
    const called: Called = await this.page.evaluate(
      `window.amplify.${name}(${JSON.stringify(input[0])})
        .then((value) => ({ value }), ({ name, message }) => ({ error: { name, message } }))`,
    );
    if ("error" in called) throw Object.assign(new Error(called.error.message), called.error);
    return called.value as Awaited<ReturnType<Auth[N]>>;
  }

  /** What Amplify keeps in the browser. */
  stored(ending: "refreshToken" | "accessToken"): Promise<string | undefined> {
    return this.page.evaluate(
      `Object.entries(localStorage).find(([key]) => key.endsWith(${JSON.stringify(`.${ending}`)}))?.[1]`,
    );
  }
}
