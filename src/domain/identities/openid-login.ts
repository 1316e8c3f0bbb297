import type { LoginKind } from "./login.ts";

/** Not served yet. */
export const openIdLogin: LoginKind = async () => undefined;
