/**
 * THE table of operations that are refused before anything is read, once the queue that they wait for in any case is full
 * and the caller would not get into it. The queue decides by the same turn as later (domain/credentials/fair-queue.ts), and
 * asks again then; whatever is in doubt is answered in the usual way. Whoever is let in counts as on its way until it gets there, or is answered,
 * unless a function may take its time before.
 *
 * | operation                                                          | waits for        | refused |
 * | InitiateAuth: USER_PASSWORD_AUTH, USER_AUTH with PASSWORD          | password hashes  | here    |
 * | InitiateAuth: USER_SRP_AUTH, USER_AUTH with PASSWORD_SRP and SRP_A | SRP exchanges    | here    |
 * | SignUp with a password                                             | password hashes  | here    |
 * | AdminInitiateAuth, the pages' sign-in and sign-up                  | as these         | before the user is read: signed calls have turns of their own |
 * | answers to challenges, ConfirmForgotPassword, ChangePassword, AdminSetUserPassword, AdminCreateUser | either | when they get there: a wrong Session or code is told first |
 *
 * No endpoint of the authorization server waits for a queue.
 */
import type { Ctx, Place } from "../../app.ts";
import { loadedLate } from "../../lib/loaded-late.ts";
import type { Refusal } from "../../lib/refusal.ts";
import type { UserPoolOperations } from "../../wire/generated/user-pools.types.ts";

type EarlyRefusal<N extends keyof UserPoolOperations> = (
  ctx: Ctx,
  input: UserPoolOperations[N]["input"],
) => Refusal | Place | undefined;

/** What a file says, once it is loaded: no queue is full before its operations have been used. */
function onceLoaded<File>(load: () => Promise<File>): () => File | undefined {
  const file = loadedLate(load);
  return () => {
    const loaded = file.loaded();
    // The operation itself loads it, too, and reports the error.
    if (loaded === undefined) file.load().catch(() => {});
    return loaded;
  };
}

const signIn = onceLoaded(() => import("../../domain/signin/start.ts"));
const signUp = onceLoaded(() => import("../../domain/signup/sign-up.ts"));

// With UserContextData, a request may be for a user at another address.
export const earlyRefusals: { readonly [N in "InitiateAuth" | "SignUp"]: EarlyRefusal<N> } = {
  InitiateAuth: (ctx, { UserContextData, ClientId, AuthFlow: flow, AuthParameters, Session: session }) =>
    UserContextData === undefined
      ? signIn()?.signInPlace(ctx, ClientId, { flow, parameters: AuthParameters ?? {}, session })
      : undefined,
  SignUp: (ctx, { UserContextData, ClientId, Password: password }) =>
    UserContextData === undefined ? signUp()?.signUpPlace(ctx, ClientId, { password }) : undefined,
};
