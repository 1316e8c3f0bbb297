/** Enhancements of the pages. Every page works without script, except for passkeys. */

/** Adds a button to each password field that shows the password. */
for (const input of document.querySelectorAll("input[type=password]")) {
  const { show, hide } = input.dataset;
  const button = document.createElement("button");
  const setShown = (isShown) => {
    button.textContent = isShown ? hide : show;
    input.type = isShown ? "text" : "password";
  };
  button.type = "button";
  button.className = "reveal";
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    setShown(input.type === "password");
    input.focus();
  });
  setShown(false);
  input.parentElement.append(button);
  input.parentElement.classList.add("revealed");
  // Browsers remember what was typed into a text field.
  input.form.addEventListener("submit", () => setShown(false));
}

/** Submits each form only once; after navigating back to the page it may be submitted again. */
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

/** Converted by hand, since older browsers lack parse…OptionsFromJSON and toJSON (Web Authentication, section 5.1). */
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

/** Runs a ceremony at once and whenever the button is pressed; submits the result, or shows what went wrong. */
function asks(field, ceremony, options) {
  const { form } = field;
  const messages = [...form.querySelectorAll("[data-failed]")];
  const ask = async () => {
    for (const one of messages) one.hidden = true;
    try {
      field.value = await ceremony(JSON.parse(options));
      form.submit();
    } catch ({ name }) {
      // Dismissed, or no passkey available: the button retries, and there are other ways to sign in.
      form.removeAttribute("aria-busy");
      const fits = messages.find((one) => one.dataset.failed === name) ?? messages.at(-1);
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

/** Offers passkeys among the browser's autofill suggestions; if there are none, this waits unnoticed. */
async function offer() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  filled.value = await sign(JSON.parse(filled.dataset.passkeyAutofill), { mediation: "conditional" });
  filled.form.submit();
}
if (can && filled) offer().catch(() => {});
