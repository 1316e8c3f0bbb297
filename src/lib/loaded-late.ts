/** What is loaded when it is first needed, once. */

export interface LoadedLate<T> {
  /** What was loaded; undefined until then. For hot paths, which need not wait. */
  loaded(): T | undefined;
  /** Loads it unless it was. Rejects with the error of a load that failed; the next call tries again. */
  load(): Promise<T>;
}

/** @param load imports and prepares it; runs when it is first needed */
export function loadedLate<T>(load: () => Promise<T>): LoadedLate<T> {
  let loaded: T | undefined;
  let loading: Promise<T> | undefined;
  const begin = async () => {
    try {
      loaded = await load();
      return loaded;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  };
  return {
    loaded: () => loaded,
    load: () => {
      loading ??= begin();
      return loading;
    },
  };
}
