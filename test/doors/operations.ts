/**
 * Every existing operation, from the model and the table of operations, with an input for each. An operation that stops
 * being `notYet` joins every matrix automatically.
 */
import { notYet } from "../../src/http/aws-json/operation.ts";
import { identityPoolHandlers, userPoolHandlers } from "../../src/http/aws-json/operations.ts";
import { identityPoolOperations, identityPoolShapes } from "../../src/wire/generated/identity-pools.ts";
import { userPoolOperations, userPoolShapes } from "../../src/wire/generated/user-pools.ts";
import { type OperationFacts, type Shape, type Shapes, shapeOf } from "../../src/wire/model.ts";
import type { Operation } from "./wire.ts";

export interface KnownOperation extends Operation {
  readonly facts: OperationFacts;
  readonly shapes: Shapes;
}

function known(
  prefix: string,
  service: string,
  facts: Readonly<Record<string, OperationFacts>>,
  shapes: Shapes,
  handlers: Readonly<Record<string, unknown>>,
): KnownOperation[] {
  return Object.keys(handlers)
    .filter((name) => handlers[name] !== notYet)
    .map((name) => ({ prefix, service, name, facts: facts[name]!, shapes }));
}

export const operations: readonly KnownOperation[] = [
  ...known(
    "AWSCognitoIdentityProviderService",
    "cognito-idp",
    userPoolOperations,
    userPoolShapes,
    userPoolHandlers,
  ),
  ...known(
    "AWSCognitoIdentityService",
    "cognito-identity",
    identityPoolOperations,
    identityPoolShapes,
    identityPoolHandlers,
  ),
];

export const authorizedBy = (...kinds: OperationFacts["authorization"][]): KnownOperation[] =>
  operations.filter(({ facts }) => kinds.includes(facts.authorization));

/** Values by the names of members, at any depth; a member without one gets the smallest value of its shape. */
export type Values = Readonly<Record<string, unknown>>;

/** The smallest input that satisfies the model: required members, and those that `values` names. */
export function sampleInput(operation: KnownOperation, values: Values): Record<string, unknown> {
  const { input } = operation.facts;
  return input === null ? {} : (sample(operation.shapes, input, values) as Record<string, unknown>);
}

export function sample(shapes: Shapes, name: string, values: Values): unknown {
  const shape = shapeOf(shapes, name);
  switch (shape.type) {
    case "structure":
      return Object.fromEntries(
        Object.entries(shape.members)
          .filter(([member, { required }]) => required || Object.hasOwn(values, member))
          .map(([member, { target }]) => [
            member,
            Object.hasOwn(values, member) ? values[member] : sample(shapes, target, values),
          ]),
      );
    case "list":
      return Array.from({ length: Math.max(shape.min ?? 0, 1) }, () => sample(shapes, shape.member, values));
    case "map":
      return { [sampleText(shapeOf(shapes, shape.key))]: sample(shapes, shape.value, values) };
    case "boolean":
      return true;
    case "integer":
    case "long":
    case "float":
      return Math.max(shape.min ?? 1, 1);
    case "timestamp":
      return 1_700_000_000;
    case "document":
      return {};
    case "blob":
      return "AAAA";
    default:
      return sampleText(shape);
  }
}

/** Texts such that at least one fits each pattern of the model. */
const candidates = [
  "a",
  "us-east-1_Nobody123",
  "us-east-1:00000000-0000-0000-0000-000000000000",
  "arn:aws:iam::000000000000:role/none",
  "123456",
  "a@b.example",
  "{####}",
  "{username}{####}",
  "{##a##}",
  "Aa1!Aa1!",
  "eu-west-1",
  "us-east-1_00000000-0000-4000-8000-000000000000",
  "https://a.example",
  "en",
  "00000000-0000-4000-8000-000000000000",
  "session-of-nobody-at-all",
  "secretsecretsecretsecretsecret",
  "terms-of-use",
  "cognito:default",
  "authenticated",
];

function sampleText(shape: Shape): string {
  if (shape.type === "enum") return shape.values[0]!;
  if (shape.type !== "string") throw new Error(`no text for ${shape.type}`);
  const fits = (text: string) =>
    text.length >= (shape.min ?? 0) &&
    text.length <= (shape.max ?? Infinity) &&
    (shape.pattern === undefined ||
      new RegExp(`^(?:${shape.pattern.replace(/^\(\?s\)/, "")})$`, "u").test(text));
  const found = [...candidates, "a".repeat(shape.min ?? 0)].find(fits);
  if (found === undefined) throw new Error(`no sample fits ${JSON.stringify(shape)}`);
  return found;
}
