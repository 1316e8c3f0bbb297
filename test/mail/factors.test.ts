/** Codes of factors, of a server that sends mail and has nothing to send SMS by. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type {
  CreateUserPoolClientCommandInput,
  CreateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { forceMfaOn, respond, smsConfiguration, start } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, refused } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { openPostOffice } from "./post-office.ts";

const office = await openPostOffice();
after(() => office.close());

const choosing: Partial<CreateUserPoolClientCommandInput> = {
  ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"],
};

const passwordless: Partial<CreateUserPoolCommandInput> = {
  Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "SMS_OTP"] } },
  ...smsConfiguration,
};

forOneServer(
  "postgres",
  "codes of factors by SMTP",
  (open) => {
    async function setUp() {
      const server = await open();
      const place = await makePool(server, passwordless, choosing);
      const address = newAddress();
      await makeUser(server, place.UserPoolId, "ann", [
        { Name: "email", Value: address },
        { Name: "email_verified", Value: "true" },
      ]);
      await makeUser(server, place.UserPoolId, "ben", [
        { Name: "phone_number", Value: "+15550001111" },
        { Name: "phone_number_verified", Value: "true" },
      ]);
      return { server, place, address };
    }

    /** The code that was mailed; notices may come before and after. */
    async function mailed(address: string, digits: 6 | 8): Promise<string> {
      const codes = () =>
        office.to(address).flatMap(({ text }) => new RegExp(`\\b\\d{${digits}}\\b`).exec(text)?.[0] ?? []);
      await until("the code has come", () => codes().length > 0);
      return codes().at(-1) ?? assert.fail("no code");
    }

    test("e-mail as the second factor", async () => {
      const { server, place, address } = await setUp();
      await forceMfaOn(server, place, { EmailMfaConfiguration: {} });
      const challenge = await start(server, place, "ann");
      assert.equal(challenge.ChallengeName, "EMAIL_OTP");
      const EMAIL_OTP_CODE = await mailed(address, 6);
      const done = await respond(server, place, challenge, { USERNAME: "ann", EMAIL_OTP_CODE });
      assert.ok(done.AuthenticationResult?.AccessToken);
    });

    test("e-mail as the first factor", async () => {
      const { server, place, address } = await setUp();
      const preference = { PREFERRED_CHALLENGE: "EMAIL_OTP" };
      const challenge = await start(server, place, "ann", "USER_AUTH", preference);
      const EMAIL_OTP_CODE = await mailed(address, 8);
      const done = await respond(server, place, challenge, { USERNAME: "ann", EMAIL_OTP_CODE });
      assert.ok(done.AuthenticationResult?.AccessToken);
    });

    test("an SMS without a sender fails, as either factor", async () => {
      const { server, place } = await setUp();
      const failure = refused("CodeDeliveryFailureException");
      const preference = { PREFERRED_CHALLENGE: "SMS_OTP" };
      await assert.rejects(start(server, place, "ben", "USER_AUTH", preference), failure);
      // Who hides who exists cannot tell: nobody's SMS fails either.
      const hiding = { ...choosing, PreventUserExistenceErrors: "ENABLED" } as const;
      const other = { ...place, ...(await makeClient(server, place.UserPoolId, hiding)) };
      for (const name of ["ben", "nobody"]) {
        const challenge = await start(server, other, name, "USER_AUTH", preference);
        assert.equal(challenge.ChallengeName, "SMS_OTP");
      }
      await forceMfaOn(server, place);
      await assert.rejects(start(server, place, "ben"), failure);
    });
  },
  {
    POOLHOUSE_SMTP_URL: `smtp://127.0.0.1:${office.port}`,
    POOLHOUSE_SMTP_FROM: "Poolhouse <no-reply@house.example>",
  },
);
