/** The Lambda authorizer: API Gateway asks it before it calls a function of the API. */
import type { APIGatewayTokenAuthorizerHandler } from "aws-lambda";
import { createAuthorizer } from "poolhouse/authorizer";
import { rules, verifier } from "../access.ts";

const authorize = createAuthorizer(verifier, {
  rules,
  claims: ["username", "client_id", "scope", "cognito:groups"],
  onRefused: ({ problem }) => console.log(`Refused: ${problem}`),
});

export const handler: APIGatewayTokenAuthorizerHandler = async (event) => authorize(event);
