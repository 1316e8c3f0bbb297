/** Self-service sign-up and its confirmation through an app client. */
import { checkSecretHash } from "../../../domain/credentials/check-secret-hash.ts";
import { withUserAddress } from "../../../domain/credentials/subjects.ts";
import { confirmedSession, readSignUpSession, signUpSession } from "../../../domain/signin/after-sign-up.ts";
import { confirmSignUp, resendConfirmationCode } from "../../../domain/signup/confirm.ts";
import { signUp } from "../../../domain/signup/sign-up.ts";
import { loadClient } from "../../../domain/user-pools/load-pool.ts";
import { attributesFrom } from "../../../domain/users/attributes.ts";
import type { Handler } from "../operation.ts";
import { codeDeliveryDetails } from "../shapes.ts";

export const SignUp: Handler<"SignUp"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  checkSecretHash(client, input.Username, input.SecretHash, "other");
  const from = withUserAddress(ctx, client, input.UserContextData?.IpAddress);
  const { user, delivery } = await signUp(from, pool, client, {
    username: input.Username,
    password: input.Password,
    attributes: attributesFrom(input.UserAttributes),
    validationData: input.ValidationData && attributesFrom(input.ValidationData),
    clientMetadata: input.ClientMetadata,
  });
  return {
    UserConfirmed: user.status === "CONFIRMED",
    CodeDeliveryDetails: delivery && codeDeliveryDetails(delivery),
    UserSub: user.id,
    Session: signUpSession(ctx, { pool, client }, user),
  };
};

export const ConfirmSignUp: Handler<"ConfirmSignUp"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  checkSecretHash(client, input.Username, input.SecretHash, "other");
  const from = withUserAddress(ctx, client, input.UserContextData?.IpAddress);
  const place = { pool, client };
  const signedUp = readSignUpSession(ctx, place, input.Session);
  const confirmed = await confirmSignUp(from, pool, client, {
    username: input.Username,
    code: input.ConfirmationCode,
    forceAliasCreation: input.ForceAliasCreation ?? false,
    clientMetadata: input.ClientMetadata,
  });
  return { Session: await confirmedSession(from, place, { ...confirmed, signedUp }) };
};

export const ResendConfirmationCode: Handler<"ResendConfirmationCode"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  checkSecretHash(client, input.Username, input.SecretHash, "other");
  const from = withUserAddress(ctx, client, input.UserContextData?.IpAddress);
  const delivery = await resendConfirmationCode(from, pool, client, input.Username, input.ClientMetadata);
  return { CodeDeliveryDetails: codeDeliveryDetails(delivery) };
};
