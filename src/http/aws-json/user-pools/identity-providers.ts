/** Identity providers of a pool, and the certificate of its SAML requests. */
import {
  changeProvider,
  createProvider,
  type Described,
  describeByIdentifier,
  describeProvider,
  removeProvider,
} from "../../../domain/federation/manage.ts";
import { signingKey } from "../../../domain/federation/saml-keys.ts";
import { loadPool } from "../../../domain/user-pools/load-pool.ts";
import { listProviders } from "../../../store/identity-providers.ts";
import type { IdentityProviderType } from "../../../wire/generated/user-pools.types.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";

export const CreateIdentityProvider: Handler<"CreateIdentityProvider"> = async (ctx, input) => ({
  IdentityProvider: identityProviderType(await createProvider(ctx, input)),
});

export const DescribeIdentityProvider: Handler<"DescribeIdentityProvider"> = async (ctx, input) => ({
  IdentityProvider: identityProviderType(await describeProvider(ctx, input.UserPoolId, input.ProviderName)),
});

export const GetIdentityProviderByIdentifier: Handler<"GetIdentityProviderByIdentifier"> = async (
  ctx,
  input,
) => ({
  IdentityProvider: identityProviderType(
    await describeByIdentifier(ctx, input.UserPoolId, input.IdpIdentifier),
  ),
});

export const UpdateIdentityProvider: Handler<"UpdateIdentityProvider"> = async (ctx, input) => ({
  IdentityProvider: identityProviderType(await changeProvider(ctx, input)),
});

export const DeleteIdentityProvider: Handler<"DeleteIdentityProvider"> = async (ctx, input) => {
  await removeProvider(ctx, input.UserPoolId, input.ProviderName);
  return {};
};

/** By name. The model allows 0 to 60 items per page. */
export const ListIdentityProviders: Handler<"ListIdentityProviders"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const limit = pageSize(input.MaxResults);
  const { items, nextToken } = await readPage(
    ctx,
    { binding: pageBinding("ListIdentityProviders", pool.id, limit), token: input.NextToken, limit },
    (page) => listProviders(ctx.db, pool.id, page),
    (provider) => provider.name,
  );
  const Providers = items.map(({ name, type, createdAt, updatedAt }) => ({
    ProviderName: name,
    ProviderType: type,
    LastModifiedDate: epochSeconds(updatedAt),
    CreationDate: epochSeconds(createdAt),
  }));
  return { Providers, NextToken: nextToken };
};

export const GetSigningCertificate: Handler<"GetSigningCertificate"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  return { Certificate: (await signingKey(ctx, pool.id)).certificate };
};

function identityProviderType({ provider, details }: Described): IdentityProviderType {
  return {
    UserPoolId: provider.poolId,
    ProviderName: provider.name,
    ProviderType: provider.type,
    ProviderDetails: details,
    AttributeMapping: provider.mapping,
    IdpIdentifiers: [...provider.identifiers],
    LastModifiedDate: epochSeconds(provider.updatedAt),
    CreationDate: epochSeconds(provider.createdAt),
    AcrMapping: provider.acrMapping,
  };
}
