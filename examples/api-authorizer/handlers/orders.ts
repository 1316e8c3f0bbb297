/** The functions of the API. None of them looks at the token: the authorizer has, and passes on who it is. */
import type { APIGatewayProxyWithLambdaAuthorizerEvent } from "aws-lambda";
import { listOrders, reportOf, takeOrder } from "../orders.ts";

/** What authorize.ts passes on. */
type Event = APIGatewayProxyWithLambdaAuthorizerEvent<{ readonly username?: string }>;

const answer = (statusCode: number, body: object) => ({
  statusCode,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export const list = async () => answer(200, listOrders());

export async function take({ body, requestContext: { authorizer } }: Event) {
  const order = takeOrder(textIn(body), authorizer.username ?? authorizer.principalId);
  return order === undefined ? answer(400, { error: "text is missing" }) : answer(201, order);
}

export const report = async ({ pathParameters }: Event) =>
  answer(200, reportOf(pathParameters?.["day"] ?? ""));

function textIn(body: string | null): unknown {
  try {
    return (JSON.parse(body ?? "null") as { readonly text?: unknown } | null)?.text;
  } catch {
    return undefined;
  }
}
