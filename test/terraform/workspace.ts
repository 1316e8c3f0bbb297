/** A folder in which the real terraform runs, with the AWS provider of a filesystem mirror, against one server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../kit/databases.ts";
import { providerMirror } from "../kit/machine.ts";
import { rootKey } from "../kit/sdk.ts";

const root = join(import.meta.dirname, "..", "..");

/** An instance of a resource in the state file. */
export interface Instance {
  readonly address: string;
  readonly type: string;
  readonly mode: "managed" | "data";
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface StateFile {
  readonly resources: readonly {
    readonly type: string;
    readonly name: string;
    readonly mode: "managed" | "data";
    readonly instances: readonly {
      readonly index_key?: string;
      readonly attributes: Readonly<Record<string, unknown>>;
    }[];
  }[];
}

/** What a command planned, by address: `create`, `update`, `replace`, `delete` or `import`. */
export type Planned = Readonly<Record<string, string>>;

type Variables = Readonly<Record<string, string>>;

export interface Workspace {
  /** `terraform init`. */
  init(): Promise<void>;
  /** `terraform apply`: what it did. */
  apply(variables: Variables): Promise<Planned>;
  /** `terraform plan -detailed-exitcode`: what it would do. */
  plan(variables: Variables): Promise<Planned>;
  /** `terraform destroy`: what it did. */
  destroy(variables: Variables): Promise<Planned>;
  state(): Instance[];
  /** Forgets the state, and has the next command import these instead: ids by address. */
  importAll(ids: Readonly<Record<string, string>>): void;
}

interface Line {
  readonly type: string;
  readonly "@level": string;
  readonly "@message": string;
  readonly change?: { readonly action: string; readonly resource: { readonly addr: string } };
  readonly diagnostic?: { readonly summary: string; readonly detail: string; readonly address?: string };
}

/** A copy of the configuration, with the provider as docs/terraform.md has it, but for the server's address. */
export function newWorkspace(configuration: string, endpoint: string): Workspace {
  const folder = temporaryFolder();
  cpSync(configuration, folder, { recursive: true });
  writeFileSync(join(folder, "provider.tf"), documentedProvider(endpoint));
  writeFileSync(
    join(folder, "terraform.rc"),
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(providerMirror())}\n  }\n}\n`,
  );
  const command = async (subcommand: string, more: readonly string[]) => {
    const { code, out, err } = await terraform(folder, [subcommand, "-no-color", "-input=false", ...more]);
    const lines = out.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Line] : []));
    const errors = lines.filter((line) => line["@level"] === "error").map(describe);
    assert.ok(
      errors.length === 0 && (code === 0 || code === 2),
      `${subcommand}:\n${errors.join("\n")}\n${err}`,
    );
    return { code, lines };
  };
  const given = (variables: Variables) =>
    Object.entries(variables).flatMap(([name, value]) => ["-var", `${name}=${value}`]);
  const change = async (subcommand: string, variables: Variables) =>
    plannedIn((await command(subcommand, ["-json", "-auto-approve", ...given(variables)])).lines);
  return {
    init: async () => void (await command("init", [])),
    apply: (variables) => change("apply", variables),
    destroy: (variables) => change("destroy", variables),
    plan: async (variables) => {
      const { code, lines } = await command("plan", ["-json", "-detailed-exitcode", ...given(variables)]);
      const planned = plannedIn(lines);
      assert.equal(
        code === 2,
        Object.keys(planned).length > 0,
        "the exit code says whether there is anything",
      );
      return planned;
    },
    state: () => instances(JSON.parse(readFileSync(join(folder, "terraform.tfstate"), "utf8"))),
    importAll: (ids) => {
      renameSync(join(folder, "terraform.tfstate"), join(folder, "before-import.tfstate"));
      const blocks = Object.entries(ids).map(
        ([address, id]) => `import {\n  to = ${address}\n  id = ${JSON.stringify(id)}\n}\n`,
      );
      writeFileSync(join(folder, "imports.tf"), blocks.join("\n"));
    },
  };
}

function plannedIn(lines: readonly Line[]): Planned {
  const planned = lines.filter(({ type }) => type === "planned_change").map(({ change }) => change!);
  return Object.fromEntries(planned.map(({ action, resource }) => [resource.addr, action]));
}

function describe({ diagnostic, "@message": message }: Line): string {
  return diagnostic === undefined
    ? message
    : `${diagnostic.address}: ${diagnostic.summary}\n${diagnostic.detail}`;
}

function instances({ resources }: StateFile): Instance[] {
  return resources.flatMap(({ type, name, mode, instances: all }) =>
    all.map(({ index_key: key, attributes }) => ({
      address: `${mode === "data" ? "data." : ""}${type}.${name}${key === undefined ? "" : `["${key}"]`}`,
      ...{ type, mode, attributes },
    })),
  );
}

/** The first block of docs/terraform.md that configures the provider, with the address of this server. */
function documentedProvider(endpoint: string): string {
  const text = readFileSync(join(root, "docs", "terraform.md"), "utf8");
  const block = [...text.matchAll(/^```hcl\n(.*?)^```/gms)]
    .map(([, hcl]) => hcl!)
    .find((hcl) => hcl.includes("provider "));
  const documented = block ?? assert.fail("docs/terraform.md configures the provider");
  assert.ok(documented.includes('"http://localhost:4747"'), documented);
  return documented.replaceAll("http://localhost:4747", endpoint);
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function terraform(cwd: string, argv: readonly string[]): Promise<Ended> {
  const env = {
    PATH: process.env["PATH"],
    HOME: cwd,
    TF_CLI_CONFIG_FILE: join(cwd, "terraform.rc"),
    TF_IN_AUTOMATION: "1",
    CHECKPOINT_DISABLE: "1",
    AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
  };
  return new Promise((resolve) => {
    execFile("terraform", argv, { cwd, env, maxBuffer: 64 << 20 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}
