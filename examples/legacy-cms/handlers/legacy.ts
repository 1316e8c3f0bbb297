/** Calls of the legacy service by functions of the pool. */

export interface LegacyUser {
  readonly userid: number;
  readonly username: string;
}

/** What the user is told if it is away; the log has why. */
function away(why: unknown): never {
  console.error(why);
  throw new Error("The CMS does not answer at present");
}

/** Calls it. Throws if it is away, or answers what is neither a success nor one of the statuses that are expected. */
export async function callLegacy(
  path: string,
  expected: readonly number[],
  body?: object,
): Promise<{ readonly status: number; readonly user: LegacyUser }> {
  const answer = await fetch(new URL(path, process.env["LEGACY_URL"]), {
    method: body === undefined ? "GET" : "PUT",
    headers: {
      authorization: `Bearer ${process.env["LEGACY_SECRET"]}`,
      "content-type": "application/json",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(3_000),
  }).catch(away);
  if (!answer.ok && !expected.includes(answer.status)) away(`The legacy service answers ${answer.status}.`);
  return { status: answer.status, user: (await answer.json()) as LegacyUser };
}
