/**
 * HOSTED_AUTH that a passkey begins (Web Authentication, "conditional mediation"): the browser offers it among the names
 * that it fills in, and it says by itself whose it is. The page carries the challenge before anybody is known, so the
 * challenge is a sealed value and no row: pages that are only looked at leave nothing behind. Its id is written down by the
 * first answer that verifies.
 */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { fromBase64url } from "../../lib/bytes.ts";
import { isUuid } from "../../lib/uuid.ts";
import { readCredential } from "../../store/credentials.ts";
import { insertUsed } from "../../store/sign-ins.ts";
import { readSignInUser } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import {
  findRelyingParty,
  offersPasskeys,
  type PublicKeyCredentialRequestOptionsJSON,
  requestOptions,
  userIdIn,
} from "../mfa/webauthn.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { allowsFlow } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { deviceOfBrowser } from "../users/browser-devices.ts";
import { assertPasskeys } from "../users/passkeys.ts";
import { availableFactors } from "./first-factors.ts";
import { provePasskey, readAnswer } from "./passkey-proof.ts";
import { proceed } from "./proceed.ts";
import { expiredSession, invalidSession, usedSession, wrongPasskey } from "./refusals.ts";
import { eventResponse, newSignIn, type Outcome, type Page } from "./sign-in.ts";

export interface PasskeyPlace {
  readonly pool: Pool;
  readonly client: Client;
  readonly page: Page;
}

/** Milliseconds in which a page that was opened takes a passkey. */
const lifetime = 10 * 60_000;
/** The note of a used one outlives it on servers whose clocks are late. */
const keptAfter = 60 * 60_000;

const sealedAs = "sign_ins:passkey:token";

/** What the page has the browser ask for; undefined where passkeys cannot be used. */
export async function passkeyOptions(
  ctx: Ctx,
  { pool, client, page }: PasskeyPlace,
): Promise<PublicKeyCredentialRequestOptionsJSON | undefined> {
  const party = offersPasskeys(pool) ? await findRelyingParty(ctx, pool, page.origin) : undefined;
  if (party === undefined) return undefined;
  const words = [pool.id, client.id, randomUUID(), ctx.now + lifetime].join("/");
  const challenge = ctx.db.sealer.seal(sealedAs, words);
  return requestOptions(ctx, party, [], { challenge, timeout: lifetime });
}

/**
 * Signs in whoever the passkey says it belongs to, where it is a way in for them. Throws NotAuthorizedException (the
 * same whether there is such a user or passkey or not; challenge foreign, expired, used), InvalidParameterException (no
 * credential at all), WebAuthnNotEnabledException and what `proceed` throws.
 * @param credential JSON
 */
export function startByPasskey(
  ctx: Ctx,
  request: PasskeyPlace & { readonly credential: string },
): Promise<Outcome> {
  const attempt = beginAttempt(ctx, "SignIn", {}, "HOSTED_AUTH");
  return concluded(ctx, attempt, start(ctx, request, attempt), eventResponse);
}

async function start(
  ctx: Ctx,
  request: PasskeyPlace & { readonly credential: string },
  attempt: Attempt,
): Promise<Outcome> {
  const { pool, client, page } = request;
  if (!allowsFlow(client, "HOSTED_AUTH"))
    refuse("InvalidParameterException", "The client may not use the hosted pages.");
  assertPasskeys(pool);
  refuseTriggers(pool, "PreAuthentication", "PostAuthentication", "PreTokenGeneration");
  const ceremony = readAnswer(request.credential);
  const challenge = openChallenge(ctx, request, ceremony.challenge);
  const named = userIdIn(ceremony.response);
  const userId = named !== undefined && isUuid(named) ? named : undefined;
  const user = await readSignInUser(ctx.db, pool.id, userId);
  const submitted = user?.username ?? "";
  const begun = newSignIn({ pool, client, user, flow: "HOSTED_AUTH", submitted, page, attempt });
  const proven = await provePasskey(ctx, begun, ceremony);
  // Whoever knows no passkey of a user leaves no event at that user.
  learn(attempt, { user });
  const used = { ...challenge, poolId: pool.id, clientId: client.id, createdAt: ctx.now };
  if (!(await insertUsed(ctx.db, used))) return usedSession();
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  const own = user && availableFactors(pool, { user, credential, passkeys: 1 });
  if (own?.includes("WEB_AUTHN") !== true) return wrongPasskey("a passkey is no way in for this user");
  const device = await deviceOfBrowser(ctx, pool, user?.id, page.devices);
  const { version = 0 } = credential ?? {};
  return proceed(ctx, { ...proven, chosen: "WEB_AUTHN", credentialVersion: version, deviceKey: device?.key });
}

/** The id of a challenge of this pool and client, and until when its use must be remembered. */
function openChallenge(
  ctx: Ctx,
  { pool, client }: PasskeyPlace,
  challenge: string,
): { id: string; expiresAt: number } {
  const [poolId, clientId, id, expiresAt] = openWords(ctx, challenge);
  if (id === undefined || poolId !== pool.id || clientId !== client.id) return invalidSession();
  if (!(Number(expiresAt) > ctx.now)) return expiredSession();
  return { id, expiresAt: Number(expiresAt) + keptAfter };
}

function openWords(ctx: Ctx, challenge: string): string[] {
  try {
    return ctx.db.sealer.openText(sealedAs, fromBase64url(challenge) ?? new Uint8Array()).split("/");
  } catch {
    return invalidSession();
  }
}
