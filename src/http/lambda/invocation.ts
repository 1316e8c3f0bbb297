/** What a request of Lambda's Invoke API asks for ("Invoke", AWS Lambda API Reference). */
import type { IncomingMessage } from "node:http";
import { Refusal } from "../../lib/refusal.ts";

export interface Invocation {
  /** The function as a pool's LambdaConfig would name it. */
  readonly arn: string;
  /** The name in the ARN. */
  readonly name: string;
  /** Whether the function runs, or only the right to run it is checked. */
  readonly type: "RequestResponse" | "DryRun";
}

/** Where functions are that are named without their ARN. */
interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** What the ARNs of functions at a place begin with, before the name. */
export const arnPrefix = ({ region, accountId }: Place) => `arn:aws:lambda:${region}:${accountId}:function:`;

const base = "/2015-03-31/functions/";

/** Whether a request is a call of this API. The names of functions are percent-encoded by some clients. */
export function isInvocation({ method, url = "" }: Pick<IncomingMessage, "method" | "url">): boolean {
  return (
    method === "POST" && /^\/2015-03-31\/functions\/(?:[\w$.:-]|%3A|%24)+\/invocations(?:\?|$)/i.test(url)
  );
}

/** Reads a request for which `isInvocation` is true. Throws a Refusal: InvalidParameterValueException. */
export function readInvocation(request: Pick<IncomingMessage, "url" | "headers">, place: Place): Invocation {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://server");
  const given = decodeURIComponent(pathname.slice(base.length, pathname.lastIndexOf("/")));
  const [, arn, short = given] =
    /^(arn:[\w-]+:lambda:[\w-]+:\d{12}:function:)(.+)$/.exec(given) ??
    /^(?:\d{12}:|)function:()(.+)$/.exec(given) ??
    [];
  const [name = "", qualifier = searchParams.get("Qualifier") ?? undefined, ...rest] = short.split(":");
  if (!/^[\w-]{1,64}$/.test(name) || !/^(?:\$LATEST|[\w-]{1,128})$/.test(qualifier ?? "x") || rest.length > 0)
    return refuse("The name of the function must be a name, or an ARN, of a function.");
  return {
    name,
    arn: `${arn || arnPrefix(place)}${name}${qualifier === undefined ? "" : `:${qualifier}`}`,
    type: typeOf(request.headers["x-amz-invocation-type"]),
  };
}

function typeOf(given: string | string[] | undefined): Invocation["type"] {
  switch (given) {
    case undefined:
    case "":
    case "RequestResponse":
      return "RequestResponse";
    case "DryRun":
      return "DryRun";
    case "Event":
      return refuse("InvocationType Event is not supported: Poolhouse has no queue that outlives the call.");
    default:
      return refuse("InvocationType must be RequestResponse or DryRun.");
  }
}

const refuse = (message: string): never => {
  throw new Refusal("InvalidParameterValueException", message);
};
