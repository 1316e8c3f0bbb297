/**
 * Metrics of one server in the text format of Prometheus, version 0.0.4 (prometheus.io, Exposition formats). Our own, since
 * prom-client loads what this program does not use: OpenTelemetry, quantiles, and TLS for pushing, together 88 modules and
 * 17 MB at every start. On hot paths the owner keeps a `Cell` or a `Timing`, so that nothing has to look up labels there.
 */

/** A counter of one set of label values. */
export interface Cell {
  inc(): void;
}

/** A histogram of one set of label values. */
export interface Timing {
  /** Records one duration, in seconds. */
  observe(seconds: number): void;
}

type Labels = Readonly<Record<string, string>>;

/** One sample of a metric family: its label values by name, and its current value. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export type Observed = number | readonly Sample[] | undefined;

/** The properties of a metric family. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** A line of the text. */
interface Line {
  /** The name of the family, for histograms with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

interface Registered {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  lines(): readonly Line[] | Promise<readonly Line[]>;
}

/** All metrics of one server, exposed in the order in which they were created. */
export class Metrics {
  readonly #families = new Map<string, Registered>();

  /**
   * A counter with these labels. Callers ask once for the cell of each set of label values; the number of sets must be
   * bounded.
   */
  counter(name: string, help: string, ...labelNames: readonly string[]): (...values: string[]) => Cell {
    const { of, all } = series(labelNames, () => new Count());
    const lines = () => all().map(({ labels, one }) => ({ name, labels, value: one.value }));
    this.#register({ name, help, type: "counter", lines });
    return of;
  }

  /** A histogram of seconds with these labels; all of its series have the same buckets, in ascending order. */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    ...labelNames: readonly string[]
  ): (...values: string[]) => Timing {
    const { of, all } = series(labelNames, () => new Buckets(buckets));
    const lines = () => all().flatMap(({ labels, one }) => one.lines(name, labels));
    this.#register({ name, help, type: "histogram", lines });
    return of;
  }

  /** A metric whose values are read at each scrape. `undefined` shows no sample. */
  observed(
    type: "counter" | "gauge",
    { name, help }: Family,
    read: () => Observed | Promise<Observed>,
  ): void {
    const lines = async () => {
      const found = await read();
      const samples: readonly Sample[] = typeof found === "number" ? [{ value: found }] : (found ?? []);
      return samples.map(({ labels = {}, value }) => ({ name, labels, value }));
    };
    this.#register({ name, help, type, lines });
  }

  /** All metrics as text. */
  async render(): Promise<string> {
    const families = await Promise.all([...this.#families.values()].map(textOf));
    return `${families.join("\n")}\n`;
  }

  /** Throws an Error if there is a family of that name: its samples would appear twice. */
  #register(family: Registered): void {
    if (this.#families.has(family.name)) throw new Error(`There is a metric ${family.name} already.`);
    this.#families.set(family.name, family);
  }
}

/** The members of a family by their label values. Without labels there is one from the beginning. */
function series<T>(names: readonly string[], make: () => T) {
  const byValues = new Map<string, { readonly labels: Labels; readonly one: T }>();
  const of = (...values: readonly string[]): T => {
    if (values.length !== names.length)
      throw new Error(`${values.length} values for the labels ${names.join(", ")}`);
    const key = JSON.stringify(values);
    const known = byValues.get(key);
    if (known !== undefined) return known.one;
    const labels = Object.fromEntries(names.map((name, at) => [name, values[at]!]));
    const one = make();
    byValues.set(key, { labels, one });
    return one;
  };
  if (names.length === 0) of();
  return { of, all: () => [...byValues.values()] };
}

class Count implements Cell {
  value = 0;

  inc(): void {
    this.value += 1;
  }
}

class Buckets implements Timing {
  readonly #bounds: readonly number[];
  /** How many observations are in each bucket alone; the last one has no bound. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  observe(seconds: number): void {
    const found = this.#bounds.findIndex((bound) => seconds <= bound);
    this.#counts[found < 0 ? this.#bounds.length : found]! += 1;
    this.#sum += seconds;
  }

  lines(name: string, labels: Labels): Line[] {
    let count = 0;
    const buckets = [...this.#bounds, Number.POSITIVE_INFINITY].map((bound, at) => {
      count += this.#counts[at]!;
      return { name: `${name}_bucket`, labels: { le: numeral(bound), ...labels }, value: count };
    });
    const sum = { name: `${name}_sum`, labels, value: this.#sum };
    return [...buckets, sum, { name: `${name}_count`, labels, value: count }];
  }
}

async function textOf({ name, help, type, lines }: Registered): Promise<string> {
  const shown = (await lines()).map(
    (line) => `${line.name}${labelsText(line.labels)} ${numeral(line.value)}`,
  );
  return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...shown].join("\n");
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${quoted(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (text: string) => text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
const quoted = (text: string) => escaped(text).replace(/"/g, '\\"');

/** A number as Go's ParseFloat reads it. */
function numeral(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
