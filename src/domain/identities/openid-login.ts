/** Logins of OpenID providers that roles trust ("OIDC providers as an identity pool IdP", Amazon Cognito Developer Guide). */
import { readTrustedProvider } from "../../store/trusted-providers.ts";
import { openIdProviderOf } from "../identity-pools/provider-names.ts";
import { verifyForeignToken } from "./foreign-token.ts";
import type { LoginKind } from "./login.ts";

export const openIdLogin: LoginKind = async (ctx, pool, name, token) => {
  const arns = pool.document.OpenIdConnectProviderARNs ?? [];
  const arn = arns.find((one) => openIdProviderOf(one) === name);
  const provider = arn === undefined ? undefined : await readTrustedProvider(ctx.db, arn);
  if (provider?.kind !== "oidc") return undefined;
  const { url: issuer, clientIds } = provider.document;
  const { subject, clientId, claims } = await verifyForeignToken(ctx, { issuer, clientIds }, token);
  return { provider: name, subject, mapping: provider.arn, clientId, claims };
};
