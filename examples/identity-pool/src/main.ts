/** The page: who one is, and what these credentials open. */
import "./configure.ts";
import { type Day, visitors, whoAmI } from "./api.ts";
import { listBucket, type StoredObject } from "./bucket.ts";
import { currentSession, enter, leave } from "./session.ts";
import { settings } from "./settings.ts";
import { clear, element, find, onClick, onSubmit, problemIn, say } from "./view.ts";

/** Shows who one is now, in place of all that was shown of somebody else. */
async function showSession(): Promise<void> {
  clear(find("#figures"), find("#objects"));
  const session = await currentSession();
  const { username, groups, identityId, accessKeyId, expiresAt } = session;
  const title = username === undefined ? "You are a guest" : `You are signed in as ${username}`;
  find("#who h1").textContent = title;
  document.title = `${title} · Museum`;
  find("#groups").textContent = groups.join(", ") || "none";
  find("#identity").textContent = identityId;
  find("#key").textContent = accessKeyId;
  find("#until").textContent = expiresAt?.toLocaleTimeString() ?? "";
  find("#sign-in").hidden = username !== undefined;
  find("#sign-out").hidden = username === undefined;
  find("#wait").hidden = true;
  for (const card of document.querySelectorAll<HTMLElement>(".card")) card.hidden = false;
  // What the API says is its own: the page does not know its role.
  const caller = find("#arn");
  caller.textContent = "…";
  await whoAmI().then(
    ({ arn }) => {
      caller.textContent = arn;
    },
    (error: unknown) => caller.replaceChildren(problemIn(error)),
  );
}

/** Shows who one is after that has changed. The heading gets the focus, so that screen readers say it. */
async function showChange(): Promise<void> {
  await showSession();
  find("#who h1").focus();
}

onSubmit(find<HTMLFormElement>("#sign-in"), async (fields) => {
  await enter(fields("username"), fields("password"));
  await showChange();
});

onClick(find<HTMLButtonElement>("#sign-out"), find("#left"), async () => {
  await leave();
  await showChange();
});

const row = ({ day, visitors }: Day) =>
  element("tr", element("th", day), element("td", visitors.toLocaleString("en")));

onClick(find<HTMLButtonElement>("#read"), find("#figures"), async (place) => {
  const head = element("tr", element("th", "Day"), element("th", "Visitors"));
  const days = await visitors();
  place.replaceChildren(element("table", element("thead", head), element("tbody", ...days.map(row))));
});

const item = ({ key, size }: StoredObject) =>
  element("li", element("span", key), element("small", `${size.toLocaleString("en")} bytes`));

const { store } = settings;
find("#store").hidden = store === null;
find("#no-store").hidden = store !== null;
if (store !== null) {
  find("#bucket").textContent = `${store.bucket} at ${store.url}`;
  onClick(find<HTMLButtonElement>("#list"), find("#objects"), async (place) => {
    const objects = await listBucket(store);
    place.replaceChildren(
      objects.length === 0 ? element("p", "It is empty.") : element("ul", ...objects.map(item)),
    );
  });
}

showSession().catch((error: unknown) => say(find("#wait"), error));
