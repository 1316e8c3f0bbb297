/** OpenID Connect (Core 1.0, authorization code flow), as a relying party. */
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Protocol } from "./protocol.ts";

export const oidc: Protocol = {
  begin: () => refuseOAuth("temporarily_unavailable", "OpenID Connect is not there yet."),
  verify: () => refuseOAuth("temporarily_unavailable", "OpenID Connect is not there yet."),
  logout: async () => undefined,
};
