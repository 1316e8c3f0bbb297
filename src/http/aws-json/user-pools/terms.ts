/** Terms of use and privacy policies. */

import {
  changeTerms,
  createTerms,
  removeTerms,
  termsByClient,
  termsById,
} from "../../../domain/branding/terms.ts";
import { loadPool } from "../../../domain/user-pools/load-pool.ts";
import { listTerms, type Terms } from "../../../store/terms.ts";
import type { TermsDescriptionType, TermsType } from "../../../wire/generated/user-pools.types.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";

export const CreateTerms: Handler<"CreateTerms"> = async (ctx, input) => ({
  Terms: termsType(await createTerms(ctx, input)),
});

export const DescribeTerms: Handler<"DescribeTerms"> = async (ctx, input) => ({
  Terms: termsType(await termsById(ctx, input.UserPoolId, input.TermsId)),
});

export const DescribeTermsByClient: Handler<"DescribeTermsByClient"> = async (ctx, input) => ({
  Terms: termsType(await termsByClient(ctx, input.UserPoolId, input.ClientId, input.TermsName)),
});

export const UpdateTerms: Handler<"UpdateTerms"> = async (ctx, input) => ({
  Terms: termsType(await changeTerms(ctx, input)),
});

export const DeleteTerms: Handler<"DeleteTerms"> = async (ctx, input) => {
  await removeTerms(ctx, input.UserPoolId, input.TermsId);
  return {};
};

export const ListTerms: Handler<"ListTerms"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const limit = pageSize(input.MaxResults);
  const { items, nextToken } = await readPage(
    ctx,
    { binding: pageBinding("ListTerms", pool.id, limit), token: input.NextToken, limit },
    (page) => listTerms(ctx.db, pool.id, page),
    (terms) => terms.termsId,
  );
  return { Terms: items.map(description), NextToken: nextToken };
};

function description(terms: Terms): TermsDescriptionType {
  return {
    TermsId: terms.termsId,
    TermsName: terms.name,
    Enforcement: terms.enforcement,
    CreationDate: epochSeconds(terms.createdAt),
    LastModifiedDate: epochSeconds(terms.updatedAt),
  };
}

function termsType(terms: Terms): TermsType {
  return {
    ...description(terms),
    UserPoolId: terms.poolId,
    ClientId: terms.clientId,
    TermsSource: terms.source,
    Links: { ...terms.links },
  };
}
