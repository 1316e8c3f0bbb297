/** Names of roles, which differ by more than letter case. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { putRole } from "../../src/domain/roles/manage-roles.ts";
import { OperatorError } from "../../src/lib/operator-error.ts";
import { migrations } from "../../src/store/migrations/migrate.ts";
import { openDatabase } from "../../src/store/open.ts";
import { insertRole, type Role, readRole, readRoleName } from "../../src/store/roles.ts";
import { forEachDatabase } from "../kit/databases.ts";

const role = (name: string): Role => ({
  ...{ name, id: `AROA${name}`, path: "/", description: "", trust: "{}", policies: {} },
  ...{ maxSessionSeconds: 3600, notBefore: 0, createdAt: 1, updatedAt: 1 },
});

forEachDatabase((_name, open, _fresh, empty) => {
  test("of roles that are made at once under names alike one is made, whoever makes them", async () => {
    const { db } = await open();
    const names = ["Reader", "reader", "READER", "reaDer"];
    const made = await Promise.all(names.map((name) => insertRole(db, role(name))));
    assert.deepEqual(made.sort(), [false, false, false, true]);
    const name = (await readRoleName(db, "rEADER")) ?? assert.fail("no role");
    assert.ok(names.includes(name));
    for (const other of names)
      assert.equal((await readRole(db, other))?.name, other === name ? name : undefined);
    const program = { db, random: () => new Uint8Array(32), clock: () => 2 };
    const definition = { ...role(name.toUpperCase() === name ? "reader" : "READER"), createdAt: undefined };
    await assert.rejects(putRole(program, definition), {
      name: "OperatorError",
      message: `There is a role ${name}: names of roles differ by more than letter case.`,
    });
    assert.equal(await readRoleName(db, "readers"), undefined);
  });

  test("roles of an earlier version whose names are alike keep a server from starting, which names them", async () => {
    const options = await empty();
    const earlier = await openDatabase({ ...options, migrations: migrations.slice(0, 20) });
    for (const name of ["admin", "Admin", "other"]) assert.ok(await insertRole(earlier.db, role(name)));
    await earlier.close();
    await assert.rejects(openDatabase(options), (error) => {
      assert.ok(error instanceof OperatorError);
      assert.match(
        error.message,
        /^There are 2 roles whose names differ from Admin by letter case only\. Delete/,
      );
      return true;
    });
    const mended = await openDatabase({ ...options, migrations: migrations.slice(0, 20) });
    await mended.db.kysely.deleteFrom("roles").where("role_name", "=", "admin").execute();
    await mended.close();
    const now = await openDatabase(options);
    assert.equal(await readRoleName(now.db, "ADMIN"), "Admin");
    await now.close();
  });
});
