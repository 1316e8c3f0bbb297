/** Who may do what, for API Gateway and for plain Node.js alike. Everything else needs a valid access token alone. */
import type { AuthorizerRule } from "poolhouse/authorizer";
import { type Access, createVerifier } from "poolhouse/verify";
import { setting } from "./settings.ts";

/** People who take orders. */
export const clerks: Access = { groups: ["clerks"] };

/** Programs that read the reports. */
export const reports: Access = { scopes: ["orders/report"] };

export const rules: readonly AuthorizerRule[] = [
  { path: "/orders", methods: ["POST"], ...clerks },
  { path: "/reports/{proxy+}", methods: ["GET"], ...reports },
];

/** Access tokens of the pool, issued to the people's client or to the program's. */
export const verifier = createVerifier({
  issuer: setting("ISSUER"),
  clientId: [setting("CLIENT_ID"), setting("PROGRAM_CLIENT_ID")],
});
