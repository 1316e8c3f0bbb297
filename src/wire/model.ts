/**
 * The types of the generated descriptions: what an AWS model says about operations and shapes, as far as `check.ts` and
 * `encode.ts` need it (Smithy 2.0, https://smithy.io/2.0/spec/simple-types.html).
 */

/** Who may call an operation; the classes in `tools/model/operations.tsv`. */
export type Authorization =
  | "none"
  | "iam"
  | "access-token"
  | "access-token-or-session"
  | "refresh-token"
  | "feedback-token";

/** Where an operation has its page token, page size and items (`smithy.api#paginated`). */
interface Paginated {
  readonly inputToken: string;
  readonly outputToken: string;
  readonly items?: string;
  readonly pageSize?: string;
}

/** What the model declares about one operation; `input` and `output` name a structure, or are null. */
export interface OperationFacts {
  readonly input: string | null;
  readonly output: string | null;
  readonly authorization: Authorization;
  readonly errors: readonly string[];
  readonly paginated?: Paginated;
}

/**
 * A member of a structure. `default` is kept for required members only: such a member is filled in rather than refused.
 */
export interface Member {
  readonly target: string;
  readonly required?: true;
  readonly default?: boolean | number | string;
}

export interface StructureShape {
  readonly type: "structure";
  readonly members: Readonly<Record<string, Member>>;
  readonly sensitive?: true;
}

export interface ListShape {
  readonly type: "list";
  readonly member: string;
  readonly min?: number;
  readonly max?: number;
  readonly sensitive?: true;
}

export interface MapShape {
  readonly type: "map";
  readonly key: string;
  readonly value: string;
  readonly min?: number;
  readonly max?: number;
  readonly sensitive?: true;
}

/** A string. `pattern` is the model's Java pattern verbatim, because Cognito prints it; `pattern.ts` evaluates it. */
interface StringShape {
  readonly type: "string";
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly sensitive?: true;
}

interface EnumShape {
  readonly type: "enum";
  readonly values: readonly string[];
  readonly sensitive?: true;
}

interface NumberShape {
  readonly type: "integer" | "long" | "float";
  readonly min?: number;
  readonly max?: number;
  readonly sensitive?: true;
}

interface BlobShape {
  readonly type: "blob";
  readonly min?: number;
  readonly max?: number;
  readonly sensitive?: true;
}

interface PlainShape {
  readonly type: "boolean" | "timestamp" | "document";
  readonly sensitive?: true;
}

type ScalarShape = StringShape | EnumShape | NumberShape | BlobShape | PlainShape;
export type Shape = StructureShape | ListShape | MapShape | ScalarShape;
export type Shapes = Readonly<Record<string, Shape>>;

/** The type of a generated `…Operations` interface: input and output of each operation by its name. */
export type OperationTypes<Operations> = {
  readonly [N in keyof Operations]: { input: unknown; output: unknown };
};

/** The description of one service, tied to its generated types so that names and inputs agree. */
export interface Model<Operations> {
  readonly operations: { readonly [N in keyof Operations]: OperationFacts };
  readonly shapes: Shapes;
  /** The error for input that violates constraints: user pools have their own instead of the framework's. */
  readonly constraintError: "InvalidParameterException" | "ValidationException";
}

/** The shape that a reference in the model names. A missing one is a defect of the generator, never of a caller. */
export function shapeOf(shapes: Shapes, name: string): Shape {
  const shape = shapes[name];
  if (shape === undefined) throw new Error(`The model has no shape ${name}`);
  return shape;
}
