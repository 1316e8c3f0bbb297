/** The tables of the main bench: medians over its rounds, and ratios that are computed within each round. */
import { type LimitName, type Limits, limitTitles } from "./limits.ts";
import { type Measured, median, quantile } from "./load.ts";
import type { Goal, Scenario } from "./scenario.ts";
import { table } from "./table.ts";

export type Kind = "sqlite" | "postgres";

export interface Round {
  readonly limits: Limits;
  /** By scenario, then by place. */
  readonly measured: readonly (readonly Measured[])[];
}

/**
 * CPU in milliseconds on the processor that goals are meant for. Other limits, and whatever an operation does beyond its
 * limit, are converted by the ratio of the bare answers.
 */
const reference: Readonly<Partial<Limits>> & Pick<Limits, "http"> = { signature: 0.31, http: 0.021 };

/** What a scenario cannot do without in milliseconds: 0 if nothing in particular. */
function limitMs({ limit = {} }: Scenario, cost: (name: LimitName) => number): number {
  return Object.entries(limit).reduce((sum, [name, count]) => sum + count * cost(name as LimitName), 0);
}

function limitText({ limit = {} }: Scenario): string {
  const parts = Object.entries(limit).map(([name, count]) =>
    count === 1 ? limitTitles[name as LimitName] : `${count} ${limitTitles[name as LimitName]}`,
  );
  return parts.join(" + ");
}

function goalText(goal: Goal | undefined, kind: Kind): string {
  if (goal === undefined) return "";
  return "ms" in goal ? `≤ ${goal.ms.toFixed(2)} ms` : `≥ ${goal[kind].toFixed(2)}`;
}

/** The limits: median and minimum of all rounds. */
export function limitTable(rounds: readonly Round[]): string {
  const names = Object.keys(rounds[0]!.limits) as LimitName[];
  const rows = names.map((name) => {
    const all = rounds.map(({ limits }) => limits[name]);
    return [limitTitles[name], median(all).toFixed(3), Math.min(...all).toFixed(3)];
  });
  return table(["limit", "CPU ms", "minimum"], rows);
}

type Value = (measured: Measured, limits: Limits) => number | undefined;

type Values = (value: Value) => number[];

/** A value of a scenario in each round, in the first place unless told. */
const valuesOf =
  (rounds: readonly Round[], at: number, place = 0): Values =>
  (value) =>
    rounds.flatMap(({ measured, limits }) => value(measured[at]![place]!, limits) ?? []);

const middle = (values: readonly number[], digits: number, none = "") =>
  values.length === 0 ? none : median(values).toFixed(digits);

/** Each operation of the first place. */
export function mainTable(kind: Kind, chosen: readonly Scenario[], rounds: readonly Round[]): string {
  const rows = chosen.map((scenario, at) => {
    const values = valuesOf(rounds, at);
    const cell = (digits: number, value: Value) => middle(values(value), digits);
    const limit = (limits: Limits) => limitMs(scenario, (name) => limits[name]);
    const hasLimit = scenario.limit !== undefined;
    return [
      scenario.title,
      cell(0, ({ perSecond }) => perSecond),
      cell(2, ({ p50 }) => p50),
      cell(2, ({ p99 }) => p99),
      cell(3, ({ cpu }) => cpu),
      Math.min(...values(({ cpu }) => cpu)).toFixed(3),
      cell(3, ({ databaseCpu }) => databaseCpu) || "–",
      hasLimit ? `${limitText(scenario)} (${cell(3, (_, limits) => limit(limits))} ms)` : "",
      hasLimit ? cell(2, ({ cpu }, limits) => limit(limits) / cpu) : "",
      goalText(scenario.goal, kind),
    ];
  });
  const head = ["operation", "a second", "p50 ms", "p99 ms", "CPU ms", "minimum", "PostgreSQL's", "limit"];
  return table([...head, "ratio", "goal"], rows);
}

/**
 * What operations take beyond their limits, in milliseconds and in bare answers, which can be compared between machines;
 * and what that would be on the reference processor, which is calculated.
 */
export function beyondTable(kind: Kind, chosen: readonly Scenario[], rounds: readonly Round[]): string {
  const rows = chosen.map((scenario, at) => {
    const values = valuesOf(rounds, at);
    const cell = (digits: number, value: Value) => middle(values(value), digits);
    const beyond = ({ cpu }: Measured, limits: Limits) => cpu - limitMs(scenario, (name) => limits[name]);
    const calculated = (measured: Measured, limits: Limits) => {
      const faster = reference.http / limits.http;
      const limit = limitMs(scenario, (name) => reference[name] ?? limits[name] * faster);
      return { limit, cpu: limit + beyond(measured, limits) * faster };
    };
    const ratioTo = (name: LimitName) =>
      scenario.limit?.http === undefined ? "" : cell(2, ({ cpu }, limits) => limits[name] / cpu);
    const ratio: Value = (measured, limits) => {
      const { limit, cpu } = calculated(measured, limits);
      return limit / cpu;
    };
    return [
      scenario.title,
      cell(3, beyond),
      cell(1, (measured, limits) => beyond(measured, limits) / limits.http),
      ratioTo("hono"),
      ratioTo("net"),
      cell(3, (measured, limits) => calculated(measured, limits).cpu),
      scenario.limit === undefined ? "" : cell(2, ratio),
      goalText(scenario.goal, kind),
    ];
  });
  const head = ["operation", "beyond the limit, ms", "in bare node:http answers"];
  const others = ["ratio to bare Hono", "to bare node:net"];
  const note =
    `Calculated, not measured: on a processor that signs in ${reference.signature} ms and whose bare node:http answer ` +
    `takes ${reference.http} ms, everything else being faster as that answer is.`;
  return `${table([...head, ...others, "calculated: CPU ms", "ratio", "goal"], rows)}\n\n${note}`;
}

/** Two places, by their index, to compare: how the first relates to the second. */
export interface Pair {
  readonly places: readonly [number, number];
  readonly titles: readonly [string, string];
}

export function pairTable(
  chosen: readonly Scenario[],
  rounds: readonly Round[],
  { places, titles }: Pair,
): string {
  const rows = chosen.map(({ title }, at) => {
    const [first, second] = places.map((place) => valuesOf(rounds, at, place)) as [Values, Values];
    const ratios = (value: Value) => first(value).map((one, round) => one / second(value)[round]!);
    const sorted = ratios(({ cpu }) => cpu).sort((a, b) => a - b);
    const cells = (value: Value) => [
      middle(first(value), 3, "–"),
      middle(second(value), 3, "–"),
      middle(ratios(value), 3, "–"),
    ];
    const half = `${quantile(sorted, 0.25).toFixed(2)} to ${quantile(sorted, 0.75).toFixed(2)}`;
    return [title, ...cells(({ cpu }) => cpu), half, ...cells(({ databaseCpu }) => databaseCpu)];
  });
  const head = ["operation", `CPU ms, ${titles[0]}`, titles[1], "ratio", "in half of the rounds"];
  return table([...head, `PostgreSQL's, ${titles[0]}`, titles[1], "ratio"], rows);
}
