/** Forgotten passwords, through an app client. */
import { checkSecretHash } from "../../../domain/credentials/secret-hash.ts";
import { loadClient } from "../../../domain/pools/settings.ts";
import { confirmForgotPassword, forgotPassword } from "../../../domain/users/recovery.ts";
import type { Handler } from "../operation.ts";
import { codeDeliveryDetails } from "../shapes.ts";

export const ForgotPassword: Handler<"ForgotPassword"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  checkSecretHash(client, input.Username, input.SecretHash, "other");
  const delivery = await forgotPassword(ctx, pool, client, input.Username);
  return { CodeDeliveryDetails: codeDeliveryDetails(delivery) };
};

export const ConfirmForgotPassword: Handler<"ConfirmForgotPassword"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  checkSecretHash(client, input.Username, input.SecretHash, "other");
  await confirmForgotPassword(ctx, pool, client, {
    username: input.Username,
    code: input.ConfirmationCode,
    password: input.Password,
  });
  return {};
};
