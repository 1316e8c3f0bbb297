/** What is sealed of a session: as little as possible. Who it is, the ID token and userinfo say. */
import type { GatewayProvider } from "../../lib/gateway-settings.ts";
import { identityOfSession } from "./session-identity.ts";
import type { Session, Tokens } from "./sessions.ts";

export interface SealedSession extends Omit<Session, "identity" | "tokens"> {
  /** Without the access token where nobody needs it. */
  readonly tokens: Omit<Tokens, "accessToken"> & Partial<Pick<Tokens, "accessToken">>;
  readonly scopes: readonly string[];
}

export function toSeal({ identity, ...others }: Session): SealedSession {
  return { ...others, scopes: identity.scopes };
}

/** The session that was sealed. Without its access token, that is empty. */
export function unsealed(
  { scopes, tokens: sealed, ...others }: SealedSession,
  provider: Pick<GatewayProvider, "issuer" | "groupsClaim">,
): Session {
  const tokens = { accessToken: "", ...sealed };
  const identity = identityOfSession({ tokens, userInfo: others.userInfo }, scopes, provider);
  return { ...others, tokens, identity };
}
