/** The Dockerfile and compose.yaml, followed step by step without an engine (container.ts). */

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ListUserPoolsCommand } from "@aws-sdk/client-cognito-identity-provider";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/config.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { administer, dropPostgres, newName, skipWithoutPostgres, urlOf } from "../kit/postgres.ts";
import { newSdk, patient } from "../kit/sdk.ts";
import {
  buildImage,
  type Image,
  runContainer,
  runInContainer,
  stopContainer,
  whyNoContainers,
} from "./container.ts";

const root = join(import.meta.dirname, "..", "..");
const compose = parse(readFileSync(join(root, "compose.yaml"), "utf8"));

/** The four lines of docs/operating.md that make `.env`. */
const secrets: Readonly<Record<string, string>> = {
  POSTGRES_PASSWORD: randomBytes(24).toString("hex"),
  POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
  POOLHOUSE_ROOT_ACCESS_KEY_ID: "AKIACONTAINERTEST000",
  POOLHOUSE_ROOT_SECRET_ACCESS_KEY: randomBytes(24).toString("hex"),
};

/** `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, as compose fills them in. */
function interpolate(value: string, given: Readonly<Record<string, string>>): string {
  return value.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind?: string, rest = "") => {
    if (given[name]) return given[name];
    if (kind === "?") throw new Error(`${name} ${rest}`);
    return rest;
  });
}

function environment(service: string, given = secrets): Record<string, string> {
  const declared = compose.services[service].environment as Record<string, string>;
  return Object.fromEntries(
    Object.entries(declared).map(([name, value]) => [name, interpolate(value, given)]),
  );
}

test("compose.yaml: its settings are Poolhouse's, its secrets are not in it, and one waits for the other", () => {
  const config = loadConfig([], { POOLHOUSE_HOST: "0.0.0.0", ...environment("poolhouse") });
  assert.match(config.database, /^postgres:\/\/poolhouse:[0-9a-f]{48}@postgres:5432\/poolhouse$/);
  assert.equal(config.publicUrl, "http://localhost:4747");
  // What `.env` may leave out is nothing, and what it has reaches the server.
  assert.deepEqual(
    [config.previousMasterKey, config.messages.senders, config.metricsToken],
    [undefined, [], undefined],
  );
  const optional = {
    POOLHOUSE_PREVIOUS_MASTER_KEY: randomBytes(32).toString("base64"),
    POOLHOUSE_SMTP_URL: "smtps://mail.example.com",
    POOLHOUSE_SMTP_FROM: "no-reply@example.com",
    POOLHOUSE_METRICS_TOKEN: randomBytes(16).toString("hex"),
  };
  const full = loadConfig([], environment("poolhouse", { ...secrets, ...optional }));
  assert.equal(full.previousMasterKey, optional.POOLHOUSE_PREVIOUS_MASTER_KEY);
  assert.equal(full.metricsToken, optional.POOLHOUSE_METRICS_TOKEN);
  const [sender] = full.messages.senders;
  assert.deepEqual(
    [sender?.type === "smtp" && sender.host, full.messages.email],
    ["mail.example.com", "smtp"],
  );
  for (const name of Object.keys(secrets)) {
    assert.throws(
      () => environment("poolhouse", { ...secrets, [name]: "" }),
      new RegExp(`${name} is missing`),
    );
  }
  const { postgres, poolhouse } = compose.services;
  assert.deepEqual(poolhouse.depends_on, { postgres: { condition: "service_healthy" } });
  assert.equal(postgres.environment.POSTGRES_DB, "poolhouse");
  assert.equal(postgres.environment.POSTGRES_USER, "poolhouse");
  assert.equal(postgres.healthcheck.test[1], "pg_isready");
  const { gateway } = compose.services;
  const named = [postgres.volumes[0], gateway.volumes[1]].map((volume: string) => volume.split(":")[0]);
  assert.deepEqual(Object.keys(compose.volumes), named);
});

const missing = whyNoContainers();
if (missing !== undefined && process.env["CI"])
  throw new Error(`${missing}; CI is set, so nothing may be missing.`);

describe("the image", { skip: missing ?? false }, () => {
  let image: Image;
  const running: ChildProcess[] = [];
  before(() => {
    image = buildImage(join(root, "Dockerfile"));
  });
  after(() => {
    for (const container of running) container.kill("SIGKILL");
  });

  const start = (options: Parameters<typeof runContainer>[1]) => {
    const container = runContainer(image, options);
    running.push(container);
    return { container, ...listenTo(container) };
  };
  const healthy = async (container: ChildProcess, env: Record<string, string>) => {
    const [code] = await once(runInContainer(image, container, image.health, env), "exit");
    return code === 0;
  };
  const stop = async (container: ChildProcess) => {
    const exit = once(container, "exit");
    stopContainer(image, container);
    return (await exit)[0];
  };

  test("it holds the program and what it needs, and runs as a user of its own", async () => {
    assert.equal(image.user, "node");
    for (const name of ["src", "test", "tools", "node_modules/typescript"]) {
      assert.equal(existsSync(join(image.layer, "app", name)), false, name);
    }
    const shown = start({ command: ["sh", "-c", "id -un; stat -c '%U %a' /data; echo $$; touch /app/x"] });
    const [code] = await once(shown.container, "exit");
    assert.equal(code, 1);
    assert.equal(shown.output(), "node\nnode 700\n1\n");
  });

  test(
    "as compose runs it: waits for its database, serves, and ends when told to",
    skipWithoutPostgres(),
    async () => {
      const name = newName();
      const port = await freePort();
      const url = new URL(urlOf(name));
      const env = {
        ...environment("poolhouse", { ...secrets, POOLHOUSE_PUBLIC_URL: `http://localhost:${port}` }),
        POOLHOUSE_DATABASE: url.href,
        POOLHOUSE_PORT: String(port),
      };
      const options = { env, readOnly: compose.services.poolhouse.read_only as boolean };
      const waiting = start(options);
      await waiting.errors(/Waiting for PostgreSQL/);
      assert.equal(await healthy(waiting.container, env), false);
      assert.equal(await stop(waiting.container), 0);

      const serving = start(options);
      await serving.errors(/Waiting for PostgreSQL/);
      await administer(`create database ${name} template template0`);
      try {
        await serving.prints(/Poolhouse ready at/);
        assert.equal(await healthy(serving.container, env), true);
        const client = patient(
          newSdk(`http://localhost:${port}`, {
            credentials: {
              accessKeyId: secrets["POOLHOUSE_ROOT_ACCESS_KEY_ID"]!,
              secretAccessKey: secrets["POOLHOUSE_ROOT_SECRET_ACCESS_KEY"]!,
            },
          }),
        );
        assert.deepEqual((await client.send(new ListUserPoolsCommand({ MaxResults: 1 }))).UserPools, []);
        client.destroy();
        for (const secret of Object.values(secrets)) assert.equal(serving.output().includes(secret), false);
        assert.equal(await stop(serving.container), 0);
      } finally {
        await dropPostgres(name);
      }
    },
  );

  test("the functions of compose run with nothing but their folder, and end when told to", async () => {
    const { functions } = compose.services;
    assert.deepEqual(
      [functions.environment, functions.env_file, functions.profiles],
      [undefined, undefined, ["functions"]],
    );
    assert.deepEqual(functions.volumes, ["./functions:/functions:ro"]);
    const volume = join(temporaryFolder(), "functions");
    mkdirSync(volume, { mode: 0o755 });
    const port = String(await freePort());
    const key = "access-key-id: AKIAFUNCTIONS\nsecret-access-key: 0123456789abcdef0123\n";
    const run = "functions:\n  greet: { run: child, file: greet.mjs }\n";
    writeFileSync(join(volume, "functions.yaml"), `port: ${port}\n${key}${run}`, { mode: 0o644 });
    writeFileSync(join(volume, "greet.mjs"), "export const handler = async () => 7;\n", { mode: 0o644 });
    // The folder is where a server's data would be.
    const here = (word: string) => word.replace("/functions/", "/data/").replace(":4750/", `:${port}/`);
    const command = [...image.command.slice(0, -1), ...functions.command.map(here)];
    const served = start({ command, volume, readOnly: functions.read_only as boolean });
    await served.prints(/^Functions ready at http:\/\/127\.0\.0\.1:\d+: greet \(child\)$/m);
    const check = (functions.healthcheck.test as string[]).slice(1).map(here);
    const [code] = await once(runInContainer(image, served.container, check, {}), "exit");
    assert.equal(code, 0);
    assert.equal(await stop(served.container), 0);
  });

  test("the gateway of compose runs, keeps its sessions in its volume, and ends when told to", async () => {
    const { gateway } = compose.services;
    assert.deepEqual(gateway.profiles, ["gateway"]);
    const volume = join(temporaryFolder(), "gateway");
    const { uid, gid, mode } = statSync(join(image.layer, "data"));
    mkdirSync(volume, { mode: mode & 0o777 });
    const port = String(await freePort());
    const file = `public-url: http://localhost:${port}
port: ${port}
provider: { issuer: "http://127.0.0.1:${await freePort()}", client-id: web }
sessions: {}
applications: [{ routes: [{ path: /** }] }]
`;
    writeFileSync(join(volume, "gateway.yaml"), file);
    for (const path of [volume, join(volume, "gateway.yaml")]) chownSync(path, uid, gid);
    const env = environment("gateway", { POOLHOUSE_GATEWAY_KEYS: randomBytes(32).toString("base64") });
    // Its file is where its data are.
    const here = (word: string) => word.replace("/gateway/", "/data/").replace(":4180/", `:${port}/`);
    const command = [...image.command.slice(0, -1), ...gateway.command.map(here)];
    const served = start({ command, volume, env, readOnly: gateway.read_only as boolean });
    await served.prints(/^The gateway of http:\/\/localhost:\d+ listens on http:\S+$/m);
    const check = (gateway.healthcheck.test as string[]).slice(1).map(here);
    const [code] = await once(runInContainer(image, served.container, check, {}), "exit");
    assert.equal(code, 0);
    assert.equal(statSync(join(volume, "gateway-sessions.db")).uid, uid);
    assert.equal(await stop(served.container), 0);
  });

  test("with the embedded database in a volume: what was there is there after a restart", async () => {
    const volume = join(temporaryFolder(), "data");
    // As an engine fills a new volume: with the owner and mode of the image's folder.
    const { uid, gid, mode } = statSync(join(image.layer, "data"));
    mkdirSync(volume, { mode: mode & 0o777 });
    chownSync(volume, uid, gid);
    const env = { POOLHOUSE_PORT: String(await freePort()) };
    for (const time of ["first", "second"]) {
      const server = start({ env, volume, readOnly: true });
      await server.prints(/Poolhouse ready at/);
      assert.equal(await healthy(server.container, env), true);
      assert.equal(await stop(server.container), 0);
      assert.equal(server.output().includes("AWS_SECRET_ACCESS_KEY"), time === "first");
    }
    assert.equal(statSync(join(volume, "db", "poolhouse.sqlite")).uid, uid);
  });
});

/** What a container has said, and waiting for it to say something. */
function listenTo(container: ChildProcess) {
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    container[name]!.setEncoding("utf8").on("data", (chunk: string) => {
      said[name] += chunk;
      container.emit("said");
    });
  }
  const until = (name: keyof typeof said) => async (pattern: RegExp) => {
    while (!pattern.test(said[name])) {
      if (container.exitCode !== null) throw new Error(`the container ended: ${said.stdout}${said.stderr}`);
      await Promise.race([once(container, "said"), once(container, "exit")]);
    }
  };
  return { output: () => said.stdout, prints: until("stdout"), errors: until("stderr") };
}
