/** What `poolhouse doctor` says of a public URL and of proxies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { changePublicUrl } from "../../src/store/public-url.ts";
import { forEachDatabase, temporaryFolder } from "../kit/databases.ts";
import { runWith } from "./program.ts";

const doctor = (settings: Readonly<Record<string, string>>) =>
  runWith({ POOLHOUSE_DATA: temporaryFolder(), ...settings }, "doctor");

test("a proxy that nobody named is told of, and is no failure by itself", async () => {
  const url = "https://id.example.com";
  const warning = /^warn {2}a proxy seems to bring the clients.* POOLHOUSE_TRUSTED_PROXIES/m;
  const mail = { POOLHOUSE_SMTP_URL: "smtp://127.0.0.1:9", POOLHOUSE_SMTP_FROM: "no-reply@example.com" };
  for (const settings of [
    { POOLHOUSE_PUBLIC_URL: url },
    { POOLHOUSE_PUBLIC_URL: url, POOLHOUSE_HOST: "0.0.0.0" },
    { POOLHOUSE_EXTRA_HOSTS: "id.example.com" },
  ]) {
    const { stdout } = await doctor({ ...mail, ...settings });
    assert.match(stdout, warning, JSON.stringify(settings));
  }
  const { stdout } = await doctor({
    POOLHOUSE_PUBLIC_URL: url,
    POOLHOUSE_TRUSTED_PROXIES: "10.0.0.0/8,::1/128",
  });
  assert.match(stdout, /^ok {4}X-Forwarded-For is believed from 10\.0\.0\.0\/8, ::1\/128$/m);
  assert.doesNotMatch(stdout, warning);
  const alone = await doctor({});
  assert.equal(alone.code, 0, alone.stdout);
  assert.doesNotMatch(alone.stdout, /warn|proxy|X-Forwarded-For/);
});

forEachDatabase((database, open, fresh) => {
  test("the public URL is held against the one that the database belongs to", async () => {
    const options = await fresh();
    const { db } = await open(options);
    const settings = {
      POOLHOUSE_DATABASE: options.url,
      ...(options.masterKey && { POOLHOUSE_MASTER_KEY: options.masterKey }),
      ...(options.secretsFolder && { POOLHOUSE_DATA: `${options.secretsFolder}/..` }),
    };
    const says = async (more: Readonly<Record<string, string>>) =>
      (await doctor({ ...settings, ...more })).stdout;
    const mine = { POOLHOUSE_PUBLIC_URL: "http://localhost:4747" };
    if (database === "sqlite") {
      assert.doesNotMatch(await says(mine), /belongs|binds/);
      return;
    }
    assert.match(
      await says(mine),
      /^ok {4}the first server to start binds the database to http:\/\/localhost:4747$/m,
    );
    await changePublicUrl(db, "http://localhost:4747");
    assert.match(await says(mine), /^ok {4}the database belongs to this public URL$/m);
    const other = await says({ POOLHOUSE_PUBLIC_URL: "http://localhost:4848" });
    assert.match(
      other,
      /^FAIL {2}the database belongs to the public URL http:\/\/localhost:4747: with .*:4848 a server/m,
    );
    assert.match(await says({ POOLHOUSE_HOST: "0.0.0.0" }), /^FAIL {2}the public URL must be configured/m);
  });
});
