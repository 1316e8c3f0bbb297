/**
 * Counters, histograms and gauges of one server in the Prometheus text format, by prom-client; never in its registry for
 * the whole process, which two servers would share. What is counted on a hot path is a `Cell` or a `Timing` that its owner
 * keeps: no labels are put together where something happens.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** One number that grows. */
export interface Cell {
  inc(): void;
}

/** How often something took how long. */
export interface Timing {
  /** Counts one that took this many seconds. */
  observe(seconds: number): void;
}

/** One line of a family: its labels, by name, and the value now. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export type Observed = number | readonly Sample[] | undefined;

/** What the metrics of a family have in common. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** Everything a server shows at /metrics, in the order it was made. */
export class Metrics {
  readonly #registry = new Registry();

  /** A counter with these labels. Whoever counts asks for a cell once a set of label values, which must be bounded. */
  counter(name: string, help: string, ...labelNames: readonly string[]): (...values: string[]) => Cell {
    const counter = new Counter({ name, help, labelNames, registers: [this.#registry] });
    return (...values) => counter.labels(...values);
  }

  /** Histograms of seconds with these labels, all with the same buckets. */
  histogram(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: readonly string[]
  ): (...values: string[]) => Timing {
    const histogram = new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] });
    return (...values) => histogram.labels(...values);
  }

  /** What is asked for when somebody looks. `undefined` shows nothing. */
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

  /** A histogram that somebody else keeps. */
  kept(histogram: Histogram): void {
    this.#registry.registerMetric(histogram);
  }

  /** The whole text. */
  async render(): Promise<string> {
    const names = this.#registry.getMetricsAsArray().map(({ name }) => name);
    const families = await Promise.all(names.map((name) => this.#registry.getSingleMetricAsString(name)));
    return `${families.join("\n")}\n`;
  }
}

/** A histogram of seconds in nobody's registry yet. */
export function newHistogram(name: string, help: string, buckets: number[]): Histogram {
  return new Histogram({ name, help, buckets, registers: [] });
}

export type { Histogram };

/** What is shown is what was found now, and nothing where nothing was. */
function show(
  { labelNames = [] }: Family,
  family: { reset(): void; remove(): void },
  found: Observed,
  add: (labels: Record<string, string>, value: number) => void,
): void {
  family.reset();
  // A family without labels begins with a zero of its own.
  if (labelNames.length === 0) family.remove();
  const samples = typeof found === "number" ? [{ value: found }] : (found ?? []);
  for (const { labels = {}, value } of samples) add(labels, value);
}
