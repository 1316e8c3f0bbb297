import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  ConfirmForgotPasswordCommand,
  ForgotPasswordCommand,
  GetUserCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient, makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

const verified = { Name: "email_verified", Value: "true" };
const newPassword = "Another-Secret-1";

function through({ client }: TestServer, ClientId: string) {
  return {
    forgot: async (Username: string) =>
      (await client.send(new ForgotPasswordCommand({ ClientId, Username }))).CodeDeliveryDetails,
    confirm: (Username: string, ConfirmationCode: string, Password = newPassword) =>
      client.send(new ConfirmForgotPasswordCommand({ ClientId, Username, ConfirmationCode, Password })),
  };
}

const other = (code: string) => (code === "000000" ? "000001" : "000000");

forEachServer("forgotten passwords", (open) => {
  test("a code by e-mail, a new password, and no token from before", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const address = newAddress();
    await makeUser(server, UserPoolId, "ann", [{ Name: "email", Value: address }, verified]);
    const { AccessToken } = await signIn(server, ClientId, "ann");
    const app = through(server, ClientId);
    assert.deepEqual(await app.forgot("ann"), {
      AttributeName: "email",
      DeliveryMedium: "EMAIL",
      Destination: "u***@m***",
    });
    const code = await server.code(address);
    await assert.rejects(
      app.confirm("ann", other(code)),
      refused("CodeMismatchException", "Invalid verification code provided, please try again."),
    );
    await assert.rejects(app.confirm("ann", code, "short-1"), refused("InvalidPasswordException"));
    await signIn(server, ClientId, "ann");
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => app.confirm("ann", code)));
    assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
    await assert.rejects(
      app.confirm("ann", code),
      refused("ExpiredCodeException", "Invalid code provided, please request a code again."),
    );
    await assert.rejects(
      server.client.send(new GetUserCommand({ AccessToken })),
      refused("NotAuthorizedException", "Access Token has been revoked"),
    );
    await assert.rejects(signIn(server, ClientId, "ann"), refused("NotAuthorizedException"));
    await signIn(server, ClientId, "ann", newPassword);
  });

  test("the code lapses after an hour", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const address = newAddress();
    await makeUser(server, UserPoolId, "ann", [{ Name: "email", Value: address }, verified]);
    const app = through(server, ClientId);
    await app.forgot("ann");
    const code = await server.code(address);
    server.clock.advance(3600_000);
    await assert.rejects(app.confirm("ann", code), refused("ExpiredCodeException"));
  });

  test("LEGACY tells why a password cannot be reset", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const app = through(server, ClientId);
    await assert.rejects(
      app.forgot("nobody"),
      refused("UserNotFoundException", "Username/client id combination not found."),
    );
    await assert.rejects(
      app.confirm("nobody", "123456"),
      refused("UserNotFoundException", "Username/client id combination not found."),
    );
    const nothing = refused(
      "InvalidParameterException",
      "Cannot reset password for the user as there is no registered/verified email or phone_number",
    );
    await makeUser(server, UserPoolId, "unverified", [{ Name: "email", Value: newAddress() }]);
    await assert.rejects(app.forgot("unverified"), nothing);
    await server.client.send(new SignUpCommand({ ClientId, Username: "unconfirmed", Password: password }));
    await assert.rejects(app.forgot("unconfirmed"), nothing);
    await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "invited", MessageAction: "SUPPRESS" }),
    );
    await assert.rejects(
      app.forgot("invited"),
      refused("NotAuthorizedException", "User password cannot be reset in the current state."),
    );
    await makeUser(server, UserPoolId, "disabled", [{ Name: "email", Value: newAddress() }, verified]);
    await server.client.send(new AdminDisableUserCommand({ UserPoolId, Username: "disabled" }));
    await assert.rejects(app.forgot("disabled"), refused("NotAuthorizedException", "User is disabled."));
  });

  test("ENABLED answers everybody alike", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, {}, { PreventUserExistenceErrors: "ENABLED" });
    const app = through(server, ClientId);
    const address = newAddress();
    await makeUser(server, UserPoolId, "ann", [{ Name: "email", Value: address }, verified]);
    await makeUser(server, UserPoolId, "unverified");
    await makeUser(server, UserPoolId, "disabled", [{ Name: "email", Value: newAddress() }, verified]);
    await server.client.send(new AdminDisableUserCommand({ UserPoolId, Username: "disabled" }));
    await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "invited", MessageAction: "SUPPRESS" }),
    );
    const mismatch = refused(
      "CodeMismatchException",
      "Invalid verification code provided, please try again.",
    );
    for (const name of ["nobody", "unverified", "disabled", "invited"]) {
      await assert.rejects(app.confirm(name, "123456"), mismatch, name);
      const first = await app.forgot(name);
      assert.deepEqual(Object.keys(first ?? {}).toSorted(), [
        "AttributeName",
        "DeliveryMedium",
        "Destination",
      ]);
      assert.match(first?.Destination ?? "", /^\+\*{7}\d{4}$|^[a-z]\*\*\*@[a-z]\*\*\*$/);
      assert.deepEqual(await app.forgot(name), first);
      await assert.rejects(app.confirm(name, "123456"), mismatch, name);
    }
    assert.equal((await app.forgot("nina@island.example"))?.Destination, "n***@i***");

    await assert.rejects(app.confirm("ann", "123456"), mismatch);
    await app.forgot("ann");
    const code = await server.code(address);
    await assert.rejects(app.confirm("ann", other(code)), mismatch);
    await app.confirm("ann", code);
    await assert.rejects(app.confirm("ann", code), mismatch);
    await signIn(server, ClientId, "ann", newPassword);
    for (const name of ["ann", "nobody"]) {
      const answers = await Promise.allSettled(Array.from({ length: 8 }, () => app.forgot(name)));
      const limited = answers.filter((answer) => answer.status === "rejected");
      assert.ok(limited.length > 0, name);
      for (const answer of limited) assert.equal(answer.reason.name, "LimitExceededException");
    }
  });

  test("the pool says by what a password is recovered", async () => {
    const server = await open();
    const address = newAddress();
    const phone = `+49${Date.now()}`;
    const both = [
      { Name: "email", Value: address },
      verified,
      { Name: "phone_number", Value: phone },
      { Name: "phone_number_verified", Value: "true" },
    ];
    const medium = async (
      mechanisms: { Priority: number; Name: "verified_email" | "verified_phone_number" }[],
    ) => {
      const { UserPoolId, ClientId } = await makePool(server, {
        ...(mechanisms.length > 0 && { AccountRecoverySetting: { RecoveryMechanisms: mechanisms } }),
      });
      await makeUser(server, UserPoolId, "ann", both);
      return (await through(server, ClientId).forgot("ann"))?.DeliveryMedium;
    };
    assert.equal(await medium([]), "EMAIL");
    assert.equal(await medium([{ Priority: 1, Name: "verified_email" }]), "EMAIL");
    assert.equal(
      await medium([
        { Priority: 2, Name: "verified_email" },
        { Priority: 1, Name: "verified_phone_number" },
      ]),
      "SMS",
    );
    const closed = await makePool(server, {
      AccountRecoverySetting: { RecoveryMechanisms: [{ Priority: 1, Name: "admin_only" }] },
    });
    await makeUser(server, closed.UserPoolId, "ann", both);
    const hiding = await makeClient(server, closed.UserPoolId, { PreventUserExistenceErrors: "ENABLED" });
    for (const [client, name] of [
      [closed.ClientId, "ann"],
      [hiding.ClientId, "ann"],
      [hiding.ClientId, "nobody"],
    ] as const) {
      await assert.rejects(
        through(server, client).forgot(name),
        refused("NotAuthorizedException", "Contact administrator to reset password."),
      );
    }
  });
});
