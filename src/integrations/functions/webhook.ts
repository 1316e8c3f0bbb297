/**
 * Posts events to a URL, signed as the Standard Webhooks specification says (version 1, symmetric signatures). The answer
 * is the whole event, or its `response` alone, or 204 for an event that stays as it is. A status of 400 to 499 with an
 * `errorMessage` means that the function refuses.
 */
import type { FunctionSettings, WebhookFunction } from "../../lib/function-settings.ts";
import { webhookHeaders } from "../../lib/standard-webhooks.ts";
import { type Driver, type FunctionHost, failed } from "./driver.ts";
import { createPoster, notRun, objectOf, type Posted } from "./post.ts";

export function createDriver(
  { url, secret }: FunctionSettings & WebhookFunction,
  { clock, userAgent }: FunctionHost,
): Driver {
  const poster = createPoster(new URL(url), userAgent);
  const signed = (id: string, body: string) => webhookHeaders(secret, { id, body, now: clock() });
  return {
    run: async ({ id, event, deadline }) =>
      answerOf(await poster.post(event, signed(id, event), deadline), event),
    check: poster.reach,
    close: async () => poster.close(),
  };
}

function answerOf(posted: Posted, event: string): string {
  const { status, body } = posted;
  if (status === 204) return event;
  if (status >= 200 && status < 300) {
    const document = objectOf(body);
    const alone = document !== undefined && "response" in document && Object.keys(document).length === 1;
    return alone ? JSON.stringify({ ...objectOf(event), ...document }) : body;
  }
  const refusal = status >= 400 && status < 500 ? objectOf(body)?.["errorMessage"] : undefined;
  if (typeof refusal === "string") throw failed(refusal);
  throw notRun(posted);
}
