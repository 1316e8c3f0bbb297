/** The actions of our services that policies can name. */
import type { Permission } from "../../app.ts";
import { identityPoolOperations } from "../../wire/generated/identity-pools.ts";
import { userPoolOperations } from "../../wire/generated/user-pools.ts";

/**
 * Permissions required besides those of operations. AWS has nothing like them, so a policy written for AWS only grants
 * them by `"Action": "*"` or a NotAction.
 */
export const permissions: Readonly<Record<Permission, string>> = {
  SetSpecialTags:
    "set, change or remove pool tags with a meaning for Poolhouse: `poolhouse:…` and those that set a pool's id",
  PinClientId: "choose the id of an app client (ClientName `_custom_id_:<id>`)",
  ReuseUserPoolId: "give a pool the id of one that was deleted within the last year",
  ReuseName: "give a pool a client id or a domain that another pool gave up within the last year",
  SetEmailSender:
    "set EmailConfiguration.From to another domain than those of POOLHOUSE_SMTP_FROM and the configured senders",
};

/** Operations of our own, which AWS does not have. */
export const ownOperations: Readonly<Record<string, string>> = {
  GetSigningKey:
    "verify signatures of calls to one's own services, and read the policies of whoever signs them (docs/sigv4.md); its resource is `arn:aws:poolhouse:<region>:<account>:signing-key/<service>`",
};

/**
 * Services of which only the actions listed here are served, with others of AWS whose names resemble those. Statements
 * about the others are accepted like those about any other service.
 */
export const servedInPart: Readonly<Record<string, readonly string[]>> = {
  lambda: ["InvokeAsync", "InvokeFunctionUrl"],
};

/**
 * All actions by service, including those of AWS that have no operation here. Those of execute-api are for the
 * applications that verify signatures of role sessions.
 */
export const ownActions: Readonly<Record<string, readonly string[]>> = {
  "cognito-idp": [
    ...Object.keys(userPoolOperations),
    "AssociateWebACL",
    "DisassociateWebACL",
    "GetWebACLForResource",
    "ListResourcesForWebACL",
  ],
  "cognito-identity": [
    ...Object.keys(identityPoolOperations),
    "GetIdentityPoolAnalytics",
    "GetIdentityPoolDailyAnalytics",
    "GetIdentityProviderDailyAnalytics",
  ],
  lambda: ["InvokeFunction"],
  "execute-api": ["Invoke", "InvalidateCache", "ManageConnections"],
  sts: [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetCallerIdentity",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetServiceBearerToken",
    "GetSessionToken",
    "GetWebIdentityToken",
    "SetContext",
    "SetSourceIdentity",
    "TagGetWebIdentityToken",
    "TagSession",
  ],
  poolhouse: [...Object.keys(permissions), ...Object.keys(ownOperations)],
};
