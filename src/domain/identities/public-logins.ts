import type { LoginKind } from "./login.ts";

/** Not served yet. */
export const googleLogin: LoginKind = async () => undefined;
/** Not served yet. */
export const facebookLogin: LoginKind = async () => undefined;
/** Not served yet. */
export const amazonLogin: LoginKind = async () => undefined;
/** Not served yet. */
export const appleLogin: LoginKind = async () => undefined;
