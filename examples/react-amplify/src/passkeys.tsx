/** The passkeys of the signed-in user. */
import {
  type AuthWebAuthnCredential,
  associateWebAuthnCredential,
  deleteWebAuthnCredential,
  listWebAuthnCredentials,
} from "aws-amplify/auth";
import { useCallback, useEffect, useState } from "react";
import { sentence } from "./errors.ts";
import { ActionButton, Problem } from "./parts.tsx";

export function Passkeys() {
  const [passkeys, setPasskeys] = useState<AuthWebAuthnCredential[]>();
  const [problem, setProblem] = useState<string>();
  const load = useCallback(
    () =>
      listWebAuthnCredentials({ pageSize: 20 }).then(
        ({ credentials }) => setPasskeys(credentials),
        (error: unknown) => setProblem(sentence(error)),
      ),
    [],
  );
  useEffect(() => void load(), [load]);
  return (
    <section className="card" aria-labelledby="passkeys">
      <h2 id="passkeys">Passkeys</h2>
      <Problem>{problem}</Problem>
      {passkeys?.length === 0 && <p>You have none.</p>}
      <ul>
        {passkeys?.map((one) => (
          <Passkey key={one.credentialId} passkey={one} onDelete={load} />
        ))}
      </ul>
      <ActionButton action={() => associateWebAuthnCredential().then(load)}>Add a passkey</ActionButton>
    </section>
  );
}

function Passkey({ passkey, onDelete }: { passkey: AuthWebAuthnCredential; onDelete: () => Promise<void> }) {
  const { credentialId = "", friendlyCredentialName: name = "Passkey", createdAt } = passkey;
  return (
    <li>
      <span>
        {name}
        <small>{createdAt && `added on ${createdAt.toLocaleDateString()}`}</small>
      </span>
      <ActionButton
        action={() => deleteWebAuthnCredential({ credentialId }).then(onDelete)}
        className="link"
        label={`Delete the passkey ${name}`}
      >
        Delete
      </ActionButton>
    </li>
  );
}
