/** The keys of a verifier of signed calls: for how long they count, how many it keeps, and who gives them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createVerifier } from "../../src/sigv4/verifier.ts";
import { setAccessKeyStatus } from "../../src/store/access-keys.ts";
import { updateRole } from "../../src/store/roles.ts";
import { allowing } from "../identity-pools/setup.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  mismatch,
  newKey,
  newRole,
  newVerifier,
  refusedAs,
  sent,
  sessionOf,
  signed,
  verifying,
} from "./setup.ts";

const invalid = "The security token included in the request is invalid.";

forOneServer("postgres", "the keys of a verifier", (open) => {
  const now = async () => (await open()).clock.now;
  const callers = async (server: TestServer) => ({
    key: await newKey(server, "execute-api:Invoke"),
    session: sessionOf(server, await newRole(server, allowing("execute-api:Invoke"))),
  });

  test("credentials that are unknown, disabled, expired or revoked are refused, by what is known for a minute", async () => {
    const server = await open();
    server.clock.freeze();
    const place = await newVerifier(server);
    const { verifier } = place;
    const refused = refusedAs("credentials", invalid);
    const nobody = { accessKeyId: "AKIANOBODY0000000000", secretAccessKey: "x" };
    const stranger = await signed(nobody, sent(), { now: await now() });
    await assert.rejects(verifying(verifier, stranger), refused);
    await assert.rejects(verifying(verifier, stranger), refused);
    assert.equal(place.asked, 1);
    // Names that no credentials have are not even asked for.
    for (const accessKeyId of ["x", "AKIA-NOBODY", "k".repeat(129)])
      await assert.rejects(
        verifying(verifier, await signed({ ...nobody, accessKeyId }, sent(), { now: await now() })),
        refused,
      );
    assert.equal(place.asked, 1);
    const mine = await newKey(server, "execute-api:Invoke");
    const role = await newRole(server, allowing("execute-api:Invoke"));
    const session = sessionOf(server, role);
    const both = async () => {
      const at = await now();
      return Promise.all([mine, session].map((one) => signed(one, sent(), { now: at })));
    };
    for (const request of await both()) await verifying(verifier, request);
    const { asked } = place;
    for (const request of await both()) await verifying(verifier, request);
    assert.equal(place.asked, asked);
    await setAccessKeyStatus(server.app.db, mine.accessKeyId, "Inactive");
    await updateRole(server.app.db, { ...role, notBefore: (await now()) + 1 });
    server.clock.advance(59_000);
    for (const request of await both()) await verifying(verifier, request);
    server.clock.advance(2_000);
    for (const request of await both()) await assert.rejects(verifying(verifier, request), refused);
    // A session that ends before its minute is over ends at once.
    const short = sessionOf(server, await newRole(server, allowing("execute-api:Invoke")), { seconds: 10 });
    await verifying(verifier, await signed(short, sent(), { now: await now() }));
    server.clock.advance(11_000);
    await assert.rejects(verifying(verifier, await signed(short, sent(), { now: await now() })), refused);
    // Another session's token, and none.
    const other = sessionOf(server, await newRole(server, allowing("execute-api:Invoke")));
    const mixed = { ...other, sessionToken: short.sessionToken! };
    await assert.rejects(verifying(verifier, await signed(mixed, sent(), { now: await now() })), refused);
    const bare = { accessKeyId: other.accessKeyId, secretAccessKey: other.secretAccessKey };
    await assert.rejects(verifying(verifier, await signed(bare, sent(), { now: await now() })), refused);
  });

  test("asks once for what many want, and keeps no more keys than it should", async () => {
    const server = await open();
    server.clock.freeze();
    const place = await newVerifier(server, { cacheSize: 2 });
    const keys = await Promise.all([1, 2, 3].map(() => newKey(server, "execute-api:Invoke")));
    const at = await now();
    const [one, two, three] = await Promise.all(keys.map((key) => signed(key, sent(), { now: at })));
    await Promise.all(Array.from({ length: 50 }, () => verifying(place.verifier, one!)));
    assert.equal(place.asked, 1);
    // Keys that no signature has fitted crowd out none.
    for (let day = 0; day < 3; day += 1) {
      const forged = await signed({ ...keys[2]!, secretAccessKey: `${day}` }, sent(), { now: at });
      await assert.rejects(verifying(place.verifier, forged), refusedAs("signature", mismatch));
    }
    assert.equal(place.asked, 2);
    await verifying(place.verifier, two!);
    await verifying(place.verifier, one!);
    assert.equal(place.asked, 3);
    await verifying(place.verifier, three!);
    assert.equal(place.asked, 3);
    await verifying(place.verifier, one!);
    assert.equal(place.asked, 4);
    // Strangers can have it ask only so much at once.
    const many = await Promise.all(
      Array.from({ length: 100 }, (_, at_) =>
        signed({ accessKeyId: `AKIASTRANGER${at_}`, secretAccessKey: "x" }, sent(), { now: at }),
      ),
    );
    const ends = await Promise.allSettled(many.map((request) => verifying(place.verifier, request)));
    const problems = ends.map((end) => (end.status === "rejected" ? end.reason.problem : "none"));
    assert.equal(problems.filter((problem) => problem === "credentials").length, 64);
    assert.equal(problems.filter((problem) => problem === "unavailable").length, 36);
  });

  test("while the server does not answer, known keys count until they end; then nobody can tell", async () => {
    const server = await open();
    server.clock.freeze();
    const reasons: string[] = [];
    const onUnavailable = (error: unknown) => reasons.push((error as Error).message);
    const place = await newVerifier(server, { onUnavailable });
    const { key, session } = await callers(server);
    await verifying(place.verifier, await signed(key, sent(), { now: await now() }));
    place.isDown = true;
    server.clock.advance(50_000);
    await verifying(place.verifier, await signed(key, sent(), { now: await now() }));
    const other = await signed(session, sent(), { now: await now() });
    await assert.rejects(verifying(place.verifier, other), refusedAs("unavailable", "Service Unavailable"));
    server.clock.advance(11_000);
    await assert.rejects(
      verifying(place.verifier, await signed(key, sent(), { now: await now() })),
      refusedAs("unavailable"),
    );
    assert.equal(reasons.length, 2);
    for (const reason of reasons)
      assert.match(reason, /^http:\/\/localhost:\d+ did not answer GetSigningKey: no way there$/);
    place.isDown = false;
    await verifying(place.verifier, await signed(key, sent(), { now: await now() }));
    await verifying(place.verifier, await signed(session, sent(), { now: await now() }));
  });

  test("the log says where nobody answers, and why", async () => {
    const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "x" };
    const reasons: string[] = [];
    const onUnavailable = (error: unknown) => reasons.push((error as Error).message);
    const nobody = createServer().listen(0, "127.0.0.1");
    await once(nobody, "listening");
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, "close");
    for (const host of ["127.0.0.1", "localhost"]) {
      const verifier = createVerifier({ endpoint: `http://${host}:${port}`, credentials, onUnavailable });
      const call = await signed(credentials, sent(), { now: Date.now() });
      await assert.rejects(verifying(verifier, call), refusedAs("unavailable"));
      assert.match(reasons.at(-1)!, new RegExp(`^http://${host}:${port} did not answer.*ECONNREFUSED`));
    }
  });

  test("a verifier without the permission, or for a service of the server itself, can tell nothing", async () => {
    const server = await open();
    server.clock.freeze();
    const { key } = await callers(server);
    const reasons: string[] = [];
    const onUnavailable = (error: unknown) => reasons.push((error as Error).message);
    const powerless = await newKey(server, "execute-api:Invoke");
    const wrong = { ...rootKey, secretAccessKey: "guessed" };
    for (const credentials of [powerless, wrong, async () => powerless]) {
      const { verifier } = await newVerifier(server, { credentials, onUnavailable });
      await assert.rejects(
        verifying(verifier, await signed(key, sent(), { now: await now() })),
        refusedAs("unavailable"),
      );
    }
    for (const service of ["cognito-idp", "sts"]) {
      const { verifier } = await newVerifier(server, { service, credentials: rootKey, onUnavailable });
      await assert.rejects(
        verifying(verifier, await signed(key, sent(), { service, now: await now() })),
        refusedAs("unavailable"),
      );
    }
    assert.deepEqual(
      reasons.map((reason) => /(\w+):/.exec(reason)?.[1]),
      [
        "AccessDeniedException",
        "InvalidSignatureException",
        "AccessDeniedException",
        "InvalidParameterException",
        "InvalidParameterException",
      ],
    );
    // With temporary credentials of a role that may.
    const role = await newRole(server, allowing("poolhouse:GetSigningKey"));
    const { verifier } = await newVerifier(server, { credentials: async () => sessionOf(server, role) });
    await verifying(verifier, await signed(key, sent(), { now: await now() }));
  });
});
