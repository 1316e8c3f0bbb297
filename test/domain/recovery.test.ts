/** No single address is both what recovers a password and the second factor: over every pool and user there can be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { demandsTwo, usableFactors } from "../../src/domain/mfa/factors.ts";
import { splitAddresses } from "../../src/domain/signin/waiting-addresses.ts";
import { contacts, everyPool, everyUser, reachOf, recoveredBy } from "./recovery-cases.ts";

test("whoever reads one address gets no tokens where two factors are demanded", () => {
  const users = [...everyUser()];
  const seen = { tokens: 0, MFA_SETUP: 0, nothing: 0, recovered: 0, refused: 0 };
  for (const pool of everyPool())
    for (const user of users) {
      if (!demandsTwo(pool, user)) continue;
      const recovering = recoveredBy({ pool, user });
      seen[recovering.length > 0 ? "recovered" : "refused"]++;
      for (const address of contacts) {
        const reach = reachOf({ pool, user }, address);
        seen[reach]++;
        const what = () => JSON.stringify({ address, pool: pool.document, user });
        if (reach === "tokens") assert.fail(what());
        // A factor is set up by whoever proves the first one of a user who has none; never of one who has.
        if (reach === "MFA_SETUP") assert.deepEqual(usableFactors(pool, user), [], what());
      }
    }
  // None of it was vacuous.
  for (const [name, count] of Object.entries(seen).filter(([name]) => name !== "tokens"))
    assert.ok(count > 1000, `${name}: ${count}`);
});

test("where one factor is enough, every verified address that the pool allows recovers, unless it is turned on", () => {
  let allowed = 0;
  for (const pool of everyPool()) {
    const mechanisms = pool.document.AccountRecoverySetting?.RecoveryMechanisms;
    const allows = { email: "verified_email", phone_number: "verified_phone_number" } as const;
    const factor = { email: "EMAIL_OTP", phone_number: "SMS_MFA" } as const;
    for (const user of everyUser()) {
      if (demandsTwo(pool, user)) continue;
      const recovering = recoveredBy({ pool, user });
      for (const contact of contacts) {
        const isNamed = mechanisms?.some(({ Name }) => Name === allows[contact]) ?? true;
        const expected =
          isNamed &&
          user.attributes[`${contact}_verified`] === "true" &&
          !user.mfa.enabled.includes(factor[contact]);
        assert.equal(recovering.includes(contact), expected, JSON.stringify({ pool: pool.document, user }));
        if (expected) allowed++;
      }
    }
  }
  assert.ok(allowed > 1000);
});

test("a new password moves, adds and removes no factor of who has one", () => {
  const changes: Record<string, string>[] = [
    { email: "other@mail.example", phone_number: "", nickname: "Ann" },
    { email: "", phone_number: "+15550199", nickname: "Ann" },
  ];
  let held = 0;
  const users = [...everyUser()];
  for (const pool of everyPool())
    for (const user of users) {
      const before = usableFactors(pool, user);
      if (before.length === 0) continue;
      for (const given of changes) {
        const { now, later } = splitAddresses(pool, user, given);
        const attributes: Record<string, string> = { ...user.attributes, ...now };
        const what = () => JSON.stringify({ pool: pool.document, user, given });
        const stands = contacts.every(
          (contact) => (attributes[contact] ?? "") === (user.attributes[contact] ?? ""),
        );
        assert.ok(stands && now["nickname"] === "Ann", what());
        assert.equal(usableFactors(pool, { ...user, attributes }).join(), before.join());
        if (later !== undefined) held++;
      }
    }
  assert.ok(held > 1000);
});
