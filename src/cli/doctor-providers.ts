/** What `poolhouse doctor` says about the OpenID and SAML providers that identity pools name by their ARN. */
import type { Config } from "../config/config.ts";
import type { IdentityPoolDocument } from "../domain/identity-pools/load-identity-pool.ts";
import { mappingKey } from "../domain/identity-pools/provider-names.ts";
import { parseSamlMetadata } from "../domain/saml/metadata.ts";
import { SamlFault } from "../domain/saml/xml.ts";
import type { Finding } from "../lib/finding.ts";
import type { Db } from "../store/db.ts";
import { listTrustedProviders, type TrustedProvider } from "../store/trusted-providers.ts";
import { issuerProblem } from "./issuer-check.ts";

/** Names the providers of an identity pool that nobody has registered here. */
export function unknownProviders(
  poolId: string,
  document: IdentityPoolDocument,
  known: readonly TrustedProvider[],
): Finding[] {
  const arns = [...(document.OpenIdConnectProviderARNs ?? []), ...(document.SamlProviderARNs ?? [])];
  return arns
    .filter((arn) => !known.some((one) => one.arn === arn))
    .map((arn) => ({
      ok: "perhaps",
      text: `the identity pool ${poolId} names the provider ${arn}, which is not registered here: its logins are refused (poolhouse trusted-providers put)`,
    }));
}

/** Names the role mappings whose key is none of a pool's providers, so that they never count. */
export function idleMappings(
  config: Pick<Config, "publicUrl">,
  poolId: string,
  document: IdentityPoolDocument,
): Finding[] {
  const userPools = (document.CognitoIdentityProviders ?? []).map(({ ProviderName, ClientId }) =>
    mappingKey(config, `${ProviderName}:${ClientId}`),
  );
  const keys = [
    ...userPools,
    ...Object.keys(document.SupportedLoginProviders ?? {}),
    ...(document.OpenIdConnectProviderARNs ?? []),
    ...(document.SamlProviderARNs ?? []),
    ...(document.DeveloperProviderName === undefined ? [] : [document.DeveloperProviderName]),
  ];
  return Object.keys(document.RoleMappings ?? {})
    .filter((key) => !keys.includes(mappingKey(config, key)))
    .map((key) => ({
      ok: "perhaps",
      text: `the role mapping of ${key} never counts: it is no provider of the identity pool ${poolId}. Its providers are ${keys.join(", ") || "none"}`,
    }));
}

/** Names the SAML providers whose metadata was given as a document and cannot be used any more. */
export async function metadataFindings(known: readonly TrustedProvider[], now: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { arn, kind, document } of known) {
    const text = kind === "saml" ? document.details["MetadataFile"] : undefined;
    if (text === undefined) continue;
    try {
      await parseSamlMetadata(text, { now });
    } catch (error) {
      if (!(error instanceof SamlFault)) throw error;
      findings.push({ ok: false, text: `the logins of ${arn} are refused: ${error.message}` });
    }
  }
  return findings;
}

/** What `poolhouse doctor` says of the OpenID providers whose tokens are trusted: which of them cannot be asked. */
export async function providerFindings(db: Db, config: Config): Promise<Finding[]> {
  const providers = await listTrustedProviders(db);
  const found = await Promise.all(
    providers.map(async ({ kind, document }): Promise<Finding[]> => {
      if (kind !== "oidc") return [];
      const { url } = document;
      const problem = await issuerProblem(config, url);
      return problem === undefined ? [] : [{ ok: false, text: `the trusted provider ${url}: ${problem}` }];
    }),
  );
  return found.flat();
}
