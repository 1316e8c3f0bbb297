/** The authenticator app of the signed-in user: turned on with a first code, and turned off. */
import {
  fetchMFAPreference,
  type SetUpTOTPOutput,
  setUpTOTP,
  updateMFAPreference,
  verifyTOTPSetup,
} from "aws-amplify/auth";
import { useEffect, useState } from "react";
import { AuthenticatorKey } from "./authenticator-key.tsx";
import { sentence } from "./errors.ts";
import { ActionButton, Problem } from "./parts.tsx";

export function Authenticator({ account }: { account: string }) {
  const [isOn, setOn] = useState<boolean>();
  const [details, setDetails] = useState<SetUpTOTPOutput>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    fetchMFAPreference().then(
      ({ enabled }) => setOn(enabled?.includes("TOTP") ?? false),
      (error: unknown) => setProblem(sentence(error)),
    );
  }, []);
  const confirm = async (code: string) => {
    await verifyTOTPSetup({ code });
    await updateMFAPreference({ totp: "PREFERRED" });
    setDetails(undefined);
    setOn(true);
  };
  const turnOff = async () => {
    await updateMFAPreference({ totp: "DISABLED" });
    setOn(false);
  };
  return (
    <section className="card" aria-labelledby="authenticator">
      <h2 id="authenticator">Authenticator app</h2>
      <Problem>{problem}</Problem>
      <p role="status">{isOn ? "Your password is followed by a code of the app." : "Not in use."}</p>
      {details && <AuthenticatorKey details={details} account={account} confirm={confirm} />}
      {isOn === false && !details && (
        <ActionButton action={() => setUpTOTP().then(setDetails)}>Set it up</ActionButton>
      )}
      {isOn && <ActionButton action={turnOff}>Turn it off</ActionButton>}
    </section>
  );
}
