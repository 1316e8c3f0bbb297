/**
 * Adds a button that copies the text of an element.
 * @param place where the button goes
 * @param text the element whose text is copied
 * @param name what is copied, for who cannot see where the button is
 */
export function addCopyButton(place, text, name) {
  const button = document.createElement("button");
  const say = (word) => {
    button.textContent = word;
    button.setAttribute("aria-label", `${word}: ${name}`);
  };
  button.type = "button";
  button.className = "copy";
  button.setAttribute("aria-live", "polite");
  say("Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      say("Copied");
    } catch {
      // Without permission, the text is selected, to be copied by keyboard.
      getSelection().selectAllChildren(text);
      say("Selected");
    }
  });
  button.addEventListener("blur", () => say("Copy"));
  place.append(button);
}
