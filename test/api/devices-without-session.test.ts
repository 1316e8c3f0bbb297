/**
 * DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER without Session, as AWS's examples and pycognito answer them: as good as with
 * it for the sign-in that has proven everything else, and for nothing more.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import {
  at,
  byPassword,
  confirmDevice,
  type Device,
  deviceProof,
  fromDevice,
  makePerson,
  otherClients,
  type Person,
  respondAt,
  signInByBoth,
  signInFirst,
  srpProof,
  together,
  toVerifier,
  withSoftwareToken,
} from "../doors/waits.ts";
import { adminCall, initiate, type Texts } from "../doors/ways.ts";
import type { Answer } from "../doors/wire.ts";
import { totp } from "../kit/factors.ts";
import { forOneServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";

type WithDevice = Person & { readonly device: Device };

const missing = "InvalidParameterException: Missing required parameter Session";
const said = ({ status, type, message }: Answer) => (status === 200 ? "goes on" : `${type}: ${message}`);
const isSignedIn = ({ body, message }: Answer, told?: string) =>
  assert.ok(body["AuthenticationResult"], `${told}: ${message}`);

/** The first answer, without Session. */
const begin = (person: Person, { key }: Device, client = new SrpClient()) =>
  respondAt("public", person, "DEVICE_SRP_AUTH", undefined, { SRP_A: client.srpA, DEVICE_KEY: key });

const finish = (person: Person, proof: Texts) =>
  respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", undefined, proof);

/** Both answers, without Session. */
async function proveDevice(person: Person, device: Device): Promise<Answer> {
  const client = new SrpClient();
  const { parameters } = at("DEVICE_PASSWORD_VERIFIER", await begin(person, device, client));
  return finish(person, deviceProof(person, device, client, parameters));
}

forOneServer("sqlite", "devices without Session", (open) => {
  const world = together(open);
  /** Somebody whose device stands for the software token. */
  const someone = async (): Promise<WithDevice> => {
    const { server, pools } = await world();
    const person = await withSoftwareToken(await makePerson(server, pools, "open"));
    return { ...person, device: await confirmDevice(person, await signInByBoth(person)) };
  };

  test("after the password, however it was proven, and after both factors", async () => {
    const person = await someone();
    const { device } = person;
    const names = { DEVICE_KEY: device.key };
    at("DEVICE_SRP_AUTH", await byPassword(person, names));
    isSignedIn(await proveDevice(person, device), "USER_PASSWORD_AUTH");

    const client = new SrpClient();
    const { Username: USERNAME } = person;
    const begun = at(
      "PASSWORD_VERIFIER",
      await initiate(person, "USER_SRP_AUTH", { USERNAME, SRP_A: client.srpA, ...names }),
    );
    const proof = { ...srpProof(person, client, begun.parameters), ...names };
    at("DEVICE_SRP_AUTH", await respondAt("public", person, "PASSWORD_VERIFIER", undefined, proof));
    isSignedIn(await proveDevice(person, device), "USER_SRP_AUTH");

    const { server, pools } = await world();
    const plain = await makePerson(server, pools, "open");
    const early = await confirmDevice(plain, await signInFirst(plain));
    const equipped = await withSoftwareToken(plain);
    const { session } = at("SOFTWARE_TOKEN_MFA", await byPassword(equipped, { DEVICE_KEY: early.key }));
    assert.equal(said(await begin(equipped, early)), missing, "the second factor is not proven yet");
    const code = { SOFTWARE_TOKEN_MFA_CODE: totp(equipped.secret!, server.clock.now, 1) };
    at("DEVICE_SRP_AUTH", await respondAt("public", equipped, "SOFTWARE_TOKEN_MFA", session, code));
    isSignedIn(await proveDevice(equipped, early), "both factors");
  });

  test("only for a sign-in of this user, client and device that has got this far, and once", async () => {
    const { server, pools } = await world();
    const [person, other] = [await someone(), await someone()];
    // Until the app shows another code.
    server.clock.advance(60_000);
    const second = await confirmDevice(person, await signInByBoth(person));
    const elsewhere = { ...person, ...(await otherClients(server, pools)).open };
    assert.equal(said(await begin(person, person.device)), missing, "no sign-in");
    await fromDevice(person);
    assert.equal(said(await begin(other, person.device)), missing, "another user");
    assert.equal(said(await begin({ ...person, Username: "nobody" }, person.device)), missing, "no user");
    assert.equal(said(await begin(elsewhere, person.device)), missing, "another client");
    assert.equal(said(await begin(person, second)), missing, "another device of the user");
    assert.equal(said(await begin(person, { ...second, key: "" })), missing, "no device");
    const client = new SrpClient();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => begin(person, person.device, client)));
    const [first, ...more] = answers.filter(({ status }) => status === 200);
    assert.equal(more.length, 0, "of parallel answers one goes on");
    assert.equal(said(await begin(person, person.device)), missing, "again");

    const { parameters } = at("DEVICE_PASSWORD_VERIFIER", first!);
    const proof = deviceProof(person, person.device, client, parameters);
    const used = "NotAuthorizedException: Invalid session for the user, session can only be used once.";
    const invalid = "NotAuthorizedException: Invalid session for the user.";
    assert.equal(said(await finish(elsewhere, proof)), invalid, "another client's block");
    assert.equal(said(await finish(other, { ...proof, USERNAME: other.Username })), invalid, "another user");
    const asFirst = { ...proof, USERNAME: person.Username };
    const wrongChallenge = await respondAt("public", person, "PASSWORD_VERIFIER", undefined, asFirst);
    assert.equal(said(wrongChallenge), missing, "a device's block for the password");
    const forged = Buffer.from(proof["PASSWORD_CLAIM_SECRET_BLOCK"]!, "base64");
    forged[forged.length - 1]! ^= 1;
    const altered = { ...proof, PASSWORD_CLAIM_SECRET_BLOCK: forged.toString("base64") };
    assert.equal(said(await finish(person, altered)), invalid, "an altered block");
    const { PASSWORD_CLAIM_SECRET_BLOCK: _, ...blockless } = proof;
    assert.equal(said(await finish(person, blockless)), missing, "no block");
    const done = await Promise.all([1, 2, 3].map(() => finish(person, proof)));
    assert.equal(done.filter(({ body }) => body["AuthenticationResult"]).length, 1);
    assert.equal(said(await finish(person, proof)), used, "again");
  });

  test("a wrong proof uses it up, and time runs out as with a Session", async () => {
    const person = await someone();
    const { device, server } = person;
    const client = new SrpClient();
    await fromDevice(person);
    const wrong = { ...device, secret: "another" };
    const { parameters } = at("DEVICE_PASSWORD_VERIFIER", await begin(person, device, client));
    const refusal = said(await finish(person, deviceProof(person, wrong, client, parameters)));
    assert.equal(refusal, "NotAuthorizedException: Incorrect username or password.");
    const right = await finish(person, deviceProof(person, device, client, parameters));
    assert.match(said(right), /only be used once/);
    await fromDevice(person);
    server.clock.advance(180_000);
    assert.equal(said(await begin(person, device)), missing, "the first, too late");
    await fromDevice(person);
    const begun = at("DEVICE_PASSWORD_VERIFIER", await begin(person, device, client));
    server.clock.advance(180_000);
    const late = await finish(person, deviceProof(person, device, client, begun.parameters));
    assert.match(said(late), /session is expired/);
  });

  test("what ends a sign-in with a Session ends it without one", async () => {
    const losses: Readonly<Record<string, (person: WithDevice) => Promise<unknown>>> = {
      "signed out everywhere": ({ server, UserPoolId, Username }) =>
        server.client.send(new sdk.AdminUserGlobalSignOutCommand({ UserPoolId, Username })),
      disabled: ({ server, UserPoolId, Username }) =>
        server.client.send(new sdk.AdminDisableUserCommand({ UserPoolId, Username })),
      "another password": ({ server, UserPoolId, Username }) => {
        const Password = "Another-Horse-9";
        const named = { UserPoolId, Username, Password, Permanent: true };
        return server.client.send(new sdk.AdminSetUserPasswordCommand(named));
      },
      "the device forgotten": ({ server, UserPoolId, Username, device }) =>
        server.client.send(new sdk.AdminForgetDeviceCommand({ UserPoolId, Username, DeviceKey: device.key })),
      deleted: ({ server, UserPoolId, Username }) =>
        server.client.send(new sdk.AdminDeleteUserCommand({ UserPoolId, Username })),
    };
    for (const [what, lose] of Object.entries(losses)) {
      const [early, late] = [await someone(), await someone()];
      await fromDevice(early);
      const client = new SrpClient();
      await fromDevice(late);
      const { parameters } = at("DEVICE_PASSWORD_VERIFIER", await begin(late, late.device, client));
      for (const person of [early, late]) await lose(person);
      assert.notEqual(said(await begin(early, early.device)), "goes on", `${what}, first`);
      const proof = deviceProof(late, late.device, client, parameters);
      assert.notEqual(said(await finish(late, proof)), "goes on", `${what}, second`);
    }
  });

  test("only from the network that the sign-in came from; the newest of several, which all keep their Sessions", async () => {
    const person = await someone();
    const { device, UserPoolId, ClientId, Username } = person;
    const from = (IpAddress: string) => ({
      ContextData: { IpAddress, ServerName: "s", ServerPath: "/", HttpHeaders: [] },
    });
    const place = { UserPoolId, ClientId };
    const names = { USERNAME: Username, DEVICE_KEY: device.key };
    const flow = {
      AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
      AuthParameters: { ...names, PASSWORD: "Correct-Horse-7" },
    };
    at(
      "DEVICE_SRP_AUTH",
      await adminCall(person, "AdminInitiateAuth", { ...place, ...flow, ...from("203.0.113.1") }),
    );
    const ChallengeResponses = { ...names, SRP_A: new SrpClient().srpA };
    const answer = { ...place, ChallengeName: "DEVICE_SRP_AUTH", ChallengeResponses };
    const respond = (more: object) =>
      adminCall(person, "AdminRespondToAuthChallenge", { ...answer, ...more });
    for (const other of [from("203.0.113.2"), {}]) assert.equal(said(await respond(other)), missing);
    assert.equal(said(await begin(person, device)), missing);
    at("DEVICE_PASSWORD_VERIFIER", await respond(from("203.0.113.1")));

    const sessions = [await fromDevice(person), await fromDevice(person)];
    isSignedIn(await proveDevice(person, device), "the newest");
    assert.equal(said(await begin(person, device)), missing, "not the older one");
    const client = new SrpClient();
    const named = { SRP_A: client.srpA, DEVICE_KEY: device.key };
    const [older, newest] = sessions.map((session) =>
      respondAt("public", person, "DEVICE_SRP_AUTH", session, named),
    );
    assert.match(said(await newest!), /only be used once/);
    const { parameters, session } = at("DEVICE_PASSWORD_VERIFIER", await older!);
    const proof = deviceProof(person, device, client, parameters);
    isSignedIn(await respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", session, proof), "the older");
  });

  test("the second answer may come without the Session that the first had, and the other way round", async () => {
    const person = await someone();
    const { device } = person;
    const { client, parameters } = await toVerifier(person);
    isSignedIn(
      await finish(person, deviceProof(person, device, client, parameters)),
      "only the first had it",
    );
    await fromDevice(person);
    const own = new SrpClient();
    const begun = at("DEVICE_PASSWORD_VERIFIER", await begin(person, device, own));
    const proof = deviceProof(person, device, own, begun.parameters);
    isSignedIn(
      await respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", begun.session, proof),
      "only the second",
    );
  });
});
