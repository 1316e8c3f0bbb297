import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminGetUserCommand,
  type AttributeType,
  ChangePasswordCommand,
  DeleteUserAttributesCommand,
  DeleteUserCommand,
  GetUserAttributeVerificationCodeCommand,
  GetUserCommand,
  GlobalSignOutCommand,
  UpdateUserAttributesCommand,
  VerifyUserAttributeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { attributesOf, makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

const verified = { Name: "email_verified", Value: "true" };
const email = (Value: string) => ({ Name: "email", Value });

/** What a signed-in user does, in short. */
function self({ client }: TestServer, AccessToken: string) {
  return {
    get: async () => attributesOf((await client.send(new GetUserCommand({ AccessToken }))).UserAttributes),
    update: (...UserAttributes: AttributeType[]) =>
      client.send(new UpdateUserAttributesCommand({ AccessToken, UserAttributes })),
    remove: (...UserAttributeNames: string[]) =>
      client.send(new DeleteUserAttributesCommand({ AccessToken, UserAttributeNames })),
    sendCode: (AttributeName = "email") =>
      client.send(new GetUserAttributeVerificationCodeCommand({ AccessToken, AttributeName })),
    verify: (Code: string, AttributeName = "email") =>
      client.send(new VerifyUserAttributeCommand({ AccessToken, AttributeName, Code })),
    changePassword: (PreviousPassword: string | undefined, ProposedPassword: string) =>
      client.send(new ChangePasswordCommand({ AccessToken, PreviousPassword, ProposedPassword })),
  };
}

forEachServer("users by themselves", (open) => {
  test("read and write what the client may", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(
      server,
      { Schema: [{ Name: "fixed", AttributeDataType: "String", Mutable: false }] },
      { ReadAttributes: ["email", "name"], WriteAttributes: ["name", "nickname", "custom:fixed"] },
    );
    await makeUser(server, UserPoolId, "ann", [email(newAddress()), { Name: "custom:fixed", Value: "x" }]);
    const ann = self(server, (await signIn(server, ClientId, "ann")).AccessToken);
    assert.deepEqual(Object.keys(await ann.get()), ["sub", "email"]);
    assert.deepEqual((await ann.update({ Name: "name", Value: "Ann" })).CodeDeliveryDetailsList, []);
    assert.equal((await ann.get())["name"], "Ann");
    const unwritable = refused(
      "NotAuthorizedException",
      "A client attempted to write unauthorized attribute",
    );
    await assert.rejects(ann.update(email(newAddress())), unwritable);
    await assert.rejects(ann.update(verified), unwritable);
    await assert.rejects(ann.remove("email"), unwritable);
    await assert.rejects(
      ann.update({ Name: "custom:fixed", Value: "y" }),
      refused("InvalidParameterException", "user.custom:fixed: Attribute cannot be updated.\n"),
    );
    await assert.rejects(
      ann.update({ Name: "flavor", Value: "y" }),
      refused("InvalidParameterException", /flavor/),
    );
    await ann.remove("name");
    assert.equal((await ann.get())["name"], undefined);
  });

  test("a new address takes effect at once, unverified, and is verified by its code", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    await makeUser(server, UserPoolId, "ann", [email(newAddress()), verified]);
    const ann = self(server, (await signIn(server, ClientId, "ann")).AccessToken);
    const address = newAddress();
    const answer = await ann.update(email(address));
    assert.deepEqual(answer.CodeDeliveryDetailsList, [
      { AttributeName: "email", DeliveryMedium: "EMAIL", Destination: "u***@m***" },
    ]);
    assert.equal((await ann.get())["email"], address);
    assert.equal((await ann.get())["email_verified"], "false");
    const code = await server.code(address);
    await assert.rejects(
      ann.verify(code === "000000" ? "000001" : "000000"),
      refused("CodeMismatchException"),
    );
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => ann.verify(code)));
    assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
    assert.equal((await ann.get())["email_verified"], "true");
    await assert.rejects(
      ann.verify(code),
      refused("ExpiredCodeException", "Invalid code provided, please request a code again."),
    );
  });

  test("a code proves the address it was sent to, no other", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const address = newAddress();
    await makeUser(server, UserPoolId, "ann", [email(address)]);
    const ann = self(server, (await signIn(server, ClientId, "ann")).AccessToken);
    assert.deepEqual((await ann.sendCode()).CodeDeliveryDetails, {
      AttributeName: "email",
      DeliveryMedium: "EMAIL",
      Destination: "u***@m***",
    });
    const code = await server.code(address);
    await ann.update(email("boss@victim.example"));
    await assert.rejects(ann.verify(code), refused("ExpiredCodeException"));
    assert.equal((await ann.get())["email_verified"], "false");
    await assert.rejects(ann.sendCode("phone_number"), refused("InvalidParameterException"));
    await assert.rejects(ann.sendCode("name"), refused("InvalidParameterException"));
    for (let sent = 1; sent < 5; sent++) await ann.sendCode();
    await assert.rejects(ann.sendCode(), refused("LimitExceededException"));
  });

  test("a new address can wait for its verification", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, {
      AliasAttributes: ["email"],
      AutoVerifiedAttributes: ["email"],
      UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email"] },
    });
    const old = newAddress();
    const taken = newAddress();
    await makeUser(server, UserPoolId, "ann", [email(old), verified]);
    await makeUser(server, UserPoolId, "bob", [email(taken), verified]);
    const ann = self(server, (await signIn(server, ClientId, old)).AccessToken);
    const address = newAddress();
    await ann.update(email(address), { Name: "name", Value: "Ann" });
    const waiting = await ann.get();
    assert.deepEqual([waiting["email"], waiting["email_verified"], waiting["name"]], [old, "true", "Ann"]);
    await signIn(server, ClientId, old);
    await assert.rejects(signIn(server, ClientId, address), refused("UserNotFoundException"));
    await ann.verify(await server.code(address));
    assert.equal((await ann.get())["email"], address);
    await signIn(server, ClientId, address);
    await assert.rejects(signIn(server, ClientId, old), refused("UserNotFoundException"));

    await ann.update(email(taken));
    const code = await server.code(taken);
    await assert.rejects(
      ann.verify(code),
      refused("AliasExistsException", "An account with the given email already exists."),
    );
    assert.equal((await ann.get())["email"], address);
  });

  test("ChangePassword asks for the old one, keeps tokens, and is limited", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    const ann = self(server, (await signIn(server, ClientId, "ann")).AccessToken);
    const wrong = refused("NotAuthorizedException", "Incorrect username or password.");
    await assert.rejects(ann.changePassword("wrong-Secret-1", "Another-Secret-1"), wrong);
    await assert.rejects(ann.changePassword(undefined, "Another-Secret-1"), wrong);
    await assert.rejects(ann.changePassword(password, "onlylowercase"), refused("InvalidPasswordException"));
    await ann.changePassword(password, "Another-Secret-1");
    await ann.get();
    await signIn(server, ClientId, "ann", "Another-Secret-1");
    await assert.rejects(signIn(server, ClientId, "ann"), wrong);
    await assert.rejects(ann.changePassword(password, "Third-Secret-1"), wrong);
    await assert.rejects(ann.changePassword(password, "Third-Secret-1"), wrong);
    await assert.rejects(
      ann.changePassword("Another-Secret-1", "Third-Secret-1"),
      refused("LimitExceededException", "Attempt limit exceeded, please try after some time."),
    );
  });

  test("global sign-out and deletion", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    const first = await signIn(server, ClientId, "ann");
    const second = await signIn(server, ClientId, "ann");
    await server.client.send(new GlobalSignOutCommand({ AccessToken: first.AccessToken }));
    for (const { AccessToken } of [first, second]) {
      await assert.rejects(
        self(server, AccessToken).get(),
        refused("NotAuthorizedException", "Access Token has been revoked"),
      );
    }
    const { AccessToken } = await signIn(server, ClientId, "ann");
    await server.client.send(new DeleteUserCommand({ AccessToken }));
    await assert.rejects(
      server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" })),
      refused("UserNotFoundException"),
    );
    await assert.rejects(self(server, AccessToken).get());
  });
});
