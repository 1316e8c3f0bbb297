/**
 * Metrics of one server in the Prometheus text format, by prom-client. Not in prom-client's global registry, which two
 * servers in one process would share. On hot paths the owner keeps a `Cell` or a `Timing`, so that nothing has to look
 * up labels there.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** A counter of one set of label values. */
export interface Cell {
  inc(): void;
}

/** A histogram of one set of label values. */
export interface Timing {
  /** Records one duration, in seconds. */
  observe(seconds: number): void;
}

/** One sample of a metric family: its label values by name, and its current value. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export type Observed = number | readonly Sample[] | undefined;

/** The properties of a metric family. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** All metrics of one server, exposed in the order in which they were created. */
export class Metrics {
  readonly #registry = new Registry();

  /**
   * A counter with these labels. Callers ask once for the cell of each set of label values; the number of sets must be
   * bounded.
   */
  counter(name: string, help: string, ...labelNames: readonly string[]): (...values: string[]) => Cell {
    const counter = new Counter({ name, help, labelNames, registers: [this.#registry] });
    return (...values) => counter.labels(...values);
  }

  /** A histogram of seconds with these labels; all of its series have the same buckets. */
  histogram(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: readonly string[]
  ): (...values: string[]) => Timing {
    const histogram = new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] });
    return (...values) => histogram.labels(...values);
  }

  /** A metric whose values are read at each scrape. `undefined` shows no sample. */
  observed(kind: "counter" | "gauge", family: Family, read: () => Observed | Promise<Observed>): void {
    const registers = [this.#registry];
    if (kind === "counter") {
      const counter: Counter = new Counter({
        ...family,
        registers,
        collect: async () =>
          show(family, counter, await read(), (labels, value) => counter.inc(labels, value)),
      });
    } else {
      const gauge: Gauge = new Gauge({
        ...family,
        registers,
        collect: async () => show(family, gauge, await read(), (labels, value) => gauge.set(labels, value)),
      });
    }
  }

  /** All metrics as text. */
  async render(): Promise<string> {
    const names = this.#registry.getMetricsAsArray().map(({ name }) => name);
    const families = await Promise.all(names.map((name) => this.#registry.getSingleMetricAsString(name)));
    return `${families.join("\n")}\n`;
  }
}

/** Replaces a family's samples by those just read. */
function show(
  { labelNames = [] }: Family,
  family: { reset(): void; remove(): void },
  found: Observed,
  add: (labels: Record<string, string>, value: number) => void,
): void {
  family.reset();
  // prom-client starts a family without labels at 0.
  if (labelNames.length === 0) family.remove();
  const samples = typeof found === "number" ? [{ value: found }] : (found ?? []);
  for (const { labels = {}, value } of samples) add(labels, value);
}
