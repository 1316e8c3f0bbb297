/** A gateway that browsers reach by https and host names, through a proxy that says so. */
import type { GatewaySessions } from "../../src/lib/gateway-settings.ts";
import type { Answered } from "../kit/ask.ts";
import { Browser, paths } from "./place.ts";
import { type ScriptedPlace, scriptedPlace } from "./scripted-place.ts";

export const gatewayHost = "auth-api.example.test";
export const cmsHost = "cms.example.test";

export interface HttpsPlace extends ScriptedPlace {
  /** One request, by the URL that the browser sees. */
  get(browser: Browser, url: string, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  /** Signs in, and comes back to a URL. Returns the answer to the callback. */
  signIn(browser: Browser, rd: string): Promise<Answered>;
}

export async function httpsPlace(
  store: string | undefined,
  sessions: Partial<GatewaySessions> = {},
): Promise<HttpsPlace> {
  const hosts = sessions.cookieDomain === undefined ? [gatewayHost] : [gatewayHost, cmsHost];
  const settings = { publicUrl: `https://${gatewayHost}`, returnHosts: ["*.partner.test"] };
  const place = await scriptedPlace(store, { hosts, settings, sessions });
  const get: HttpsPlace["get"] = (browser, url, headers = {}) => {
    const { host, pathname, search, protocol } = new URL(url);
    return browser.get(`${place.origin}${pathname}${search}`, {
      host,
      "x-forwarded-proto": protocol.slice(0, -1),
      ...headers,
    });
  };
  return {
    ...place,
    get,
    async signIn(browser, rd) {
      const query = new URLSearchParams({ rd });
      const began = await get(browser, `https://${gatewayHost}${paths.signIn}?${query}`);
      const location = began.headers.get("location");
      if (location === null) return began;
      return get(
        browser,
        `https://${gatewayHost}${paths.callback}?${place.provider.callbackQuery(location)}`,
      );
    },
  };
}

export const copyOf = ({ jar }: Browser): Browser => {
  const copy = new Browser();
  for (const [name, value] of jar) copy.jar.set(name, value);
  return copy;
};
