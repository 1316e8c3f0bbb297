/** What the functions of a pool decide about users whom identity providers sign in; the order is in test/triggers/golden.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ListUsersCommand } from "@aws-sdk/client-cognito-identity-provider";
import { makeUser, newAddress, unique } from "../kit/people.ts";
import {
  eventsOf,
  forOneServerWithFunctions,
  plainTriggers,
  script,
  scripted,
  sourcesOf,
} from "../triggers/functions.ts";
import {
  addProvider,
  arrive,
  federatedPlace,
  identity,
  known,
  newSubject,
  offer,
  tokensOf,
  turnedAway,
} from "./people.ts";

const LambdaConfig = {
  ...plainTriggers,
  InboundFederation: { LambdaVersion: "V1_0" as const, LambdaArn: scripted },
  PreTokenGeneration: scripted,
};

const inbound = "InboundFederation_ExternalProvider";
const signsUp = "PreSignUp_ExternalProvider";
const before = "PreAuthentication_Authentication";
const after = "PostAuthentication_Authentication";
const confirms = "PostConfirmation_ConfirmSignUp";

forOneServerWithFunctions("postgres", "functions and users of identity providers", (open) => {
  const newPlace = async () => federatedPlace(await open(), { LambdaConfig });

  test("what a function throws reaches the client, at every trigger", async () => {
    const place = await newPlace();
    const { server, UserPoolId } = place;
    const subject = newSubject();
    const refusing = async (source: string, trigger: string) => {
      script(UserPoolId, source, { throws: "Not here" });
      await assert.rejects(
        arrive(place, identity(subject)),
        turnedAway(`${trigger} failed with error Not here.`),
      );
      script(UserPoolId, source, undefined);
      const { Users } = await server.client.send(new ListUsersCommand({ UserPoolId }));
      return Users?.length;
    };
    assert.equal(await refusing(inbound, "InboundFederation"), 0);
    assert.equal(await refusing(signsUp, "PreSignUp"), 0);
    assert.equal(await refusing(confirms, "PostConfirmation"), 1);
    assert.equal(await refusing(before, "PreAuthentication"), 1);
    assert.equal(await refusing(after, "PostAuthentication"), 1);
    eventsOf(UserPoolId);
    const signedIn = await arrive(place, identity(subject));
    assert.equal((await tokensOf(place, signedIn)).status, 200);
    assert.deepEqual(sourcesOf(UserPoolId), [inbound, before, after, "TokenGeneration_HostedAuth"]);
  });

  test("PreSignUp neither confirms nor verifies anybody here", async () => {
    const place = await newPlace();
    const response = { autoConfirmUser: true, autoVerifyEmail: true, autoVerifyPhone: true };
    script(place.UserPoolId, signsUp, { response });
    const { user } = await arrive(place, identity(newSubject(), { email: newAddress() }));
    const { status, attributes } = await known(place, user.username);
    assert.deepEqual([status, attributes["email_verified"]], ["EXTERNAL_PROVIDER", "false"]);
  });

  test("what InboundFederation answers is mapped in place of what the provider says", async () => {
    const place = await newPlace();
    const email = newAddress();
    script(place.UserPoolId, inbound, {
      response: { userAttributesToMap: { email, email_verified: "true" } },
    });
    const { user } = await arrive(place, identity(newSubject(), { email: newAddress(), name: "Ann" }));
    const { attributes } = await known(place, user.username);
    const { email_verified, name } = attributes;
    assert.deepEqual([attributes["email"], email_verified, name], [email, "true", undefined]);
  });

  test("PreAuthentication hears of the attributes as they were, PostAuthentication as they are", async () => {
    const place = await newPlace();
    const subject = newSubject();
    await arrive(place, identity(subject, { name: "Ann" }));
    eventsOf(place.UserPoolId);
    await arrive(place, identity(subject, { name: "Anna" }));
    const names = eventsOf(place.UserPoolId)
      .filter(({ triggerSource }) => triggerSource === before || triggerSource === after)
      .map(({ request }) => (request["userAttributes"] as Record<string, string>)["name"]);
    assert.deepEqual(names, ["Ann", "Anna"]);
  });

  test("whoever is refused keeps the attributes", async () => {
    const place = await newPlace();
    const subject = newSubject();
    const { user } = await arrive(place, identity(subject, { name: "Ann" }));
    script(place.UserPoolId, before, { throws: "Closed" });
    await assert.rejects(arrive(place, identity(subject, { name: "Eve" })), turnedAway(/Closed/));
    assert.equal((await known(place, user.username)).attributes["name"], "Ann");
  });

  test("no function of messages, of challenges or of migration is asked", async () => {
    const place = await newPlace();
    const { UserPoolId } = place;
    await addProvider(place, "Google", { type: "Google" });
    await offer(place, "Google");
    await makeUser(place.server, UserPoolId, unique("native"));
    eventsOf(UserPoolId);
    await arrive(place, identity(newSubject(), { email: newAddress() }), "Google");
    assert.deepEqual(sourcesOf(UserPoolId), [inbound, signsUp, confirms]);
  });
});
