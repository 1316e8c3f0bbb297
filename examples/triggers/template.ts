/** Reads template.yaml, the SAM template, with the values of its parameters. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

interface Template {
  readonly Globals: { readonly Function: Properties };
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Properties }>>;
}

type Properties = Readonly<Record<string, unknown>>;

/**
 * The ARNs of the pools' functions, and of the key that their codes are encrypted under: account, region and the key's id
 * make no difference to Poolhouse.
 */
const arnOf = ({ Type, Properties }: Template["Resources"][string]) =>
  Type === "AWS::KMS::Key"
    ? "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
    : `arn:aws:lambda:us-east-1:000000000000:function:${Properties["FunctionName"]}`;

/** @param values of the template's parameters */
function readTemplate(values: Readonly<Record<string, string>>): Template {
  const text = readFileSync(join(import.meta.dirname, "template.yaml"), "utf8");
  const arns = new Map<string, string>();
  const customTags = [
    { tag: "!Ref", resolve: (name: string) => values[name] ?? name },
    { tag: "!Sub", resolve: (pattern: string) => pattern },
    { tag: "!GetAtt", resolve: (path: string) => arns.get(path.replace(/\.Arn$/, "")) },
  ];
  // Once to learn the ARNs, and again for the references to them.
  const first = parse(text, { customTags }) as Template;
  for (const [id, resource] of Object.entries(first.Resources)) arns.set(id, arnOf(resource));
  return parse(text, { customTags }) as Template;
}

const resourcesOf = ({ Resources }: Template, type: string) =>
  Object.values(Resources).flatMap((one) => (one.Type === type ? [one.Properties] : []));

/** A pool, as CreateUserPool wants it: the properties are the same, but for the name. */
export function poolOfTemplate(id: "Members" | "Guests"): Properties {
  const { UserPoolName: PoolName, ...rest } = readTemplate({}).Resources[id]!.Properties;
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
