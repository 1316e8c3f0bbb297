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

/** By hand, since browsers of last year have no parseRequestOptionsFromJSON (Web Authentication, section 5.1). */
async function sign(options) {
  const allowCredentials = (options.allowCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials };
  const made = await navigator.credentials.get({ publicKey });
  const { id, type, response, authenticatorAttachment } = made;
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  return JSON.stringify({
    id,
    rawId: id,
    type,
    authenticatorAttachment: authenticatorAttachment ?? undefined,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : undefined,
    },
  });
}

const passkey = document.querySelector("input[data-passkey]");
if (passkey && navigator.credentials) {
  const button = passkey.form.querySelector("button");
  const ask = async () => {
    try {
      passkey.value = await sign(JSON.parse(passkey.dataset.passkey));
      passkey.form.submit();
    } catch {
      // Dismissed, or nothing there: the button asks again, and there is another way.
      passkey.form.removeAttribute("aria-busy");
    }
  };
  button.hidden = false;
  passkey.form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  ask();
}
