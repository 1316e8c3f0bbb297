/** Signs in by SRP at the pool itself: the server never sees a password again after it has created the account. */
const { AuthenticationDetails, CognitoUser, CognitoUserAttribute, CognitoUserPool } = AmazonCognitoIdentity;

/** Tokens are kept for as long as the tab is open. */
const Storage = sessionStorage;
const settings = ask("/pool.json").then((pool) => {
  $("#inbox").hidden = pool.inbox === undefined;
  $("#inbox a").href = pool.inbox ?? "";
  return new CognitoUserPool({ ...pool, Storage });
});

function $(selector) {
  return document.querySelector(selector);
}

/** Asks our own API. */
async function ask(path, init) {
  const answer = await fetch(path, init);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

/** A call of the library as a promise. */
const done = (call) =>
  new Promise((resolve, reject) => call((error, answer) => (error ? reject(error) : resolve(answer))));

async function signIn(Username, Password) {
  const user = new CognitoUser({ Username, Pool: await settings, Storage });
  await new Promise((onSuccess, onFailure) =>
    user.authenticateUser(new AuthenticationDetails({ Username, Password }), {
      onSuccess,
      onFailure,
      newPasswordRequired: () =>
        onFailure(new Error("This account is not ready yet. Please create it again.")),
    }),
  );
}

/** The signed-in user with a session that is good, refreshed if need be; undefined if there is none. */
async function currentUser() {
  const user = (await settings).getCurrentUser();
  if (user === null) return undefined;
  await done((callback) => user.getSession(callback));
  return user;
}

/** What people are told of what the pool refuses; of anything else, what the pool itself says. */
const words = {
  CodeMismatchException: () => "This code is not right. Enter the one in the newest message.",
  ExpiredCodeException: () => "This code is not valid any more. Have another one sent.",
  AliasExistsException: () => "There is already an account with this email address.",
  InvalidPasswordException: ({ message }) =>
    message.replace(/^.* policy: (.*)$/, "Please choose another password. $1."),
  LimitExceededException: () => "There were too many attempts. Please try again later.",
  TooManyRequestsException: () => "There were too many attempts. Please try again later.",
};

/** What people are told of an error. */
function said(error) {
  const isAway = error.message === "Network error" || error instanceof TypeError;
  if (isAway) console.error(error);
  const text = isAway ? "The server cannot be reached. Please try again." : words[error.code]?.(error);
  return text ?? error.message;
}

/** Takes back what was said of anything done before. */
function hush() {
  for (const place of document.querySelectorAll("[role=alert], [role=status]")) place.textContent = "";
}

/** Shows one of the sections. Its heading gets the focus, so that screen readers say where we are. */
function show(name) {
  hush();
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== name;
  const heading = $(`#${name} h1`);
  document.title = `${heading.textContent} – Accounts`;
  heading.focus();
}

async function showRecord() {
  const user = await currentUser();
  if (user === undefined) return show("sign-in");
  const token = user.getSignInUserSession().getAccessToken().getJwtToken();
  const record = await ask("/me", { headers: { authorization: `Bearer ${token}` } });
  $("#name").textContent = record.name;
  $("#email").textContent = record.email;
  $("#id").textContent = record.id;
  $("#since").textContent = new Date(record.createdAt).toLocaleDateString("en", { dateStyle: "long" });
  if ($("#account").hidden) show("account");
}

/** Runs a form: one submission at a time, its outcome said beside its fields. */
function onSubmit(selector, work) {
  const form = $(selector);
  const say = (role, text) => {
    const place = form.querySelector(`[role=${role}]`);
    if (place !== null) place.textContent = text;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    hush();
    try {
      say("status", (await work(Object.fromEntries(new FormData(form)))) ?? "");
      form.reset();
    } catch (error) {
      say("alert", said(error));
    } finally {
      form.ariaBusy = "false";
    }
  });
}

onSubmit("#sign-in form", async ({ email, password }) => {
  await signIn(email, password);
  await showRecord();
});

onSubmit("#sign-up form", async (wanted) => {
  await ask("/accounts", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wanted),
  });
  await signIn(wanted.email, wanted.password);
  await showRecord();
});

onSubmit("#change-email", async ({ email }) => {
  const user = await currentUser();
  const attribute = new CognitoUserAttribute({ Name: "email", Value: email });
  await done((callback) => user.updateAttributes([attribute], callback));
  $("#confirm-email").hidden = false;
  $("#confirm-email input").focus();
  return `A code was sent to ${email}. Your address does not change until you enter it.`;
});

onSubmit("#confirm-email", async ({ code }) => {
  const user = await currentUser();
  await new Promise((onSuccess, onFailure) => user.verifyAttribute("email", code, { onSuccess, onFailure }));
  $("#confirm-email").hidden = true;
  $("#change-email input").focus();
  // The address has been changed, whether or not the server can be asked for the record now.
  await showRecord().catch(console.error);
  $("#change-email [role=status]").textContent = "Your address has been changed.";
});

onSubmit("#change-password", async ({ current, next }) => {
  const user = await currentUser();
  await done((callback) => user.changePassword(current, next, callback)).catch((error) => {
    const isWrong = error.code === "NotAuthorizedException" && error.message.startsWith("Incorrect");
    throw isWrong ? new Error("The current password is not right.") : error;
  });
  return "Your password has been changed.";
});

$("#sign-out").addEventListener("click", async () => {
  const user = (await settings).getCurrentUser();
  // Also ends it at the pool: the refresh token is revoked.
  await new Promise((resolve) => user.signOut(resolve));
  // If the pool could not be asked, the tokens are still there.
  Storage.clear();
  location.reload();
});

for (const button of document.querySelectorAll("[data-view]"))
  button.addEventListener("click", () => show(button.dataset.view));

// Without a session that is good one signs in; if the record cannot be had, signing in again says why.
showRecord().catch(() => show("sign-in"));
