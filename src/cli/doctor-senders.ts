/** What `poolhouse doctor` says about the senders of messages: whether each lets this server in, and for whom they are. */
import { isIP } from "node:net";
import { type Config, servesThisMachine } from "../config/config.ts";
import { userAgent } from "../config/version.ts";
import { openSender } from "../integrations/senders/senders.ts";
import type { Finding } from "../lib/finding.ts";
import type { SenderSettings } from "../lib/sender-settings.ts";

/** Verifies each sender, without sending anything. */
export async function senderFindings(config: Config): Promise<Finding[]> {
  const { senders, email, sms } = config.messages;
  if (senders.length === 0)
    return [
      servesThisMachine(config)
        ? { ok: true, text: `no mail server is set: messages stay here, at ${config.publicUrl}/inbox` }
        : { ok: false, text: "messages cannot be delivered: set POOLHOUSE_SMTP_URL and POOLHOUSE_SMTP_FROM" },
    ];
  const silent: Finding[] = [
    ...(email === undefined
      ? [{ ok: "perhaps" as const, text: "no sender of mail is set (messages.email)" }]
      : []),
    ...(sms === undefined ? [{ ok: true, text: "no sender of text messages is set (messages.sms)" }] : []),
  ];
  return [...(await Promise.all(senders.map(verified))), ...silent];
}

async function verified(settings: SenderSettings): Promise<Finding> {
  const sender = openSender(settings, { userAgent });
  const what = nameOf(settings);
  try {
    await sender.verify();
    return { ok: true, text: `${what} ${answers(settings)}` };
  } catch (error) {
    return { ok: false, text: `${what}: ${(error as Error).message}` };
  } finally {
    await sender.close();
  }
}

/** Pools for which `messages.pools` chooses senders, and that do not exist. */
export function strangers({ messages }: Config, pools: readonly { readonly poolId: string }[]): Finding[] {
  const known = new Set(pools.map(({ poolId }) => poolId));
  return [...messages.pools.keys()]
    .filter((id) => !known.has(id))
    .map((id) => ({ ok: "perhaps", text: `messages.pools names the pool ${id}, which does not exist` }));
}

/** What a sender is, and where, without secrets: the query of a URL may be one. */
export const nameOf = (settings: SenderSettings): string =>
  `the sender ${settings.name} (${settings.type} at ${placeOf(settings)})`;

function placeOf(settings: SenderSettings): string {
  switch (settings.type) {
    case "smtp":
      return `${isIP(settings.host) === 6 ? `[${settings.host}]` : settings.host}:${settings.port}`;
    case "ses":
    case "sns":
      return settings.endpoint ?? settings.region;
    case "twilio":
    case "http":
      return settings.url.replace(/\?.*$/s, "?…");
  }
}

function answers(settings: SenderSettings): string {
  if (settings.type === "http") return "answers";
  if (settings.type !== "smtp") return "answers and lets Poolhouse in";
  const how = settings.mustEncrypt
    ? "encrypted, with a certificate that holds"
    : "encryption is not required";
  return `answers${settings.auth ? " and lets Poolhouse in" : ""} (${how})`;
}
