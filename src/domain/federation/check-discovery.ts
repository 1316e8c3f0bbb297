/** Checks an OpenID provider when it is configured: that what its sign-ins need can be found. */
import type { ServerMetadata } from "openid-client";
import type { Ctx } from "../../app.ts";
import { refuse } from "../../wire/refuse.ts";
import { checkEndpointUrl } from "./endpoint-url.ts";
import { discovered } from "./provider-details.ts";
import { isOfProtocol, outboundErrorOf, statusOf } from "./provider-errors.ts";
import { discoveryUrl, readDiscovery } from "./provider-metadata.ts";

/**
 * Reads the provider's configuration (OpenID Connect Discovery 1.0, section 4) if an endpoint is not given, and checks
 * that it is this issuer's and has the endpoint. Throws InvalidParameterException, also for an issuer that stands for many.
 */
export async function checkDiscovery(ctx: Ctx, details: Readonly<Record<string, string>>): Promise<void> {
  const issuer = details["oidc_issuer"] ?? "";
  if (isOfManyTenants(issuer)) refuseManyTenants(issuer, issuer);
  const missing = Object.entries(discovered).filter(([member]) => details[member] === undefined);
  if (missing.length === 0) return;
  const url = discoveryUrl(issuer);
  const found = await readConfiguration(ctx, issuer);
  if (found.issuer !== issuer) {
    if (isTemplate.test(found.issuer)) refuseManyTenants(issuer, found.issuer);
    unavailable(`${url} is not the configuration of ${issuer} but ${found.issuer.slice(0, 256)}.`);
  }
  for (const [member, name] of missing) {
    const endpoint = found[name];
    if (endpoint === undefined && member === "attributes_url") continue;
    if (typeof endpoint !== "string") unavailable(`${url} has no ${name}; you can give ${member}.`);
    checkEndpointUrl(ctx, `${name} of ${url}`, endpoint);
  }
}

/** A part that the reader must fill in, as in the issuer that Microsoft Entra's shared configurations have. */
const isTemplate = /\{[^}]*\}/;

const microsoftHost = /(?:^|\.)(?:microsoftonline\.(?:com|us|cn)|windows\.net)$/i;

/** Whether an issuer is no issuer but the endpoint of all tenants ("OpenID Connect on the Microsoft identity platform", Microsoft). */
function isOfManyTenants(issuer: string): boolean {
  if (isTemplate.test(issuer)) return true;
  const { hostname, pathname } = new URL(issuer);
  return microsoftHost.test(hostname) && /^\/(?:common|organizations|consumers)(?:\/|$)/i.test(pathname);
}

/** Tokens name the tenant's own issuer: one that stands for all would admit the users of anybody who has a tenant. */
function refuseManyTenants(issuer: string, template: string): never {
  const own = template
    .replace(isTemplate, "<tenant id>")
    .replace(/\/(?:common|organizations|consumers)(?=\/|$)/i, "/<tenant id>")
    .slice(0, 256);
  return refuse(
    "InvalidParameterException",
    `The issuer ${issuer} stands for many tenants, and each has its own. Give that of one tenant as oidc_issuer: ${own}`,
  );
}

async function readConfiguration(ctx: Ctx, issuer: string): Promise<ServerMetadata> {
  const url = discoveryUrl(issuer);
  try {
    return await readDiscovery(ctx, issuer);
  } catch (error) {
    const outbound = outboundErrorOf(error);
    if (outbound !== undefined) return unavailable(`${url} cannot be read: ${outbound.message}`, outbound);
    const status = statusOf(error);
    if (status !== undefined) return unavailable(`${url} answers with status ${status}.`);
    if (error instanceof Error && isOfProtocol(error))
      return unavailable(`${url} is no configuration of an OpenID provider.`);
    throw error;
  }
}

/** Refuses in Cognito's words, and says why. */
function unavailable(why: string, error?: Error): never {
  return refuse("InvalidParameterException", `Unable to contact well-known endpoint. ${why}`, error?.message);
}
