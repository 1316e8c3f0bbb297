/** Users of the operating system by their numbers. */

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** A user with the group of the same number or another: `1000` or `1000:1000`. Undefined if it is anything else. */
export function parseSystemUser(text: string): SystemUser | undefined {
  const [, uid, gid = uid] = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
