/** CustomSMSSender: has a provider send the pool's text messages, by HTTP. */
import type { CustomSMSSenderTriggerHandler } from "aws-lambda";
import { decryptedCode } from "./code.ts";

export const handler: CustomSMSSenderTriggerHandler = async ({ request }) => {
  if (request.code === null) return;
  const code = await decryptedCode(request.code);
  const response = await fetch(process.env["SMS_URL"]!, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ to: request.userAttributes["phone_number"], body: `Your code: ${code}` }),
  });
  // What is thrown is logged, and the function is called again.
  if (!response.ok) throw new Error(`The provider answers ${response.status}`);
};
