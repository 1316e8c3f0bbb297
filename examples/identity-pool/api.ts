/** The API: a call needs a signature by credentials whose policies allow its route. It knows nothing of tokens or roles. */
import express, { type ErrorRequestHandler, type Router } from "express";
import { callerOf, createVerifier, forExpress } from "poolhouse/sigv4";
import { apiName } from "./roles.ts";
import { setting } from "./settings.ts";

const verifier = createVerifier({
  endpoint: setting("POOLHOUSE_URL"),
  // Its own access key, which may only ask for keys that verify signatures.
  credentials: {
    accessKeyId: setting("AWS_ACCESS_KEY_ID"),
    secretAccessKey: setting("AWS_SECRET_ACCESS_KEY"),
  },
  api: { region: setting("REGION"), accountId: setting("ACCOUNT_ID"), ...apiName },
  hosts: [new URL(setting("PAGE_URL")).host],
  onUnavailable: (error) => console.error(error),
});
const { requireInvoke } = forExpress(verifier);

export const api: Router = express.Router();

api.use(requireInvoke(), (_request, response, next) => {
  response.set("cache-control", "no-store");
  next();
});

/** Who calls, as the API sees them. */
api.get("/me", (request, response) => {
  const { principal, requestContext } = callerOf(request);
  const { cognitoIdentityId, cognitoAuthenticationType } = requestContext.identity;
  response.json({
    arn: principal.arn,
    identity: cognitoIdentityId,
    authentication: cognitoAuthenticationType,
  });
});

/** How many people came. roles.ts says who may know. */
api.get("/visitors", (_request, response) => {
  response.json({
    days: [
      { day: "Friday", visitors: 412 },
      { day: "Saturday", visitors: 968 },
      { day: "Sunday", visitors: 1043 },
    ],
  });
});

api.use((_request, response) => void response.status(404).json({ message: "There is nothing here." }));

const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  console.error(error);
  return response.status(500).json({ message: "Something went wrong." });
};
api.use(answerError);
