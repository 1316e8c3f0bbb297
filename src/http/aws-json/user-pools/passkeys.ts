/** The passkeys of signed-in users. */
import { completePasskey, passkeysOf, removePasskey, startPasskey } from "../../../domain/users/passkeys.ts";
import type { Passkey } from "../../../store/passkeys.ts";
import type { WebAuthnCredentialDescription } from "../../../wire/generated/user-pools.types.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, readPage } from "../paging.ts";

export const StartWebAuthnRegistration: Handler<"StartWebAuthnRegistration"> = async (
  ctx,
  _input,
  { pool, user },
) => ({ CredentialCreationOptions: await startPasskey(ctx, pool, user) });

export const CompleteWebAuthnRegistration: Handler<"CompleteWebAuthnRegistration"> = async (
  ctx,
  input,
  { pool, user },
) => {
  await completePasskey(ctx, pool, user, { credential: input.Credential });
  return {};
};

export const DeleteWebAuthnCredential: Handler<"DeleteWebAuthnCredential"> = async (
  ctx,
  input,
  { pool, user },
) => {
  await removePasskey(ctx, pool, user, input.CredentialId);
  return {};
};

export const ListWebAuthnCredentials: Handler<"ListWebAuthnCredentials"> = async (
  ctx,
  input,
  { pool, user },
) => {
  const { items, nextToken } = await readPage(
    ctx,
    {
      binding: pageBinding("ListWebAuthnCredentials", pool.id, user.id),
      token: input.NextToken,
      // The model's QueryLimit: 0 to 20.
      limit: input.MaxResults || 20,
    },
    (page) => passkeysOf(ctx, user, page),
    (passkey) => passkey.id,
  );
  return { Credentials: items.map(description), NextToken: nextToken };
};

function description(passkey: Passkey): WebAuthnCredentialDescription {
  return {
    CredentialId: passkey.id,
    FriendlyCredentialName: passkey.name,
    RelyingPartyId: passkey.relyingPartyId,
    AuthenticatorTransports: [...passkey.transports],
    CreatedAt: epochSeconds(passkey.createdAt),
    ...(passkey.attachment !== undefined && { AuthenticatorAttachment: passkey.attachment }),
  };
}
