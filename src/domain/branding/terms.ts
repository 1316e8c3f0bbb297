/** Links to terms of use and privacy policies on the pages of a client. */
import type { Ctx } from "../../app.ts";
import { uuid4 } from "../../lib/uuid.ts";
import { isUniqueViolation } from "../../store/db.ts";
import {
  deleteTerms,
  insertTerms,
  readTerms,
  readTermsOfClient,
  type Terms,
  updateTerms,
} from "../../store/terms.ts";
import type { CreateTermsRequest, UpdateTermsRequest } from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { loadPool, loadPoolClient } from "../user-pools/load-pool.ts";

export async function createTerms(ctx: Ctx, request: CreateTermsRequest): Promise<Terms> {
  const { client } = await loadPoolClient(ctx, request.UserPoolId, request.ClientId);
  const terms: Terms = {
    poolId: client.poolId,
    termsId: uuid4(ctx.random),
    clientId: client.id,
    name: request.TermsName,
    source: request.TermsSource,
    enforcement: request.Enforcement,
    links: checkedLinks(request.Links) ?? {},
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  noteTarget(ctx, { target: terms.termsId });
  switch (await insertTerms(ctx.db, terms)) {
    case "added":
      return terms;
    case "exists":
      return termsExist(terms.name);
    case "no-client":
      return refuse("ResourceNotFoundException", `User pool client ${client.id} does not exist.`);
  }
}

/** UpdateTerms: what is omitted stays unchanged; given links replace all of them. */
export async function changeTerms(ctx: Ctx, request: UpdateTermsRequest): Promise<Terms> {
  await loadPool(ctx, request.UserPoolId);
  try {
    const terms = await updateTerms(ctx.db, {
      poolId: request.UserPoolId,
      termsId: request.TermsId.toLowerCase(),
      name: request.TermsName,
      links: checkedLinks(request.Links),
      now: ctx.now,
    });
    return terms ?? noSuchTerms();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    return termsExist(request.TermsName);
  }
}

export async function termsById(ctx: Ctx, poolId: string, termsId: string): Promise<Terms> {
  await loadPool(ctx, poolId);
  return (await readTerms(ctx.db, poolId, termsId.toLowerCase())) ?? noSuchTerms();
}

export async function termsByClient(
  ctx: Ctx,
  poolId: string,
  clientId: string,
  name: string,
): Promise<Terms> {
  await loadPoolClient(ctx, poolId, clientId);
  const all = await readTermsOfClient(ctx.db, poolId, clientId);
  return all.find((terms) => terms.name === name) ?? noSuchTerms();
}

export async function removeTerms(ctx: Ctx, poolId: string, termsId: string): Promise<void> {
  await loadPool(ctx, poolId);
  if (!(await deleteTerms(ctx.db, poolId, termsId.toLowerCase()))) noSuchTerms();
}

/** Checks that the links are http or https URLs, and nothing executable: a page will show them. */
function checkedLinks(links: Terms["links"] | undefined): Terms["links"] | undefined {
  for (const url of Object.values(links ?? {})) {
    if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
      refuse("InvalidParameterException", `${url} is not a valid URL.`);
  }
  return links;
}

function termsExist(name: string | undefined): never {
  return refuse("TermsExistsException", `The app client already has terms of the name ${name}.`);
}

function noSuchTerms(): never {
  return refuse("ResourceNotFoundException", "Terms do not exist.");
}
