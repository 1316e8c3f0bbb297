/** Messages with example values, for those who want to see what a pool sends. Pure. */
import type { Message } from "../../store/outbox.ts";
import type { NoticeName } from "../../store/schema/schema.ts";
import type { PoolDocument } from "../user-pools/load-pool.ts";
import { noticeNames } from "../user-pools/notice-tag.ts";
import { type Composed, composeCode, composeInvitation, composeSignInCode } from "./compose.ts";
import type { Composing, Medium } from "./layout.ts";
import { composeNotice } from "./notices.ts";

const code = "123456";
const username = "ann";
const password = "aB3$xyz!";
/** The page that links lead to. */
const base = "https://auth.example.com";

type Example = (
  pool: PoolDocument,
  medium: Medium,
  composing: Composing,
) => { readonly kind: Message["kind"]; readonly composed: Composed | undefined };

const codeFor =
  (kind: Message["kind"]): Example =>
  (pool, medium, composing) => {
    const confirms = kind === "sign-up" || kind === "resend-code";
    const link = { base, clientId: composing.clientId ?? "example", username };
    const composed = composeCode(pool, medium, code, { ...composing, kind, ...(confirms && { link }) });
    return { kind, composed };
  };

const signInCode =
  (isFirst: boolean): Example =>
  (pool, medium, composing) => ({
    kind: "sign-in",
    composed: composeSignInCode(pool, medium, isFirst ? "12345678" : code, { ...composing, isFirst }),
  });

const invitation =
  (withPassword: string | undefined): Example =>
  (pool, medium, composing) => ({
    kind: "invitation",
    composed: composeInvitation(pool, medium, { username, password: withPassword }, composing),
  });

const noticeOf =
  (name: NoticeName): Example =>
  (_pool, medium, { language = "en", clientId }) => {
    const facts = { at: 0, address: "192.0.2.1", program: "Firefox 140 Linux", byAdministrator: false };
    const composed = composeNotice(name, { ...facts, language, clientId });
    return { kind: `notice:${name}`, composed: medium === "EMAIL" ? composed : undefined };
  };

/** The messages of a pool by name: the kinds of messages, `mfa` for second factors, `welcome` for users without a password. */
export const exampleMessages: Readonly<Record<string, Example>> = {
  "sign-up": codeFor("sign-up"),
  "resend-code": codeFor("resend-code"),
  "forgot-password": codeFor("forgot-password"),
  "admin-reset-password": codeFor("admin-reset-password"),
  "update-attribute": codeFor("update-attribute"),
  "verify-attribute": codeFor("verify-attribute"),
  "sign-in": signInCode(true),
  mfa: signInCode(false),
  invitation: invitation(password),
  welcome: invitation(undefined),
  ...Object.fromEntries(noticeNames.map((name) => [`notice:${name}`, noticeOf(name)])),
};

/** A message as it would be stored. Undefined if the pool's template has no place for the password. */
export function exampleMessage(
  pool: { readonly id: string; readonly document: PoolDocument },
  name: string,
  medium: Medium,
  composing: Composing,
): Message | undefined {
  const { kind, composed } = exampleMessages[name]!(pool.document, medium, composing);
  if (composed === undefined) return undefined;
  return {
    ...{ poolId: pool.id, id: "example", userId: undefined, medium, kind, ...composed },
    destination: medium === "EMAIL" ? "ann@example.com" : "+15550100123",
    code,
    from: undefined,
    replyTo: undefined,
    createdAt: 0,
    expiresAt: 0,
  };
}
