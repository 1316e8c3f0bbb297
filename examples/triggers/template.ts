/** Reads template.yaml, the SAM template, with the values of its parameters. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

interface Template {
  readonly Globals: { readonly Function: Properties };
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Properties }>>;
}

type Properties = Readonly<Record<string, unknown>>;

/** Where the pools' functions are; the account and the region make no difference to Poolhouse. */
const arnOf = (name: unknown) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

/** @param values of the template's parameters */
function readTemplate(values: Readonly<Record<string, string>>): Template {
  const text = readFileSync(join(import.meta.dirname, "template.yaml"), "utf8");
  const names = new Map<string, unknown>();
  const customTags = [
    { tag: "!Ref", resolve: (name: string) => values[name] ?? name },
    { tag: "!Sub", resolve: (pattern: string) => pattern },
    { tag: "!GetAtt", resolve: (path: string) => arnOf(names.get(path.replace(/\.Arn$/, ""))) },
  ];
  // Once to learn the names, and again for the references to them.
  const first = parse(text, { customTags }) as Template;
  for (const [id, { Properties }] of Object.entries(first.Resources))
    names.set(id, Properties["FunctionName"]);
  return parse(text, { customTags }) as Template;
}

const resourcesOf = ({ Resources }: Template, type: string) =>
  Object.values(Resources).flatMap((one) => (one.Type === type ? [one.Properties] : []));

/** The pool, as CreateUserPool wants it: the properties are the same, but for the name. */
export function poolOfTemplate(): Properties {
  const [pool] = resourcesOf(readTemplate({}), "AWS::Cognito::UserPool");
  const { UserPoolName: PoolName, ...rest } = pool!;
  return { PoolName, ...rest };
}

/** The functions, as the section `functions` of Poolhouse's configuration file has them (docs/functions.md). */
export function functionsOfTemplate(
  values: Readonly<Record<string, string>>,
  key: { readonly "access-key-id": string; readonly "secret-access-key": string },
): Readonly<Record<string, object>> {
  const template = readTemplate(values);
  const functions = resourcesOf(template, "AWS::Serverless::Function").map((own) => {
    const all: Properties = { ...template.Globals.Function, ...own };
    const [stem, handler] = String(all["Handler"]).split(".");
    const isNode = String(all["Runtime"]).startsWith("nodejs");
    const environment = (all["Environment"] as { Variables: object } | undefined)?.Variables;
    const entry = {
      run: isNode ? "worker" : "child",
      file: fileOf(join(import.meta.dirname, String(all["CodeUri"]), stem!), isNode),
      handler,
      timeout: all["Timeout"],
      ...(all["MemorySize"] !== undefined && { memory: all["MemorySize"] }),
      ...(environment !== undefined && { environment }),
      // The policies are those of policy.json.
      ...(all["Policies"] !== undefined && key),
    };
    return [String(all["FunctionName"]), entry] as const;
  });
  return Object.fromEntries(functions);
}

/** TypeScript is compiled for Lambda; Poolhouse runs it as it is. */
function fileOf(path: string, isNode: boolean): string {
  const endings = isNode ? [".js", ".mjs", ".ts"] : [".py"];
  const found = endings.map((ending) => `${path}${ending}`).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`There is no handler ${path}${endings.join(", ")}.`);
  return found;
}
