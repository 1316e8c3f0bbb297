/** SAML 2.0 (Web Browser SSO Profile), as a service provider. */
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Protocol } from "./protocol.ts";

export const saml: Protocol = {
  begin: () => refuseOAuth("temporarily_unavailable", "SAML is not there yet."),
  verify: () => refuseOAuth("temporarily_unavailable", "SAML is not there yet."),
  logout: async () => undefined,
};
