/** /signup: self-service registration. */
import { html } from "hono/html";
import { maskDestination } from "../../../domain/messages/delivery.ts";
import { signUpSession } from "../../../domain/signin/after-sign-up.ts";
import { signUp } from "../../../domain/signup/sign-up.ts";
import { canWrite } from "../../../domain/user-pools/clients.ts";
import type { Pool } from "../../../domain/user-pools/load-pool.ts";
import { requiredAttributes } from "../../../domain/user-pools/schema.ts";
import { isPasswordless } from "../../../domain/users/admin-create-user.ts";
import { attributeField, typedAttributes } from "../kit/attributes.ts";
import { alert, errorOf, field, form, type Problem, submit } from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import { answerPage } from "../kit/layout.ts";
import { typedName } from "../kit/names.ts";
import { missing, problemOf, shownRefusal } from "../kit/sentences.ts";
import { linkTo, type Visit } from "../kit/visit.ts";
import { confirmationMethod, confirmPage } from "./confirm.ts";
import { loginPage } from "./login-pages.ts";
import { newPasswordField } from "./new-password.ts";
import { offersSignUp } from "./offers.ts";
import { divider, providerParts } from "./providers.ts";
import { termsLine } from "./terms.ts";
import { checked } from "./wire-checks.ts";

export function showSignUp(visit: Visit): Promise<Response> {
  const { noSignUp } = visit.words.errors;
  return offersSignUp(visit) ? signUpPage(visit) : messagePage(visit, noSignUp);
}

export async function postSignUp(visit: Visit): Promise<Response> {
  const { ctx, pool, client, form: typed, words } = visit;
  const username = typedName(visit);
  const names = attributeNames(visit);
  const attributes = typedAttributes(typed, names);
  const password = typed.get("password") || undefined;
  if (password === undefined && !isPasswordless(pool)) return signUpPage(visit, missing(visit, "password"));
  try {
    const UserAttributes = Object.entries(attributes).map(([Name, Value]) => ({ Name, Value }));
    checked("SignUp", { ClientId: client.id, Username: username, Password: password, UserAttributes });
    const { user, delivery } = await signUp(ctx, pool, client, { username, password, attributes });
    if (user.status === "CONFIRMED") return loginPage(visit, { username, notice: words.confirm.done });
    if (delivery === undefined)
      return messagePage(visit, words.confirm.byAdministrator, words.confirm.created);
    const session = signUpSession(ctx, { pool, client }, user, "HOSTED_AUTH");
    const destination = maskDestination(delivery);
    return confirmPage(visit, { username, by: confirmationMethod(visit, delivery), session, destination });
  } catch (error) {
    const refusal = shownRefusal(ctx, error);
    return signUpPage(visit, problemOf(refusal, visit, ["username", "password", ...names]));
  }
}

/**
 * The attributes the form asks for: those that the schema requires and the client may write, plus an address that can
 * receive a code if none of them can. The address that serves as username is asked for as the name.
 */
function attributeNames({ pool, client }: Visit): string[] {
  const required = requiredAttributes(pool);
  const { AutoVerifiedAttributes: auto = [], UsernameAttributes: names = [] } = pool.document;
  const [reachable] = auto;
  const isReached = auto.some((one) => required.includes(one) || names.includes(one));
  const asked = reachable !== undefined && !isReached ? [...required, reachable] : required;
  const asName = names.length === 1 ? names[0] : undefined;
  // Addresses first: most pools ask for nothing else.
  const isContact = (name: string) => Number(name === "email" || name === "phone_number");
  return asked
    .filter((name) => name !== asName && canWrite(pool, client, name))
    .toSorted((a, b) => isContact(b) - isContact(a));
}

async function signUpPage(visit: Visit, problem?: Problem): Promise<Response> {
  const { words, pool, app } = visit;
  const { signUp: texts } = words;
  // If usernames may be of two kinds, either can be given as the name.
  const isOptional = (name: string) => (pool.document.UsernameAttributes ?? []).some((one) => one === name);
  const inside = html`${newNameField(visit, problem)}
${attributeNames(visit).map((name) => attributeField(visit, name, { problem, optional: isOptional(name) }))}
${newPasswordField(visit, problem, { label: words.fields.password, optional: isPasswordless(pool) })}
${submit(texts.submit)}${await termsLine(visit)}`;
  const providers = await providerParts(visit);
  const body = html`${alert(problem)}
${form(visit, "/signup", inside)}
${providers.shown === "" ? "" : html`${divider(visit)}${providers.shown}`}
<p class="foot">${texts.haveAccount} <a href="${linkTo(visit, "/login")}">${texts.signIn}</a></p>`;
  return answerPage(visit, { title: texts.title(app), body, isProblem: problem !== undefined });
}

/** The field for a new user's name. It accepts less than at sign-in: aliases come later. */
function newNameField(visit: Visit, problem: Problem | undefined): Html {
  const { pool, form: typed, words } = visit;
  return field(visit, {
    name: "username",
    ...newName(pool, words.fields),
    value: typed.get("username"),
    error: errorOf(problem, "username"),
    focus: problem === undefined,
  });
}

function newName({ document }: Pool, words: Visit["words"]["fields"]) {
  const names = document.UsernameAttributes ?? [];
  if (names.length > 1) return { label: words.emailOrPhone, autocomplete: "username" } as const;
  if (names[0] === "email") return { label: words.email, type: "email", autocomplete: "email" } as const;
  if (names[0] === "phone_number")
    return { label: words.phone, type: "tel", autocomplete: "tel", hint: words.phoneHint } as const;
  return { label: words.username, autocomplete: "username" } as const;
}

function messagePage(
  visit: Visit,
  text: string,
  title = visit.words.signUp.title(visit.app),
): Promise<Response> {
  const { common } = visit.words;
  const body = html`<p class="lead">${text}</p>
<p class="foot"><a href="${linkTo(visit, "/login")}">${common.backToSignIn}</a></p>`;
  return answerPage(visit, { title, body });
}
