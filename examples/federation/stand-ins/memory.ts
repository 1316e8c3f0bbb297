/** Where oidc-provider keeps what it must remember: in this process, until it ends. */

interface Entry {
  readonly payload: Record<string, unknown>;
  readonly until: number;
}

/** The adapters of one provider, by the names of its models, with one store for all. */
export function inMemory() {
  const entries = new Map<string, Entry>();
  const found = (key: string) => {
    const entry = entries.get(key);
    return entry !== undefined && entry.until > Date.now() ? entry.payload : undefined;
  };
  const findBy = (model: string, member: string, value: string) => {
    const keys = [...entries.keys()].filter((key) => key.startsWith(`${model}:`));
    return keys.map(found).find((payload) => payload?.[member] === value);
  };
  return (model: string) => ({
    upsert: async (id: string, payload: Record<string, unknown>, seconds = 3600) =>
      void entries.set(`${model}:${id}`, { payload, until: Date.now() + seconds * 1000 }),
    find: async (id: string) => found(`${model}:${id}`),
    findByUid: async (uid: string) => findBy(model, "uid", uid),
    findByUserCode: async (code: string) => findBy(model, "userCode", code),
    consume: async (id: string) => {
      const payload = found(`${model}:${id}`);
      if (payload !== undefined) payload["consumed"] = Math.floor(Date.now() / 1000);
    },
    destroy: async (id: string) => void entries.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId: string) => {
      for (const [key, { payload }] of entries) if (payload["grantId"] === grantId) entries.delete(key);
    },
  });
}
