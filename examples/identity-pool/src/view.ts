/** Elements of the page. Text from elsewhere only ever gets in as text. */
import { Refusal } from "./refusal.ts";

/** The element that a selector means. The page has it. */
export function find<E extends HTMLElement = HTMLElement>(selector: string): E {
  return document.querySelector<E>(selector)!;
}

export function element(name: string, ...content: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}

export function clear(...places: HTMLElement[]): void {
  for (const place of places) place.replaceChildren();
}

/** Sentences about what went wrong, by the name of the error. All others have a message that is one. */
const sentences: Readonly<Record<string, string>> = {
  NetworkError: "The server does not answer. Is it running?",
};

/** What went wrong, as an alert: that a service refused with its status and type, as it did. */
export function problemIn(error: unknown): HTMLElement {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const text = sentences[name] ?? message;
  const alert =
    error instanceof Refusal
      ? element("p", element("strong", `${error.status} ${error.type}`), text)
      : element("p", text);
  alert.role = "alert";
  return alert;
}

export function say(place: HTMLElement, error: unknown): void {
  place.replaceChildren(problemIn(error));
}

/** One thing at a time; what goes wrong is said at its place. */
async function run(busy: HTMLElement, place: HTMLElement, work: () => Promise<void>): Promise<void> {
  if (busy.ariaBusy === "true") return;
  busy.ariaBusy = "true";
  clear(place);
  await work().catch((error: unknown) => say(place, error));
  busy.ariaBusy = "false";
}

/** @param place where the outcome is shown */
export function onClick(
  button: HTMLButtonElement,
  place: HTMLElement,
  work: (place: HTMLElement) => Promise<void>,
): void {
  button.addEventListener("click", () => void run(button, place, () => work(place)));
}

export function onSubmit(
  form: HTMLFormElement,
  work: (fields: (name: string) => string) => Promise<void>,
): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const place = form.querySelector<HTMLElement>("output")!;
    void run(form, place, async () => {
      await work((name) => String(data.get(name) ?? ""));
      form.reset();
    });
  });
}
