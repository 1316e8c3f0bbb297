/** Users of the operating system by their numbers. */

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** What a text must be that `parseSystemUser` reads, as the end of a sentence. */
export const systemUserForm = "must be the number of a user, or of a user and a group: 1000:1000";

/** A user with the group of the same number or another: `1000` or `1000:1000`. Undefined if it is anything else. */
export function parseSystemUser(text: string): SystemUser | undefined {
  const [, uid, gid = uid] = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
