/** Buttons that copy codes, and messages that appear as they arrive. Everything else works without script. */
import { addCopyButton } from "./copy.js";

function addCopyButtons(within) {
  for (const place of within.querySelectorAll(".code:not(:has(button))"))
    addCopyButton(place, place.querySelector("bdi"), place.dataset.of);
}

/** Brings the list up to date: what stays is left alone, with its focus and selection. */
async function update(list) {
  const page = await (await fetch(location.href, { headers: { accept: "text/html" } })).text();
  const fresh = new DOMParser().parseFromString(page, "text/html");
  const freshList = fresh.querySelector("#list");
  const shown = [...freshList.querySelectorAll("article")];
  const kept = new Set(shown.map(({ id }) => id));
  for (const one of list.querySelectorAll("article")) if (!kept.has(one.id)) one.remove();
  const added = shown.filter(({ id }) => document.getElementById(id) === null);
  for (const one of added) one.classList.add("new");
  list.prepend(...added);
  addCopyButtons(list);
  document.querySelector("#count").replaceChildren(...fresh.querySelector("#count").childNodes);
  if (document.querySelector(".top form") === null)
    document.querySelector(".top").append(...fresh.querySelectorAll(".top form"));
  if (added.length > 0)
    document.querySelector("#news").textContent =
      added.length === 1 ? "A message arrived." : `${added.length} messages arrived.`;
  list.dataset.next = freshList.dataset.next;
}

const shownAgain = () =>
  new Promise((resolve) => {
    if (document.visibilityState === "visible") resolve();
    else document.addEventListener("visibilitychange", resolve, { once: true });
  });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for messages for as long as the page is looked at. */
async function follow(list) {
  for (;;) {
    await shownAgain();
    const { next: cursor, to } = list.dataset;
    try {
      const asked = new URLSearchParams({ cursor, ...(to && { to }), wait: "50", limit: "1" });
      const answer = await fetch(`/inbox/messages?${asked}`);
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const { messages, next } = await answer.json();
      if (messages.length > 0) await update(list);
      else list.dataset.next = next;
    } catch {
      await pause(3_000);
    }
  }
}

addCopyButtons(document);
const list = document.querySelector("#list");
if (list !== null) void follow(list);
