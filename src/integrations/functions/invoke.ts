/**
 * Runs a function at an endpoint of Lambda's Invoke API ("Invoke", AWS Lambda API Reference): Lambda itself, what stands
 * in for it in development, or a runtime interface emulator.
 */
import type { FunctionSettings, InvokeFunction } from "../../lib/function-settings.ts";
import { signRequest } from "../../lib/sigv4.ts";
import type { Driver, FunctionHost } from "./driver.ts";
import { createPoster, errorOf, jsonType, notRun, objectOf, type Posted } from "./post.ts";

export function createDriver(
  { url: base, function: name, region, key }: FunctionSettings & InvokeFunction,
  host: FunctionHost,
): Driver {
  const url = new URL(`${base}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`);
  const poster = createPoster(url, host.userAgent);
  const signed = (event: string) => {
    if (key === undefined) return {};
    const headers = [
      ["host", url.host],
      ["content-type", jsonType],
    ] as const;
    return signRequest(
      { method: "POST", path: url.pathname, query: "", headers, body: Buffer.from(event) },
      { ...key, region: region ?? host.region, service: "lambda", now: host.clock() },
    );
  };
  return {
    run: async ({ event, deadline }) => answerOf(await poster.post(event, signed(event), deadline)),
    check: poster.reach,
    close: async () => poster.close(),
  };
}

/** The answer's body, or the error that it reports. */
function answerOf(posted: Posted): string {
  const { status, headers, body } = posted;
  const document = objectOf(body);
  if (status !== 200) return refuse(posted, document);
  // Earlier runtime interface emulators do not send the header.
  const isError =
    document !== undefined &&
    "errorMessage" in document &&
    "errorType" in document &&
    !("response" in document);
  if (headers["x-amz-function-error"] === undefined && !isError) return body;
  throw errorOf(document);
}

function refuse(posted: Posted, document: Readonly<Record<string, unknown>> | undefined): never {
  const given = posted.headers["x-amzn-errortype"] ?? document?.["__type"];
  const [name] = /\w+Exception(?=$|:)/.exec(String(given)) ?? [];
  throw notRun(posted, name);
}
