/** SRP against the fact sheet's vector, a client in plain BigInt arithmetic and amazon-cognito-identity-js's own client. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import { hmacSha256, toBase64, toHex, utf8 } from "../../src/lib/bytes.ts";
import * as srp from "../../src/lib/srp.ts";
import { saltedSecret } from "../kit/srp-client.ts";

const require = createRequire(import.meta.url);
const { N } = srp;
const group = "AbCdEfGhI";
const identity = "alice";
const password = "Password1!";

const integer = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);
const H = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

function modPow(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  // From the highest bit down, where to multiply by 2, the usual base, costs next to nothing.
  for (const bit of exponent.toString(2)) {
    result = (result * result) % N;
    if (bit === "1") result = (result * base) % N;
  }
  return result;
}

/** The client's side: the session key K. */
function clientKey(args: { a: bigint; B: bigint; salt: Uint8Array; password: string }): Buffer {
  const { a, B } = args;
  const inner = H(`${group}${identity}:${args.password}`);
  const x = integer(H(srp.pad(integer(args.salt)), inner));
  const u = integer(H(srp.pad(modPow(2n, a)), srp.pad(B)));
  const base = (((B - srp.k * modPow(2n, x)) % N) + N) % N;
  const S = modPow(base, a + u * x);
  const prk = hmacSha256(srp.pad(u), srp.pad(S));
  return hmacSha256(prk, "Caldera Derived Key\x01").subarray(0, 16);
}

const salt = Buffer.from("8ce8291892390f6b53a245933faf6164", "hex");

test("the vector: k, x, the verifier", () => {
  assert.equal(srp.k.toString(16), "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6");
  const verifier = srp.makeVerifier({ group, identity, password, salt });
  assert.equal(toHex(H(verifier)), "7cada97cc9fc87c94a24cd33de1840af68068873e79bae50108bd2f83961ff1c");
  const x = BigInt("0xe6bacf7f4deb514f29103462bcf781e977f8de898462c1e2c59d3523e8665db6");
  assert.equal(integer(verifier), modPow(2n, x));
});

test("the vector: B, K and the signature", async () => {
  const a = integer(H("a")) * integer(H("aa"));
  const b = srp.pad(integer(H("b")) * integer(H("bb")));
  const A = modPow(2n, a);
  const verifier = srp.makeVerifier({ group, identity, password, salt });
  const B = srp.startServer({ verifier, b });
  assert.match(toHex(H(srp.pad(A))), /^1ee2e899.*445$/);
  assert.match(toHex(H(srp.pad(B))), /^4bf5b06e.*dc0$/);
  const K = await srp.finishServer({ A, B, b, verifier });
  assert.equal(toHex(K), "6cfb711fe5735085b2e9141975f5d8ef");
  assert.deepEqual(clientKey({ a, B, salt, password }), K);
  const signature = srp.signature(K, group, identity, utf8("secret-block"), "Fri Nov 20 20:17:55 UTC 2026");
  assert.equal(toBase64(signature), "RpfiCMTBNZNVpqBD2ei9JlV2Eu5wU9BDKoT0MdqlzWE=");
});

test("50 random sign-ins agree with a client in BigInt arithmetic; a wrong password does not", async () => {
  for (let run = 0; run < 50; run++) {
    // Every fifth salt begins with a zero byte, whose loss both sides must survive.
    const someSalt = run % 5 === 0 ? Buffer.concat([Buffer.alloc(1), randomBytes(15)]) : randomBytes(16);
    const secret = `pässword ${run} 🔑`;
    const verifier = srp.makeVerifier({ group, identity, password: secret, salt: someSalt });
    const a = integer(randomBytes(128));
    const A = srp.parsePublicValue(modPow(2n, a).toString(16))!;
    const b = randomBytes(srp.SECRET_BYTES);
    const B = srp.startServer({ verifier, b });
    assert.equal(B, (srp.k * integer(verifier) + modPow(2n, integer(b))) % N);
    const K = await srp.finishServer({ A, B, b, verifier });
    assert.deepEqual(K, clientKey({ a, B, salt: someSalt, password: secret }));
    assert.deepEqual(await srp.exchange({ A, verifier, b }), { B, K });
    assert.notDeepEqual(K, clientKey({ a, B, salt: someSalt, password: `${secret}!` }));
  }
});

type Helper = {
  getLargeAValue(callback: (error: unknown, A: { toString(radix: number): string }) => void): void;
  getPasswordAuthenticationKey(
    user: string,
    password: string,
    B: unknown,
    salt: unknown,
    callback: (error: unknown, key: Uint8Array) => void,
  ): void;
  generateHashDevice(groupKey: string, key: string, callback: (error: unknown) => void): void;
  getRandomPassword(): string;
  getSaltDevices(): string;
  getVerifierDevices(): string;
};
const lib = "amazon-cognito-identity-js/lib";
const HelperClass = require(`${lib}/AuthenticationHelper.js`).default as new (group: string) => Helper;
const BigInteger = require(`${lib}/BigInteger.js`).default as new (text: string, radix: number) => unknown;

/** K by amazon-cognito-identity-js for what the server sent, after `serve` gave B for A. */
async function identityJsKey(
  name: string,
  user: string,
  secret: string,
  saltHex: string,
  serve: (A: string) => string,
) {
  const helper = new HelperClass(name);
  const A = await new Promise<string>((resolve, reject) => {
    helper.getLargeAValue((error, value) => (error ? reject(error) : resolve(value.toString(16))));
  });
  const B = new BigInteger(serve(A), 16);
  return new Promise<Uint8Array>((resolve, reject) => {
    helper.getPasswordAuthenticationKey(user, secret, B, new BigInteger(saltHex, 16), (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

test("amazon-cognito-identity-js signs in", async () => {
  for (let run = 0; run < 5; run++) {
    const someSalt = randomBytes(16);
    const verifier = srp.makeVerifier({ group, identity, password, salt: someSalt });
    const b = randomBytes(srp.SECRET_BYTES);
    const B = srp.startServer({ verifier, b });
    let A = 0n;
    const theirs = await identityJsKey(group, identity, password, toHex(someSalt), (text) => {
      A = srp.parsePublicValue(text)!;
      return srp.publicValueHex(B);
    });
    assert.equal(toHex(await srp.finishServer({ A, B, b, verifier })), toHex(theirs));
  }
});

/** x as amazon-cognito-identity-js computes it from SALT, taken where its arithmetic would begin. */
function identityJsSecret(helper: Helper, saltHex: string): bigint {
  let x: string | undefined;
  const taken = Object.assign(Object.create(helper) as Helper, {
    calculateS: (value: { toString(radix: number): string }) => {
      x = value.toString(16);
    },
  });
  const [B, salted] = [new BigInteger("5", 16), new BigInteger(saltHex, 16)];
  taken.getPasswordAuthenticationKey(identity, password, B, salted, assert.ifError);
  return BigInt(`0x${x}`);
}

test("whatever a salt begins with, clients that read SALT as text and as a number agree with the verifier", async () => {
  const helper = new HelperClass(group);
  await new Promise((resolve) => helper.getLargeAValue(resolve));
  const tail = Buffer.from("5be92f0c7d1844a3b6e0f29d4c31", "hex");
  const verifiers: string[] = [];
  for (let first = 0; first < 256; first++)
    for (const second of [0x00, 0x7f, 0x80]) {
      const someSalt = Buffer.from([first, second, ...tail]);
      const sent = srp.saltHex(someSalt);
      const x = saltedSecret(sent, `${group}${identity}:${password}`);
      assert.equal(identityJsSecret(helper, sent), x, sent);
      // The arithmetic itself for some of them: it costs the most.
      if (first % 16 === 0 || first === 0x7f) {
        const verifier = srp.makeVerifier({ group, identity, password, salt: someSalt });
        assert.equal(integer(verifier), modPow(2n, x), sent);
        verifiers.push(toHex(verifier));
      }
    }
  assert.equal(new Set(verifiers).size, verifiers.length);
  for (const short of ["", "00", "0000", "000080", "00007f"])
    assert.equal(
      integer(srp.makeVerifier({ group, identity, password, salt: Buffer.from(short, "hex") })),
      modPow(2n, saltedSecret(srp.saltHex(Buffer.from(short, "hex")), `${group}${identity}:${password}`)),
      short,
    );
});

test("a device that amazon-cognito-identity-js made signs in", async () => {
  const [groupKey, deviceKey] = ["-cu1JwBxk", "us-east-1_0d0c0ffe-1d6d-4ab1-8a3a-5cd27ab7a4ba"];
  const device = new HelperClass(groupKey);
  await new Promise<void>((resolve, reject) => {
    device.generateHashDevice(groupKey, deviceKey, (error) => (error ? reject(error) : resolve()));
  });
  const verifier = srp.parseVerifier(Buffer.from(device.getVerifierDevices(), "hex"))!;
  const deviceSalt = Buffer.from(device.getSaltDevices(), "hex");
  const secret = device.getRandomPassword();
  assert.deepEqual(
    srp.makeVerifier({ group: groupKey, identity: deviceKey, password: secret, salt: deviceSalt }),
    verifier,
  );
  const b = randomBytes(srp.SECRET_BYTES);
  let A = 0n;
  const B = srp.startServer({ verifier, b });
  const theirs = await identityJsKey(groupKey, deviceKey, secret, toHex(deviceSalt), (text) => {
    A = srp.parsePublicValue(text)!;
    return srp.publicValueHex(B);
  });
  const ours = await srp.exchange({ A, verifier, b });
  assert.equal(toHex(ours.K), toHex(theirs));
});

test("public values: hex of any case and odd length; what fixes the key is refused", () => {
  assert.equal(srp.parsePublicValue("aBc"), 0xabcn);
  assert.equal(srp.parsePublicValue(`00${(N - 2n).toString(16)}`), N - 2n);
  for (const bad of [0n, 1n, N - 1n, N, N + 1n, N + 5n]) {
    assert.equal(srp.parsePublicValue(bad.toString(16)), undefined);
    assert.equal(srp.parseVerifier(srp.pad(bad)), undefined);
  }
  for (const bad of ["", "-5", "0x5", "xyz", " 5", "5 ", "5\n", `${"0".repeat(770)}5`]) {
    assert.equal(srp.parsePublicValue(bad), undefined, JSON.stringify(bad));
  }
  assert.deepEqual(srp.parseVerifier(Uint8Array.of(0, 0x80)), Buffer.from([0, 0x80]));
  assert.equal(srp.parseVerifier(new Uint8Array(0)), undefined);
});

test("values out of range and what OpenSSL refuses are SrpErrors", async () => {
  const b = randomBytes(srp.SECRET_BYTES);
  const verifier = srp.makeVerifier({ group, identity, password, salt });
  const B = srp.startServer({ verifier, b });
  for (const A of [0n, 1n, N - 1n, N, 2n * N]) {
    await assert.rejects(srp.finishServer({ A, B, b, verifier }), srp.SrpError);
  }
  assert.throws(() => srp.startServer({ verifier: new Uint8Array(0), b }), srp.SrpError);
  // A secret of 0 makes the result 1, which OpenSSL refuses.
  await assert.rejects(srp.exchange({ A: 5n, verifier, b: new Uint8Array(32) }), srp.SrpError);
  assert.throws(() => srp.startServer({ verifier, b: new Uint8Array(31) }), /32 bytes/);
});

test("an odd A (not a power of 2) is computed like any other", async () => {
  const b = randomBytes(srp.SECRET_BYTES);
  const verifier = srp.makeVerifier({ group, identity, password, salt });
  for (const A of [2n, 3n, 5n, 7n, 11n, N - 2n]) {
    const B = srp.startServer({ verifier, b });
    const u = integer(H(srp.pad(A), srp.pad(B)));
    const S = modPow(A * modPow(integer(verifier), u), integer(b));
    const K = hmacSha256(hmacSha256(srp.pad(u), srp.pad(S)), "Caldera Derived Key\x01").subarray(0, 16);
    assert.deepEqual(await srp.finishServer({ A, B, b, verifier }), K);
  }
});

test("timestamps", () => {
  const at = Date.UTC(2026, 10, 2, 8, 5, 9);
  for (const text of [
    "Mon Nov 2 08:05:09 UTC 2026",
    "Fri Nov 2 08:05:09 UTC 2026",
    "Mon Nov 02 08:05:09 UTC 2026",
    "mon nov  2 8:05:09 GMT 2026",
  ]) {
    assert.equal(srp.parseTimestamp(text), at, text);
  }
  for (const text of [
    "",
    "2026-11-02T08:05:09Z",
    "Mon Nov 31 08:05:09 UTC 2026",
    "Mon Nov 0 08:05:09 UTC 2026",
    "Mon Foo 2 08:05:09 UTC 2026",
    "Mon Nov 2 24:05:09 UTC 2026",
    "Mon Nov 2 08:60:09 UTC 2026",
    "Mon Nov 2 08:05:09 CET 2026",
    "Mon Nov 2 08:05:09 UTC 2026 ",
  ]) {
    assert.equal(srp.parseTimestamp(text), undefined, text);
  }
  assert.equal(srp.parseTimestamp("Thu Feb 29 00:00:00 UTC 2024"), Date.UTC(2024, 1, 29));
});
