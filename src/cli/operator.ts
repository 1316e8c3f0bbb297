/** Who runs a command, for the audit log. */
import { userInfo } from "node:os";

/** `cli:<account of the operating system>`; the number of an account without a name, as in some containers. */
export function operator(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return `cli:${process.getuid?.() ?? "unknown"}`;
  }
}
