/**
 * Every place in an operation's input that can hold a value: members, items, keys and values, including nested ones.
 */
import { type Member, type Shape, type Shapes, shapeOf } from "../../src/wire/model.ts";
import { type KnownOperation, sample, sampleInput, type Values } from "./operations.ts";

export interface Place {
  /**
   * Its location in Cognito's messages: `userAttributes.1.member.name`. Items of lists and maps are reported for the
   * whole.
   */
  readonly path: string;
  readonly shape: Shape;
  /** The beginning of a violation there, if items are reported for the whole. */
  readonly reportedAs: "Member" | "Map keys" | "Map value" | undefined;
  /** The member; items are never required. */
  readonly member: Member | undefined;
  /** Whether the value must not be repeated in messages. */
  readonly hidden: boolean;
  /** The whole body with this JSON text in the place, and otherwise as small as the model allows. */
  readonly body: (json: string) => string;
  /** The JSON of one valid item of a list or map. */
  readonly item: string | undefined;
  /** The whole body without the place. */
  readonly without: (() => string) | undefined;
}

type Rebuild = (value: unknown) => unknown;

/** Replaced by the JSON text. As a key of a map, including its quotes. */
const mark = "PLACE-OF-THE-VALUE";

function bodyOf(rebuild: Rebuild): Place["body"] {
  const [before, after] = JSON.stringify(rebuild(mark)).split(JSON.stringify(mark)) as [string, string];
  return (json) => before + json + after;
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

export function* placesOf(operation: KnownOperation, values: Values): Generator<Place> {
  const { input } = operation.facts;
  if (input === null) return;
  const base = sampleInput(operation, values);
  yield* ofStructure(operation.shapes, input, base, (value) => value, [], { hidden: false, values });
}

interface Around {
  readonly hidden: boolean;
  readonly values: Values;
}

function* ofStructure(
  shapes: Shapes,
  name: string,
  base: Record<string, unknown>,
  rebuild: Rebuild,
  path: readonly string[],
  around: Around,
): Generator<Place> {
  const structure = shapeOf(shapes, name);
  if (structure.type !== "structure") return;
  const hidden = around.hidden || structure.sensitive === true;
  for (const [key, member] of Object.entries(structure.members)) {
    const { [key]: _, ...others } = base;
    const here = (value: unknown) => rebuild({ ...others, [key]: value });
    const at = [...path, lowerFirst(key)];
    yield* ofValue(shapes, member.target, here, at, {
      hidden,
      values: around.values,
      member,
      without: () => JSON.stringify(rebuild(others)),
    });
  }
}

function* ofValue(
  shapes: Shapes,
  name: string,
  here: Rebuild,
  path: readonly string[],
  around: Around & {
    member?: Member;
    without?: () => string;
    reportedAs?: Place["reportedAs"];
  },
): Generator<Place> {
  const shape = shapeOf(shapes, name);
  const { values } = around;
  const hidden = around.hidden || shape.sensitive === true;
  yield {
    path: path.join("."),
    shape,
    reportedAs: around.reportedAs,
    member: around.member,
    hidden,
    body: bodyOf(here),
    item: itemOf(shapes, shape, values),
    without: around.without,
  };
  if (shape.type === "structure") {
    const base = sample(shapes, name, values) as Record<string, unknown>;
    yield* ofStructure(shapes, name, base, here, path, { hidden, values });
  } else if (shape.type === "list") {
    const items = (item: unknown) => [
      item,
      ...Array.from({ length: (shape.min ?? 1) - 1 }, () => sample(shapes, shape.member, values)),
    ];
    yield* ofItem(shapes, shape.member, (item) => here(items(item)), path, "1", { hidden, values }, "Member");
  } else if (shape.type === "map") {
    const key = Object.keys(sample(shapes, name, values) as object)[0]!;
    yield* ofItem(
      shapes,
      shape.value,
      (item) => here({ [key]: item }),
      path,
      key,
      { hidden, values },
      "Map value",
    );
    const value = sample(shapes, shape.value, values);
    yield* ofValue(shapes, shape.key, (text) => here({ [String(text)]: value }), path, {
      hidden,
      values,
      reportedAs: "Map keys",
    });
  }
}

function itemOf(shapes: Shapes, shape: Shape, values: Values): string | undefined {
  if (shape.type === "list") return JSON.stringify(sample(shapes, shape.member, values));
  return shape.type === "map" ? JSON.stringify(sample(shapes, shape.value, values)) : undefined;
}

function* ofItem(
  shapes: Shapes,
  name: string,
  here: Rebuild,
  path: readonly string[],
  key: string,
  around: Around,
  reportedAs: "Member" | "Map value",
): Generator<Place> {
  const { type } = shapeOf(shapes, name);
  const isAggregate = type === "structure" || type === "list" || type === "map";
  if (isAggregate) yield* ofValue(shapes, name, here, [...path, key, "member"], around);
  else yield* ofValue(shapes, name, here, path, { ...around, reportedAs });
}
