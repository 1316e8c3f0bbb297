/** A SAML provider that identity pools trust, and its responses as clients pass them in Logins. */
import { putTrustedProvider, type TrustedSaml } from "../../src/store/trusted-providers.ts";
import {
  base64,
  entityId,
  type Key,
  metadataOf,
  responseXml,
  type Said,
  sayings,
} from "../federation/saml-kit.ts";
import type { TestServer } from "../kit/server.ts";

export const awsSignIn = "https://signin.aws.amazon.com/saml";

export const samlArn = (name: string): string => `arn:aws:iam::000000000000:saml-provider/${name}`;

/** Registers a provider by its metadata, as `poolhouse trusted-providers put` does. */
export async function trustSaml(
  { app }: Pick<TestServer, "app">,
  arn: string,
  { certificate }: Key,
  { entity = entityId, ...more }: Partial<TrustedSaml["document"]> & { readonly entity?: string } = {},
): Promise<void> {
  const details = { MetadataFile: metadataOf([certificate], { entity }) };
  const document = { details, ...more };
  await putTrustedProvider(app.db, { arn, kind: "saml", document, createdAt: 1, updatedAt: app.clock() });
}

/** What a provider says that is configured for AWS, without having been asked. */
export const sayingToAws = (now: number, signer: Key, more: Partial<Said> = {}): Said =>
  sayings({ now, poolId: "", signer }, null, {
    ...{ audience: "urn:amazon:webservices", recipient: awsSignIn, destination: awsSignIn },
    ...more,
  });

/** The token of such a login. */
export const samlToken = (now: number, signer: Key, more: Partial<Said> = {}): string =>
  base64(responseXml(sayingToAws(now, signer, more)));
