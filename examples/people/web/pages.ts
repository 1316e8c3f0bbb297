/** The pages: plain HTML that works without script. */
import { type Html, html, nothing } from "./html.ts";
import { type ApiProblem, type List, type Person, statuses } from "./people.ts";

export interface User {
  readonly name: string;
  /** Whether to show what only the group Admin may do. What it may is the API's to say. */
  readonly isAdmin: boolean;
}

function page(title: string, body: Html, user?: User): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – People Web</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header>
<a class="home" href="/">People</a>
${user === undefined ? nothing : signedInAs(user)}
</header>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.text;
}

const signedInAs = ({ name, isAdmin }: User) => html`<form method="post" action="/sign-out" class="user">
<span>${name}</span>
${isAdmin ? html`<span class="badge">Admin</span>` : nothing}
<button>Sign out</button>
</form>`;

export const welcomePage = () =>
  page(
    "Who is who",
    html`<p>Names, email and postal addresses of everybody here. Everyone who is signed in can read them; the group Admin
keeps them up to date.</p>
<p><a class="button" href="/sign-in">Sign in</a></p>`,
  );

export function messagePage(title: string, message: string | Html, user?: User): string {
  return page(title, html`<p>${message}</p><p><a href="/">Back to the start page</a></p>`, user);
}

const titles: Readonly<Record<number, string>> = { 401: "Signed out", 403: "Not allowed", 404: "Not found" };

export const problemPage = (problem: ApiProblem, user?: User) =>
  messagePage(titles[problem.status] ?? "Something went wrong", explained(problem), user);

/** The link leads to another tab, so that this one keeps what was typed. */
const explained = ({ status, message }: ApiProblem) =>
  status === 401
    ? html`You were signed out; nothing was changed. <a href="/sign-in" target="_blank">Sign in</a> (in another tab), then try again here.`
    : html`${message}`;

export interface Shown {
  readonly list: List;
  readonly search: string;
  /** What has just been done; empty if nothing. */
  readonly said: string;
  readonly user: User;
}

export function listPage({ list, search, said, user }: Shown): string {
  const { people, total, page: number, pages } = list;
  const items = people.map((person) => personItem(person, user));
  return page(
    "People",
    html`${said === "" ? nothing : html`<p role="status" class="said">${said}</p>`}
<div class="tools">
<form method="get" action="/people" role="search" class="search">
<label for="search">Name or email</label>
<input id="search" name="search" type="search" maxlength="200" value="${search}">
<button>Search</button>
</form>
${user.isAdmin ? html`<a class="button" href="/people/new">Add a person</a>` : nothing}
</div>
<p class="count">${total === 0 ? nobody(search, user) : `${total === 1 ? "One person" : `${total} people`}${search && " found"}`}</p>
<ul class="people">${items}</ul>
${pages > 1 ? pageLinks(search, number, pages) : nothing}`,
    user,
  );
}

/** Why the list is empty, and what helps. */
function nobody(search: string, { isAdmin }: User): Html {
  if (search !== "")
    return html`Nobody found for “${search}”. Try a shorter part of the name or of the email address, or <a href="/people">show everybody</a>.`;
  return isAdmin
    ? html`There is nobody here yet. <a href="/people/new">Add the first person</a>.`
    : html`There is nobody here yet. A user in the group Admin can add people.`;
}

const personItem = ({ id, name, email, status, address }: List["people"][number], user: User) => html`<li>
<h2>${name}</h2>
<span class="badge ${status}">${status}</span>
${user.isAdmin ? html`<a class="edit" href="/people/${id}" aria-label="Edit ${name}">Edit</a>` : nothing}
<a href="mailto:${encodeURIComponent(email).replace("%40", "@")}">${email}</a>
${address === null ? nothing : html`<address>${address.street}, ${address.postcode} ${address.city}</address>`}
</li>
`;

function pageLinks(search: string, number: number, pages: number): Html {
  const link = (to: number, label: string) => {
    const query = new URLSearchParams({ ...(search !== "" && { search }), page: String(to) });
    return to < 1 || to > pages ? nothing : html`<a href="/people?${query.toString()}">${label}</a>`;
  };
  return html`<nav aria-label="Pages">${link(number - 1, "Previous")}
<span>Page ${number} of ${pages}</span>
${link(number + 1, "Next")}</nav>`;
}

export interface Form {
  /** Undefined for a person to be added. */
  readonly id: number | undefined;
  readonly person: Person;
  /** Why it could not be saved; undefined if nobody has tried. */
  readonly problem?: ApiProblem;
  /** Undefined if nobody is signed in any more. */
  readonly user: User | undefined;
}

export function formPage({ id, person, problem, user }: Form): string {
  const { faults = {} } = problem ?? {};
  const { name, email, status, address } = person;
  const field = (label: string, name: keyof typeof longest, value: string, pointer: string = name) =>
    input({ label, name, value, fault: faults[`#/${pointer}`], mayBeEmpty: pointer !== name });
  const options = statuses.map(
    (one) => html`<option${one === status ? html` selected` : nothing}>${one}</option>`,
  );
  const isMarked = Object.keys(faults).length > 0;
  const trouble = isMarked ? "Not saved. Please check the marked fields." : problem && explained(problem);
  return page(
    id === undefined ? "Add a person" : "Edit a person",
    html`${trouble === undefined ? nothing : html`<p role="alert" class="wrong">${trouble}</p>`}
<form method="post" action="/people${id === undefined ? "" : html`/${id}`}" class="person">
${field("Name", "name", name)}
${field("Email", "email", email)}
<p><label for="status">Status</label><select id="status" name="status">${options}</select></p>
<fieldset>
<legend>Address (optional)</legend>
${field("Street", "street", address?.street ?? "", "address/street")}
${field("Postcode", "postcode", address?.postcode ?? "", "address/postcode")}
${field("City", "city", address?.city ?? "", "address/city")}
</fieldset>
<p class="actions"><button class="button">Save</button> <a href="/people">Cancel</a></p>
</form>
${id === undefined ? nothing : removal(id, name)}`,
    user,
  );
}

/** How many characters the API takes. */
const longest = { name: 200, email: 254, street: 200, postcode: 20, city: 100 };

interface Input {
  readonly label: string;
  readonly name: keyof typeof longest;
  readonly value: string;
  readonly fault: string | undefined;
  readonly mayBeEmpty: boolean;
}

function input({ label, name, value, fault, mayBeEmpty }: Input): Html {
  const marks = html`${mayBeEmpty ? nothing : html` required`}${
    fault === undefined ? nothing : html` aria-invalid="true" aria-describedby="${name}-fault"`
  }`;
  return html`<p><label for="${name}">${label}</label><input id="${name}" name="${name}" maxlength="${longest[name]}" value="${value}"${marks}>${
    fault === undefined ? nothing : html`<small id="${name}-fault" class="wrong">${label} ${fault}.</small>`
  }</p>`;
}

/** Two steps, without a script to ask. */
const removal = (id: number, name: string) => html`<details class="removal">
<summary>Delete…</summary>
<form method="post" action="/people/${id}/delete">
<p>${name} will be deleted permanently.</p>
<button class="danger">Delete permanently</button>
</form>
</details>`;
