/** Domains of user pools. There is no CloudFront; the server itself takes its place. */
import type { Ctx } from "../../../app.ts";
import { changeDomain, createDomain, domainNamed, removeDomain } from "../../../domain/user-pools/domains.ts";
import type { Domain } from "../../../store/domains.ts";
import type {
  CreateUserPoolDomainResponse,
  DomainDescriptionType,
} from "../../../wire/generated/user-pools.types.ts";
import type { Handler } from "../operation.ts";

export const CreateUserPoolDomain: Handler<"CreateUserPoolDomain"> = async (ctx, input) =>
  created(ctx, await createDomain(ctx, input));

/** Answers an empty description, without an error, if the domain does not exist. */
export const DescribeUserPoolDomain: Handler<"DescribeUserPoolDomain"> = async (ctx, input) => {
  const domain = await domainNamed(ctx, input.Domain);
  return { DomainDescription: domain === undefined ? {} : description(ctx, domain) };
};

export const UpdateUserPoolDomain: Handler<"UpdateUserPoolDomain"> = async (ctx, input) =>
  created(ctx, await changeDomain(ctx, input));

export const DeleteUserPoolDomain: Handler<"DeleteUserPoolDomain"> = async (ctx, input) => {
  await removeDomain(ctx, input.UserPoolId, input.Domain);
  return {};
};

/** The host name that the DNS record of a custom domain should point to. */
const serverName = (ctx: Ctx) => new URL(ctx.config.publicUrl).hostname;

function created(ctx: Ctx, domain: Domain): CreateUserPoolDomainResponse {
  return {
    ManagedLoginVersion: domain.loginVersion,
    CloudFrontDomain: domain.kind === "custom" ? serverName(ctx) : undefined,
    Routing: domain.routing,
  };
}

function description(ctx: Ctx, domain: Domain): DomainDescriptionType {
  return {
    UserPoolId: domain.poolId,
    AWSAccountId: ctx.config.accountId,
    Domain: domain.domain,
    CloudFrontDistribution: serverName(ctx),
    Version: new Date(domain.updatedAt).toISOString().replace(/\D/g, "").slice(0, 14),
    Status: "ACTIVE",
    CustomDomainConfig: domain.customConfig ?? {},
    ManagedLoginVersion: domain.loginVersion,
    Routing: domain.routing,
  } as DomainDescriptionType;
}
