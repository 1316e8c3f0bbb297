/** Recovery of forgotten passwords through an app client. */
import { checkSecretHash } from "../../../domain/credentials/check-secret-hash.ts";
import { withUserAddress } from "../../../domain/credentials/subjects.ts";
import { loadClient } from "../../../domain/user-pools/load-pool.ts";
import { confirmForgotPassword, forgotPassword } from "../../../domain/users/recovery.ts";
import type { Handler } from "../operation.ts";
import { codeDeliveryDetails } from "../shapes.ts";

export const ForgotPassword: Handler<"ForgotPassword"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  checkSecretHash(client, input.Username, input.SecretHash, "other");
  const from = withUserAddress(ctx, client, input.UserContextData?.IpAddress);
  const delivery = await forgotPassword(from, pool, client, input.Username, input.ClientMetadata);
  return { CodeDeliveryDetails: codeDeliveryDetails(delivery) };
};

export const ConfirmForgotPassword: Handler<"ConfirmForgotPassword"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  checkSecretHash(client, input.Username, input.SecretHash, "other");
  const from = withUserAddress(ctx, client, input.UserContextData?.IpAddress);
  await confirmForgotPassword(from, pool, client, {
    username: input.Username,
    code: input.ConfirmationCode,
    password: input.Password,
    clientMetadata: input.ClientMetadata,
  });
  return {};
};
