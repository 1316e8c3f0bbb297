/** Calls the API. Amplify signs each call with the credentials of the session. */
import { ApiError, get } from "aws-amplify/api";
import { apiName } from "./configure.ts";
import { Refusal } from "./refusal.ts";

/** Who calls, as the API sees them. */
export interface Caller {
  readonly arn: string;
  readonly identity: string;
  readonly authentication: string;
}

export interface Day {
  readonly day: string;
  readonly visitors: number;
}

export const whoAmI = () => read<Caller>("/api/me");
export const visitors = async () => (await read<{ days: Day[] }>("/api/visitors")).days;

/** What a route answers. Throws a Refusal if that is the answer. */
async function read<T>(path: string): Promise<T> {
  try {
    const { body } = await get({ apiName, path }).response;
    return (await body.json()) as T;
  } catch (error) {
    throw error instanceof ApiError && error.response ? refusalIn(error.response) : error;
  }
}

function refusalIn({ statusCode, headers, body = "{}" }: NonNullable<ApiError["response"]>): Refusal {
  const { message } = JSON.parse(body) as { readonly message?: string };
  return new Refusal(statusCode, headers["x-amzn-errortype"] ?? "", message ?? "");
}
