/** What pages do better with script. Each of them works without it, passkeys excepted. */

/** A button that shows what is typed into a password field. */
for (const input of document.querySelectorAll("input[type=password]")) {
  const { show, hide, showLong, hideLong } = input.dataset;
  const button = document.createElement("button");
  const tell = (isShown) => {
    button.textContent = isShown ? hide : show;
    button.setAttribute("aria-label", isShown ? hideLong : showLong);
    input.type = isShown ? "text" : "password";
  };
  button.type = "button";
  button.className = "reveal";
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    tell(input.type === "password");
    input.focus();
  });
  tell(false);
  input.parentElement.append(button);
  input.parentElement.classList.add("revealed");
  // Browsers remember what was typed into a plain field.
  input.form.addEventListener("submit", () => tell(false));
}

/** A form is sent once; coming back to the page it may be sent again. */
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") event.preventDefault();
    form.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) form.removeAttribute("aria-busy");
});

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");

/** By hand, since browsers of last year have no parse…OptionsFromJSON and toJSON (Web Authentication, section 5.1). */
const listed = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const sign = async (options, more) => {
  const allowCredentials = listed(options.allowCredentials);
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials };
  const made = await navigator.credentials.get({ publicKey, ...more });
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response;
  return answerOf(made, {
    clientDataJSON: text(clientDataJSON),
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : undefined,
  });
};

const make = async (options) => {
  const user = { ...options.user, id: bytes(options.user.id) };
  const excludeCredentials = listed(options.excludeCredentials);
  const publicKey = { ...options, challenge: bytes(options.challenge), user, excludeCredentials };
  const made = await navigator.credentials.create({ publicKey });
  const { clientDataJSON, attestationObject } = made.response;
  return answerOf(made, {
    clientDataJSON: text(clientDataJSON),
    attestationObject: text(attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
};

const answerOf = ({ id, type, authenticatorAttachment }, response) =>
  JSON.stringify({
    id,
    rawId: id,
    type,
    authenticatorAttachment: authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response,
  });

/** Asks at once, and again whenever the button is pressed; what came of it is sent, or what went wrong is told. */
function asks(field, ceremony, options) {
  const { form } = field;
  const told = [...form.querySelectorAll("[data-failed]")];
  const ask = async () => {
    for (const one of told) one.hidden = true;
    try {
      field.value = await ceremony(JSON.parse(options));
      form.submit();
    } catch ({ name }) {
      // Dismissed, or nothing there: the button asks again, and there is another way.
      form.removeAttribute("aria-busy");
      const fits = told.find((one) => one.dataset.failed === name) ?? told.at(-1);
      if (fits) fits.hidden = false;
    }
  };
  form.querySelector("button").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void ask();
  });
  void ask();
}

const can = Boolean(window.PublicKeyCredential);
for (const one of document.querySelectorAll(`[data-with${can ? "" : "out"}-passkeys]`)) one.hidden = false;

const [used, made, filled] = ["passkey", "passkey-make", "passkey-autofill"].map((name) =>
  document.querySelector(`input[data-${name}]`),
);
if (can && used) asks(used, sign, used.dataset.passkey);
if (can && made) asks(made, make, made.dataset.passkeyMake);

/** Passkeys among the names that the browser fills in; where it has none to offer this waits, and nobody notices. */
async function offer() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  filled.value = await sign(JSON.parse(filled.dataset.passkeyAutofill), { mediation: "conditional" });
  filled.form.submit();
}
if (can && filled) offer().catch(() => {});
