/**
 * HOSTED_AUTH started by a passkey (Web Authentication, "conditional mediation"): the browser offers passkeys when it
 * autofills the username, and the passkey identifies its user. The page contains the challenge before the user is
 * known, so the challenge is a sealed value instead of a row, and merely opening a page stores nothing. The first
 * answer that verifies stores the challenge's id as used.
 */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { fromBase64url } from "../../lib/bytes.ts";
import { isUuid } from "../../lib/uuid.ts";
import { readCredential } from "../../store/credentials.ts";
import { openWords, sealWords } from "../../store/keys/sealed-words.ts";
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
import { preAuthentication } from "../triggers/authentication.ts";
import { flowAtPages } from "../user-pools/client-tags.ts";
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

/** How long an opened page accepts a passkey, in milliseconds. */
const lifetime = 10 * 60_000;
/** How long the record of a used challenge outlives it, for servers whose clocks are slow. Milliseconds. */
const keptAfter = 60 * 60_000;

const sealedAs = "sign_ins:passkey:token";

/** The options with which the page asks the browser for a passkey; undefined where passkeys cannot be used. */
export async function passkeyOptions(
  ctx: Ctx,
  { pool, client, page }: PasskeyPlace,
): Promise<PublicKeyCredentialRequestOptionsJSON | undefined> {
  const isOffered = flowAtPages(pool, client) === "HOSTED_AUTH" && offersPasskeys(pool);
  const party = isOffered ? await findRelyingParty(ctx, pool, page.origin) : undefined;
  if (party === undefined) return undefined;
  const words = [pool.id, client.id, randomUUID(), ctx.now + lifetime];
  const challenge = sealWords(ctx.db.sealer, sealedAs, words);
  return requestOptions(ctx, party, [], { challenge, timeout: lifetime });
}

/**
 * Signs in the user that the passkey identifies, if that user may sign in by passkey. Throws NotAuthorizedException
 * (indistinguishable whether the user, the passkey or neither exists; challenge of another pool or client, expired or
 * used), InvalidParameterException (not a credential), WebAuthnNotEnabledException and whatever `proceed` throws.
 * @param request.credential the browser's PublicKeyCredential as JSON
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
  if (flowAtPages(pool, client) !== "HOSTED_AUTH" || !allowsFlow(client, "HOSTED_AUTH"))
    refuse("InvalidParameterException", "The client may not use the hosted pages.");
  assertPasskeys(pool);
  const ceremony = readAnswer(request.credential);
  const challenge = openChallenge(ctx, request, ceremony.challenge);
  const named = userIdIn(ceremony.response);
  const userId = named !== undefined && isUuid(named) ? named : undefined;
  const user = await readSignInUser(ctx.db, pool.id, userId);
  const submitted = user?.username ?? "";
  const begun = newSignIn({ pool, client, user, flow: "HOSTED_AUTH", submitted, page, attempt });
  const proven = await provePasskey(ctx, begun, ceremony);
  // Only now: without a valid passkey, nobody can add events to a user's history.
  learn(attempt, { user });
  const used = { ...challenge, poolId: pool.id, clientId: client.id, createdAt: ctx.now };
  if (!(await insertUsed(ctx.db, used))) return usedSession();
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  const own = user && availableFactors(pool, { user, credential, passkeys: 1 });
  if (own?.includes("WEB_AUTHN") !== true) return wrongPasskey("a passkey is no way in for this user");
  await preAuthentication(ctx, { pool, client, user, submitted, validationData: undefined });
  const device = await deviceOfBrowser(ctx, pool, user?.id, page.devices);
  const { version = 0 } = credential ?? {};
  return proceed(ctx, { ...proven, chosen: "WEB_AUTHN", credentialVersion: version, deviceKey: device?.key });
}

/**
 * Opens a challenge of this pool and client: its id, and until when its use must be remembered (epoch milliseconds).
 * Throws NotAuthorizedException.
 */
function openChallenge(
  ctx: Ctx,
  { pool, client }: PasskeyPlace,
  challenge: string,
): { id: string; expiresAt: number } {
  const words = openWords(ctx.db.sealer, sealedAs, fromBase64url(challenge)) ?? invalidSession();
  const [poolId, clientId, id, expiresAt] = words;
  if (id === undefined || poolId !== pool.id || clientId !== client.id) return invalidSession();
  if (!(Number(expiresAt) > ctx.now)) return expiredSession();
  return { id, expiresAt: Number(expiresAt) + keptAfter };
}
