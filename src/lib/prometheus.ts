/**
 * Metrics of one server in the Prometheus text format, by prom-client. Not in prom-client's global registry, which two
 * servers in one process would share. On hot paths the owner keeps a `Cell` or a `Timing`, so that nothing has to look
 * up labels there.
 *
 * Only these files of prom-client are loaded: the package as a whole also loads OpenTelemetry, quantiles, and TLS for
 * pushing to a gateway, 80 modules more and 18 MB at every start.
 */
import { createRequire } from "node:module";
import type { AggregatorRegistry, Counter, Gauge, Histogram, MetricObject, Registry } from "prom-client";
import type { FamilySnapshot, Snapshot } from "./metric-sums.ts";

const require = createRequire(import.meta.url);
const CounterOf = require("prom-client/lib/counter.js") as typeof Counter;
const GaugeOf = require("prom-client/lib/gauge.js") as typeof Gauge;
const HistogramOf = require("prom-client/lib/histogram.js") as typeof Histogram;
const RegistryOf = require("prom-client/lib/registry.js") as typeof Registry;
/** Sums up several processes. */
const aggregating = () => require("prom-client/lib/cluster.js") as typeof AggregatorRegistry;

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
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** What becomes of the values of several processes; by default their sum. */
  readonly aggregator?: "sum" | "max" | "min" | "first";
  /** Whether it is the same whichever process of several reads it: `snapshot` leaves it out. */
  readonly shared?: true;
}

/** All metrics of one server, exposed in the order in which they were created. */
export class Metrics {
  readonly #registry = new RegistryOf();
  /** The names of what `snapshot` leaves out. */
  readonly #shared = new Set<string>();

  /**
   * A counter with these labels. Callers ask once for the cell of each set of label values; the number of sets must be
   * bounded.
   */
  counter(name: string, help: string, ...labelNames: readonly string[]): (...values: string[]) => Cell {
    const counter = new CounterOf({ name, help, labelNames, registers: [this.#registry] });
    return (...values) => counter.labels(...values);
  }

  /** A histogram of seconds with these labels; all of its series have the same buckets. */
  histogram(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: readonly string[]
  ): (...values: string[]) => Timing {
    const histogram = new HistogramOf({ name, help, buckets, labelNames, registers: [this.#registry] });
    return (...values) => histogram.labels(...values);
  }

  /** A metric whose values are read at each scrape. `undefined` shows no sample. */
  observed(kind: "counter" | "gauge", family: Family, read: () => Observed | Promise<Observed>): void {
    const registers = [this.#registry];
    if (family.shared) this.#shared.add(family.name);
    if (kind === "counter") {
      const counter: Counter = new CounterOf({
        ...family,
        registers,
        collect: async () =>
          show(family, counter, await read(), (labels, value) => counter.inc(labels, value)),
      });
    } else {
      const gauge: Gauge = new GaugeOf({
        ...family,
        registers,
        collect: async () => show(family, gauge, await read(), (labels, value) => gauge.set(labels, value)),
      });
    }
  }

  /** All metrics as text. */
  async render(): Promise<string> {
    return textOf(this.#registry);
  }

  /** The metrics as they are now, for another process; without those that every process could read. */
  snapshot(): Promise<Snapshot> {
    return this.#read((name) => !this.#shared.has(name));
  }

  /** All metrics as text: those that every process could read, and what the snapshots of several processes come to. */
  async renderWith(snapshots: readonly Snapshot[]): Promise<string> {
    const own = await this.#read((name) => this.#shared.has(name));
    return textOf(aggregating().aggregate([own, ...snapshots] as unknown as MetricObject[]));
  }

  async #read(isWanted: (name: string) => boolean): Promise<Snapshot> {
    const names = this.#registry.getMetricsAsArray().map(({ name }) => name);
    const wanted = names.filter(isWanted).map((name) => this.#registry.getSingleMetric(name)!);
    return Promise.all(wanted.map((metric) => metric.get() as Promise<unknown> as Promise<FamilySnapshot>));
  }
}

async function textOf(registry: Registry): Promise<string> {
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  const families = await Promise.all(names.map((name) => registry.getSingleMetricAsString(name)));
  return `${families.join("\n")}\n`;
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
