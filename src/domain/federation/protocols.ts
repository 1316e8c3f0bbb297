import type { ProviderType } from "../../store/identity-providers.ts";
import type { Protocol } from "./protocol.ts";

/** THE table of protocols. Each is loaded when a provider of its type is first used. */
export const protocols: Readonly<Record<ProviderType, () => Promise<Protocol>>> = {
  OIDC: async () => (await import("./oidc.ts")).oidc,
  Google: async () => (await import("./social.ts")).social,
  Facebook: async () => (await import("./social.ts")).social,
  LoginWithAmazon: async () => (await import("./social.ts")).social,
  SignInWithApple: async () => (await import("./social.ts")).social,
  SAML: async () => (await import("./saml.ts")).saml,
};
