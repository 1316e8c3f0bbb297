/** The types of a row in the table of operations. */
import type { Ctx } from "../../app.ts";
import type { SignedIn } from "../../domain/tokens/access-token.ts";
import { loadedLate } from "../../lib/loaded-late.ts";
import type {
  IdentityPoolOperationName,
  IdentityPoolOperations,
} from "../../wire/generated/identity-pools.types.ts";
import type { userPoolOperations } from "../../wire/generated/user-pools.ts";
import type { UserPoolOperationName, UserPoolOperations } from "../../wire/generated/user-pools.types.ts";

type Input<N extends UserPoolOperationName> = UserPoolOperations[N]["input"];
type Output<N extends UserPoolOperationName> = UserPoolOperations[N]["output"];

type AuthorizationOf<N extends UserPoolOperationName> = (typeof userPoolOperations)[N]["authorization"];

/**
 * Turns a checked input into an output. Operations that an access token authorizes also get its user; the endpoint has
 * verified the token, so that no operation can forget to.
 */
export type Handler<N extends UserPoolOperationName> =
  AuthorizationOf<N> extends "access-token"
    ? (ctx: Ctx, input: Input<N>, signedIn: SignedIn) => Promise<Output<N>>
    : AuthorizationOf<N> extends "access-token-or-session"
      ? (ctx: Ctx, input: Input<N>, signedIn: SignedIn | undefined) => Promise<Output<N>>
      : (ctx: Ctx, input: Input<N>) => Promise<Output<N>>;

/** Turns a checked input of an operation of identity pools into an output; no access token authorizes these. */
export type IdentityHandler<N extends IdentityPoolOperationName> = (
  ctx: Ctx,
  input: IdentityPoolOperations[N]["input"],
) => Promise<IdentityPoolOperations[N]["output"]>;

type AnyHandler = (...given: readonly unknown[]) => Promise<unknown>;

/**
 * Names the handlers of a file that is loaded by the first call of one of them, which waits for it. A start, and a server that
 * is never asked for a kind of operation, does without.
 */
export function fileOf<File extends object>(
  load: () => Promise<File>,
): <N extends keyof File>(name: N) => File[N] {
  const file = loadedLate(load);
  return <N extends keyof File>(name: N) => {
    const run: AnyHandler = async (...given) => {
      const { [name]: handler } = file.loaded() ?? (await file.load());
      return (handler as AnyHandler)(...given);
    };
    return run as File[N];
  };
}

/**
 * Marks an operation that is authenticated, authorized and validated, and then answers UnsupportedOperationException.
 */
export const notYet = Symbol("notYet");

/** Converts epoch milliseconds to epoch seconds, the form of timestamps on the wire. */
export const epochSeconds = (milliseconds: number): number => milliseconds / 1000;
