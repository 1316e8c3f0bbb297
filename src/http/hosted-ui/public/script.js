/** Enhancements of the pages. Every page works without script, except for passkeys. */

/** Adds a button to each password field that shows the password. */
for (const input of document.querySelectorAll("input[type=password]")) {
  const { show, hide } = input.dataset;
  const button = document.createElement("button");
  const setShown = (isShown) => {
    button.setAttribute("aria-label", isShown ? hide : show);
    button.title = isShown ? hide : show;
    button.classList.toggle("shown", isShown);
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

/** Ticks the rules that a new password meets. */
for (const list of document.querySelectorAll(".rules")) {
  const input = list.closest(".field").querySelector("input");
  const rules = [...list.children].map((item) => [item, new RegExp(item.dataset.pattern, "su")]);
  const tick = () => {
    for (const [item, rule] of rules) {
      const isMet = rule.test(input.value);
      item.classList.toggle("met", isMet);
      item.querySelector("span").hidden = !isMet;
    }
  };
  input.addEventListener("input", tick);
  tick();
}

/** Submits a code once it is complete, if nothing else has to be filled in. */
for (const input of document.querySelectorAll("input[data-digits]")) {
  const { form } = input;
  const others = "input:not([type=hidden], .unseen), select, textarea";
  if (form.querySelectorAll(others).length > 1) continue;
  form.querySelector("[data-submits]").hidden = false;
  input.addEventListener("input", ({ inputType }) => {
    const digits = input.value.replace(/\s/g, "");
    // Somebody who deletes a digit is about to correct the code.
    const isTyped = !inputType?.startsWith("delete");
    if (isTyped && /^\d+$/.test(digits) && digits.length === Number(input.dataset.digits))
      form.requestSubmit();
  });
}

/** Keeps a button for a while from sending again what was sent a moment ago, and shows how long. */
for (const button of document.querySelectorAll("button[data-wait]")) {
  const until = Date.now() + 1000 * button.dataset.wait;
  const rest = document.createElement("span");
  const isWaiting = () => Date.now() < until;
  const show = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    rest.textContent = ` (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")})`;
    if (isWaiting()) return;
    clearInterval(timer);
    rest.remove();
    button.removeAttribute("aria-disabled");
  };
  // It can be focused all the time: a disabled one would drop the focus.
  button.setAttribute("aria-disabled", "true");
  button.append(rest);
  button.addEventListener("click", (event) => {
    if (isWaiting()) event.preventDefault();
  });
  const timer = setInterval(show, 1000);
  show();
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

const make = async (options, more) => {
  const user = { ...options.user, id: bytes(options.user.id) };
  const excludeCredentials = listed(options.excludeCredentials);
  const publicKey = { ...options, challenge: bytes(options.challenge), user, excludeCredentials };
  const made = await navigator.credentials.create({ publicKey, ...more });
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

/** A function that runs a ceremony, and submits the result or shows what went wrong; returns whether it submits. */
function asks(field, ceremony, options) {
  const { form } = field;
  const messages = [...form.querySelectorAll("[data-failed]")];
  let running;
  return async () => {
    for (const one of messages) one.hidden = true;
    // A browser asks for one passkey at a time; the button starts over.
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    try {
      field.value = await ceremony(JSON.parse(options), { signal });
      form.submit();
      return true;
    } catch ({ name }) {
      // Dismissed, or no passkey available: the button retries, and there are other ways to sign in.
      if (signal.aborted) return false;
      form.removeAttribute("aria-busy");
      const fits = messages.find((one) => one.dataset.failed === name) ?? messages.at(-1);
      if (fits) fits.hidden = false;
      return false;
    }
  };
}

/** Runs a ceremony at once, and again whenever the button is pressed. */
function asksAtOnce(field, ceremony, options) {
  const { form } = field;
  const ask = asks(field, ceremony, options);
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
if (can && used) asksAtOnce(used, sign, used.dataset.passkey);
if (can && made) asksAtOnce(made, make, made.dataset.passkeyMake);

/** Offers passkeys among the browser's autofill suggestions; if there are none, this waits unnoticed. */
async function offer(signal) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const options = JSON.parse(filled.dataset.passkeyAutofill);
  filled.value = await sign(options, { mediation: "conditional", signal });
  filled.form.submit();
}
if (can && filled) {
  const options = filled.dataset.passkeyAutofill;
  const ask = asks(filled, sign, options);
  let waiting = new AbortController();
  const wait = () => {
    waiting = new AbortController();
    offer(waiting.signal).catch(() => {});
  };
  // A browser asks for one passkey at a time.
  filled.form.addEventListener("submit", async (event) => {
    event.preventDefault();
    waiting.abort();
    if (!(await ask())) wait();
  });
  wait();
}
