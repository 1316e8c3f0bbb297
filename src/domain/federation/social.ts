/** Google, Facebook, Login with Amazon and Sign in with Apple. */
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Protocol } from "./protocol.ts";

export const social: Protocol = {
  begin: () => refuseOAuth("temporarily_unavailable", "Social providers are not there yet."),
  verify: () => refuseOAuth("temporarily_unavailable", "Social providers are not there yet."),
  logout: async () => undefined,
};
