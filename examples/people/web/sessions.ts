import session, { type SessionData } from "express-session";

/**
 * Sessions in memory, of which one that has ended stays ended. express-session writes a changed session at the end of its
 * request: a request that still runs while its user signs out would bring the session back.
 */
export class Sessions extends session.MemoryStore {
  declare readonly sessions: Readonly<Record<string, string>>;
  readonly #loaded = new WeakSet<object>();

  override createSession(...from: Parameters<session.Store["createSession"]>) {
    const loaded = super.createSession(...from);
    this.#loaded.add(loaded);
    return loaded;
  }

  override set(id: string, data: SessionData, done?: (error?: unknown) => void) {
    if (this.#loaded.has(data) && !(id in this.sessions)) done?.();
    else super.set(id, data, done);
  }
}
