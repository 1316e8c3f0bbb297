/** PreSignUp: names of users who have not moved yet are theirs, so that nobody else signs up with them. */
import type { PreSignUpTriggerHandler } from "aws-lambda";
import { callLegacy } from "./legacy.ts";

export const handler: PreSignUpTriggerHandler = async (event) => {
  const { status } = await callLegacy(`/api/users/${encodeURIComponent(event.userName)}`, [404]);
  if (status !== 404) throw new Error("This name is taken");
  return event;
};
