/** Adds a button to each snippet that copies it. */
import { addCopyButton } from "./copy.js";

for (const top of document.querySelectorAll(".snippet .top"))
  addCopyButton(top, top.nextElementSibling, top.querySelector("h3").textContent);
