/** The person who runs a command, for the audit log. */
import { userInfo } from "node:os";

/** `cli:<name of the operating system account>`; its number if the account has no name, as in some containers. */
export function operator(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return `cli:${process.getuid?.() ?? "unknown"}`;
  }
}
