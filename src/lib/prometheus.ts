/**
 * Counters, histograms and gauges in the Prometheus text format (version 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/). What is counted on a hot path is a `Cell` or a
 * `Histogram` that its owner keeps: no labels are looked up or put together where something happens.
 */

/** One number that grows, or goes up and down. */
export interface Cell {
  value: number;
}

/** One line of a family: its labels, by name, and the value now. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

type Kind = "counter" | "gauge" | "histogram";

/** Everything a server shows at /metrics, in the order it was made. */
export class Registry {
  readonly #families: { head: string; lines(): string[] | Promise<string[]> }[] = [];

  /** A counter with these labels. Whoever counts asks for a cell once a set of label values, and keeps it. */
  counter(name: string, help: string, ...labelNames: readonly string[]): CellFamily {
    const family = new CellFamily(name, labelNames);
    this.#add("counter", name, help, () => family.lines());
    return family;
  }

  /** Histograms of seconds with these labels, all with the same buckets. */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    ...labelNames: readonly string[]
  ): HistogramFamily {
    const family = new HistogramFamily(name, buckets, labelNames);
    this.#add("histogram", name, help, () => family.lines());
    return family;
  }

  /** What is asked for when somebody looks. `undefined` shows nothing. */
  observed(
    kind: Exclude<Kind, "histogram">,
    name: string,
    help: string,
    read: () => Observed | Promise<Observed>,
  ): void {
    this.#add(kind, name, help, async () => {
      const found = await read();
      if (found === undefined) return [];
      const samples: readonly Sample[] = typeof found === "number" ? [{ value: found }] : found;
      return samples.map(({ labels = {}, value }) => line(name, labelText(Object.entries(labels)), value));
    });
  }

  /** A histogram that somebody else keeps. */
  kept(name: string, help: string, histogram: () => Histogram | undefined): void {
    this.#add("histogram", name, help, () => histogram()?.lines(name, []) ?? []);
  }

  /** The whole text. */
  async render(): Promise<string> {
    const parts = await Promise.all(
      this.#families.map(async ({ head, lines }) => {
        const found = await lines();
        return found.length === 0 ? "" : `${head}${found.join("\n")}\n`;
      }),
    );
    return parts.join("");
  }

  #add(kind: Kind, name: string, help: string, lines: () => string[] | Promise<string[]>): void {
    this.#families.push({ head: `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n`, lines });
  }
}

export type Observed = number | readonly Sample[] | undefined;

/** The cells of a counter, by label values. */
export class CellFamily {
  readonly #name: string;
  readonly #labelNames: readonly string[];
  readonly #cells = new Map<string, { readonly labels: string; readonly cell: Cell }>();

  constructor(name: string, labelNames: readonly string[]) {
    this.#name = name;
    this.#labelNames = labelNames;
  }

  /** The cell of these label values, in the order of the names. The values must come from a bounded set. */
  cell(...values: readonly string[]): Cell {
    const key = values.join("\0");
    let found = this.#cells.get(key);
    if (found === undefined) {
      found = { labels: labelText(pairs(this.#labelNames, values)), cell: { value: 0 } };
      this.#cells.set(key, found);
    }
    return found.cell;
  }

  lines(): string[] {
    return [...this.#cells.values()].map(({ labels, cell }) => line(this.#name, labels, cell.value));
  }
}

/** The histograms of a family, by label values. */
export class HistogramFamily {
  readonly #name: string;
  readonly #buckets: readonly number[];
  readonly #labelNames: readonly string[];
  readonly #kept = new Map<string, { readonly labels: Pairs; readonly histogram: Histogram }>();

  constructor(name: string, buckets: readonly number[], labelNames: readonly string[]) {
    this.#name = name;
    this.#buckets = buckets;
    this.#labelNames = labelNames;
  }

  /** The histogram of these label values. */
  of(...values: readonly string[]): Histogram {
    const key = values.join("\0");
    let found = this.#kept.get(key);
    if (found === undefined) {
      found = { labels: pairs(this.#labelNames, values), histogram: new Histogram(this.#buckets) };
      this.#kept.set(key, found);
    }
    return found.histogram;
  }

  lines(): string[] {
    return [...this.#kept.values()].flatMap(({ labels, histogram }) => histogram.lines(this.#name, labels));
  }
}

/** How often something took how long. */
export class Histogram {
  readonly #buckets: readonly number[];
  /** One a bucket, and one for what is longer than all. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param buckets upper bounds in seconds, ascending */
  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
  }

  /** Counts one that took this many seconds. */
  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#buckets.length && seconds > this.#buckets[bucket]!) bucket++;
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#sum += seconds;
  }

  /** How many were counted. */
  get count(): number {
    return this.#counts.reduce((sum, one) => sum + one, 0);
  }

  lines(name: string, labels: Pairs): string[] {
    let below = 0;
    const bounds = [...this.#buckets.map(String), "+Inf"];
    const counted = bounds.map((bound, index) => {
      below += this.#counts[index]!;
      return line(`${name}_bucket`, labelText([...labels, ["le", bound]]), below);
    });
    const text = labelText(labels);
    return [...counted, line(`${name}_sum`, text, this.#sum), line(`${name}_count`, text, below)];
  }
}

type Pairs = readonly (readonly [string, string])[];

function pairs(names: readonly string[], values: readonly string[]): Pairs {
  return names.map((name, index) => [name, values[index] ?? ""] as const);
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels} ${value}`;
}

function labelText(labels: Pairs): string {
  if (labels.length === 0) return "";
  return `{${labels.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(",")}}`;
}

function escapeValue(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
