import { type Config, servesThisMachine } from "../config/config.ts";
import { userAgent } from "../config/version.ts";
import { createOutbound, type Outbound } from "../integrations/outbound.ts";

/** Asks other servers as the server itself would, by its rules of which may be asked; the connections are closed then. */
export async function withOutbound<Answer>(
  config: Config,
  ask: (outbound: Outbound) => Promise<Answer>,
): Promise<Answer> {
  const privateRanges = config.privateProviders;
  const outbound = createOutbound({ privateRanges, loopback: servesThisMachine(config), userAgent });
  try {
    return await ask(outbound);
  } finally {
    await outbound.close();
  }
}
