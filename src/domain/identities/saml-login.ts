import type { LoginKind } from "./login.ts";

/** Not served yet. */
export const samlLogin: LoginKind = async () => undefined;
