import assert from "node:assert/strict";
import { test } from "node:test";
import { packPhc, unpackPhc } from "../../src/lib/phc.ts";

const salt = "AAECAwQFBgcICQoLDA0ODw";
const hash = "/+7dzLuqmYh3ZlVEMyIRAP/u3cy7qpmId2ZVRDMiEQA";
const argon2id = `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${hash}`;

test("a hash of argon2id takes 56 bytes and comes out as it went in", () => {
  const packed = packPhc(argon2id);
  assert.equal(packed.length, 8 + 16 + 32);
  assert.equal(unpackPhc(packed), argon2id);
  // As part of a larger buffer, which opened values may be.
  assert.equal(unpackPhc(Buffer.concat([Buffer.from("x"), packed]).subarray(1)), argon2id);
});

const others: Readonly<Record<string, string>> = {
  "of the largest parameters": `$argon2id$v=19$m=999999999,t=255,p=255$${salt}$${hash}`,
  "with more passes than fit": `$argon2id$v=19$m=19456,t=256,p=1$${salt}$${hash}`,
  "with a zero in front": `$argon2id$v=19$m=019456,t=2,p=1$${salt}$${hash}`,
  "of another version": `$argon2id$v=16$m=19456,t=2,p=1$${salt}$${hash}`,
  "of another kind": `$argon2i$v=19$m=19456,t=2,p=1$${salt}$${hash}`,
  "with a key id": `$argon2id$v=19$m=19456,t=2,p=1,keyid=AA$${salt}$${hash}`,
  "in base64 that is not canonical": `$argon2id$v=19$m=19456,t=2,p=1$${salt.slice(0, -1)}x$${hash}`,
  "with a salt that is too long": `$argon2id$v=19$m=19456,t=2,p=1$${"AAAA".repeat(86)}$${hash}`,
  "of bcrypt": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
  "that is not one": "Zürich",
  "that is empty": "",
};

for (const [what, text] of Object.entries(others))
  test(`a hash ${what} comes out as it went in`, () => assert.equal(unpackPhc(packPhc(text)), text));
