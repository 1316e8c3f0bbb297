/** Metrics of one process as another one gets them, and what is kept of those of processes that have ended. */

/** One value of a family. */
interface ValueSnapshot {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** The name of a series of a histogram. */
  readonly metricName?: string;
}

/** A family of metrics, as prom-client's `get` gives it. */
export interface FamilySnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly ValueSnapshot[];
}

/** The metrics of one process at a moment: plain values, which can be sent. */
export type Snapshot = readonly FamilySnapshot[];

/**
 * Adds what an ended process has counted to what others did that ended before, so that no sum falls when a process is
 * replaced. What it held at the end (gauges) has ended with it.
 */
export function addCounts(before: Snapshot, ended: Snapshot): Snapshot {
  const families = new Map(before.map((family) => [family.name, family]));
  for (const family of ended) {
    if (family.type !== "counter" && family.type !== "histogram") continue;
    const known = families.get(family.name);
    families.set(
      family.name,
      known ? { ...known, values: summed([...known.values, ...family.values]) } : family,
    );
  }
  return [...families.values()];
}

function summed(values: readonly ValueSnapshot[]): ValueSnapshot[] {
  const sums = new Map<string, ValueSnapshot>();
  for (const one of values) {
    const key = JSON.stringify([one.metricName, Object.entries(one.labels).sort()]);
    sums.set(key, { ...one, value: (sums.get(key)?.value ?? 0) + one.value });
  }
  return [...sums.values()];
}

/** A family of one value without labels, made by hand. @param kind how it is declared to Prometheus */
export function familyOf(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  value: number,
): FamilySnapshot {
  return { name, help, type: kind, aggregator: "sum", values: [{ value, labels: {} }] };
}
