/** Adds a button to each snippet that copies it. */
for (const top of document.querySelectorAll(".snippet .top")) {
  const text = top.nextElementSibling;
  const title = top.querySelector("h3");
  const button = document.createElement("button");
  const say = (word) => {
    button.textContent = word;
    button.setAttribute("aria-label", `${word}: ${title.textContent}`);
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
  top.append(button);
}
