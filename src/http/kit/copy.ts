/** The script of the buttons that copy. A page's own script imports it as `./copy.js`, from the folder where it is itself. */
export const copyScript = new URL("public/copy.js", import.meta.url);
