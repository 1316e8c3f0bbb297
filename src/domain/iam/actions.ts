/** The actions that policies can name for our services. */
import type { Permission } from "../../app.ts";
import { identityPoolOperations } from "../../wire/generated/identity-pools.ts";
import { userPoolOperations } from "../../wire/generated/user-pools.ts";

/**
 * What takes a permission besides the operation's own. AWS has nothing like it, so that no policy written for AWS gives
 * it, but by `"Action": "*"` or a NotAction.
 */
export const permissions: Readonly<Record<Permission, string>> = {
  SetSpecialTags:
    "set, change or remove tags of a pool that mean something here: `poolhouse:…` and those that fix a pool's id",
  PinClientId: "choose the id of an app client (ClientName `_custom_id_:<id>`)",
  ReuseUserPoolId: "give a pool the id of one that was deleted within the last year",
  ReuseName: "give a pool a client id or a domain that another pool gave up within the last year",
  SetEmailSender: "set EmailConfiguration.From to another domain than that of POOLHOUSE_SMTP_FROM",
};

/**
 * By service: every action there is, and those of AWS's that need no operation of ours. STS is not served yet, so that
 * what a policy says of it is kept as that of any other service.
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
  poolhouse: Object.keys(permissions),
};
