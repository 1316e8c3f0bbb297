/** The gateway's file: who signs in where, and who may see what. */
import { randomBytes } from "node:crypto";
import { stringify } from "yaml";

export interface Place {
  /** URLs of what browsers see, with a slash at the end. */
  readonly AUTH_URL: string;
  readonly CMS_URL: string;
  readonly SHOP_URL: string;
  /** Where programs of this machine reach the gateway, and the gateway the CMS. */
  readonly GATEWAY_URL: string;
  readonly BACKEND_URL: string;
}

/** What the gateway asks for. The last one lets it sign users out everywhere. */
export const scopes = ["openid", "email", "profile", "aws.cognito.signin.user.admin"];

/** @param store where sessions are: `sqlite:<path>` or `postgres://…` */
export function gatewayFile(
  place: Place,
  client: {
    readonly issuer: string;
    readonly id: string;
    readonly secret: string;
    /** The URL of the pool's API. */
    readonly api: string;
  },
  store: string,
): string {
  const auth = new URL(place.AUTH_URL);
  return stringify({
    port: Number(new URL(place.GATEWAY_URL).port),
    "https-port": Number(auth.port),
    tls: "tls.pem",
    "public-url": auth.origin,
    "log-level": "warn",
    // Browsers come straight to it. Behind nginx, its address would be here.
    "trusted-proxies": [],
    provider: {
      issuer: client.issuer,
      "client-id": client.id,
      "client-secret": client.secret,
      scopes,
      // Signing out everywhere ends what users have at the pool, too.
      "global-sign-out": client.api,
    },
    sessions: {
      store,
      // Every host of the domain gets the cookie.
      "cookie-domain": auth.hostname.replace(/^[^.]+\./, ""),
      keys: [randomBytes(32).toString("base64")],
    },
    // The CMS finds its record by this one.
    identity: { claims: { "Legacy-Id": "custom:legacy_id" } },
    applications: [
      {
        hosts: [new URL(place.CMS_URL).host],
        upstream: new URL(place.BACKEND_URL).origin,
        routes: [
          { path: "/", access: "public" },
          { path: "/style.css", access: "public" },
          { path: "/editors/**", groups: ["editors"] },
          { path: "/**" },
        ],
      },
    ],
    // The shop is not behind it: it asks the gateway who somebody is.
    "return-hosts": [new URL(place.SHOP_URL).host],
  });
}
