/** The units of docs/operating.md, as systemd reads them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { usages } from "../../src/cli/usage.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "operating.md"), "utf8");
const units = Object.fromEntries(
  [...page.matchAll(/```ini\n(\[Unit\]\n.*?)```/gs)].map(([, text]) => [
    `poolhouse${/functions serve/.test(text!) ? "-functions" : /poolhouse\.js gateway/.test(text!) ? "-gateway" : ""}`,
    text!,
  ]),
);

test("all units start a command that exists, and none is root", () => {
  assert.deepEqual(Object.keys(units), ["poolhouse", "poolhouse-functions", "poolhouse-gateway"]);
  const commands = Object.values(units).map((text) => /^ExecStart=.*poolhouse\.js (.+)$/m.exec(text)?.[1]);
  assert.deepEqual(commands, [
    "serve",
    "functions serve --config %d/functions.yaml",
    "gateway --config %d/gateway.yaml",
  ]);
  const forms = [...usages.functions.forms, ...usages.gateway.forms].map(([form]) => form);
  assert.ok(forms.some((form) => form.startsWith("gateway --config")));
  assert.ok(forms.some((form) => form.startsWith("functions serve --config")));
  for (const text of Object.values(units)) assert.match(text, /^DynamicUser=yes$/m);
});

test("functions get nothing of the server's, and all are held alike", () => {
  const { poolhouse = "", "poolhouse-functions": functions = "", "poolhouse-gateway": gateway = "" } = units;
  assert.doesNotMatch(functions, /POOLHOUSE_|EnvironmentFile|StateDirectory|master-key/);
  assert.match(poolhouse, /^LoadCredential=master-key:/m);
  const restrictions = (text: string) =>
    text.slice(text.indexOf("CapabilityBoundingSet="), text.indexOf("[Install]"));
  for (const other of [functions, gateway]) assert.equal(restrictions(other), restrictions(poolhouse));
  assert.match(functions, /^SystemCallFilter=@system-service$/m);
});

for (const [name, text] of Object.entries(units)) {
  test(`systemd understands every line of ${name}.service`, needs("systemd-analyze"), async () => {
    const file = join(temporaryFolder(), `${name}.service`);
    // The program itself is not installed here.
    writeFileSync(file, text.replace("/usr/bin/node ", `${process.execPath} `));
    const { stdout, stderr } = await promisify(execFile)("systemd-analyze", ["verify", "--man=no", file]);
    const about = (stdout + stderr).split("\n").filter((line) => line.includes(`${name}.service`));
    assert.deepEqual(about, []);
  });
}
