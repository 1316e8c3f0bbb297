/** The key for an authenticator app, and the first code that proves the app has it. */
import { CodeField, Form } from "./parts.tsx";

interface Props {
  readonly details: { readonly sharedSecret: string; getSetupUri(app: string, account?: string): URL };
  readonly account: string;
  readonly confirm: (code: string) => Promise<unknown>;
}

export function AuthenticatorKey({ details, account, confirm }: Props) {
  return (
    <>
      <p>
        Type this key into the app, or{" "}
        <a href={details.getSetupUri("Reading room", account).href}>open the app</a> on this device.
      </p>
      <p className="key">{details.sharedSecret}</p>
      <Form button="Continue" onSubmit={(values) => confirm(values("code"))}>
        <CodeField />
      </Form>
    </>
  );
}
