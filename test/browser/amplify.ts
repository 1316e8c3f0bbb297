/** An application that uses Amplify, in Chromium, on localhost, which is also the relying party of its passkeys. */
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

/** What the page's listener of Amplify's Hub has heard. */
export interface Told {
  readonly event: string;
  readonly data?: unknown;
}

/** What an application says of itself for sign-ins by redirect. */
interface Redirects {
  readonly scopes: readonly string[];
}

type Called = { readonly value: unknown } | { readonly error: { name: string; message: string } };

export class Application {
  readonly page: Page;
  readonly authenticator: Authenticator;
  /** Its address. */
  readonly url: string;
  readonly #configure: (settings: object) => void;
  readonly #close: () => Promise<void>;

  private constructor(
    page: Page,
    authenticator: Authenticator,
    site: { readonly url: string; configure(settings: object): void; close(): Promise<void> },
  ) {
    this.page = page;
    this.authenticator = authenticator;
    this.url = site.url;
    this.#configure = site.configure;
    this.#close = site.close;
  }

  /** @param flags of the browser */
  static async open(flags: readonly string[] = []): Promise<Application> {
    let settings: object = {};
    const html = () =>
      `<!doctype html><title>An application</title><script>window.settings = ${JSON.stringify(settings)}</script><script src="/page.js"></script>`;
    const site = await serveSite(html, await bundle(new URL("amplify-page.js", import.meta.url)));
    const context = await browse({}, flags);
    const page = await context.newPage();
    const authenticator = await addAuthenticator(page);
    return new Application(page, authenticator, {
      url: `http://localhost:${site.port}/`,
      configure: (given) => {
        settings = given;
      },
      close: async () => {
        await context.close();
        site.close();
      },
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** A browser that has never been here, and has no passkeys. */
  async visit(
    server: TestServer,
    { UserPoolId, ClientId, IdentityPoolId }: Place & { readonly IdentityPoolId?: string },
    redirects?: Redirects,
  ): Promise<void> {
    const { devtools, authenticatorId } = this.authenticator;
    await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
    await this.page.context().clearCookies();
    this.#configure({
      userPoolId: UserPoolId,
      userPoolClientId: ClientId,
      userPoolEndpoint: server.endpoint,
      ...(IdentityPoolId !== undefined && {
        identityPoolId: IdentityPoolId,
        identityPoolEndpoint: server.endpoint,
        allowGuestAccess: true,
      }),
      ...(redirects && {
        oauth: {
          // Amplify puts https:// in front.
          domain: `${new URL(server.endpoint).host}/${UserPoolId}`,
          scopes: redirects.scopes,
          redirectSignIn: [this.url],
          redirectSignOut: [this.url],
          responseType: "code",
        },
      }),
    });
    await this.page.goto(this.url);
    await this.page.evaluate("localStorage.clear(); sessionStorage.clear()");
    await this.page.reload();
  }

  /** Calls a function of Amplify that sends the browser elsewhere. */
  async leave<N extends Name>(name: N, input?: Parameters<Auth[N]>[0]): Promise<void> {
    await this.page.evaluate(`void window.amplify.${name}(${JSON.stringify(input)})`);
  }

  /** Signs out by way of /logout. @param between what the user does on the way back to the application */
  async signOut(input?: Parameters<Auth["signOut"]>[0], between?: () => Promise<unknown>): Promise<void> {
    const back = this.page.waitForEvent("load", (page) => page.url() === this.url);
    await this.leave("signOut", input);
    await between?.();
    await back;
  }

  /** Waits until Amplify has told of an event. Returns all that it has told since the page was loaded. */
  async told(event: string): Promise<readonly Told[]> {
    await this.page.waitForFunction(`window.told?.some((one) => one.event === ${JSON.stringify(event)})`);
    return this.page.evaluate("window.told");
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
