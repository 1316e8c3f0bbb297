/**
 * Plain text of an HTML message, for mail readers that show no HTML. One linear pass whatever the input: templates are
 * written by others, and a pattern that searches for the end of each tag could be made to take quadratic time.
 */

/** Elements that start a new line. */
const blocks = new Set(
  "address article aside blockquote br dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre section table tr ul".split(
    " ",
  ),
);
/** Elements whose content is not shown. */
const silent = new Set(["head", "script", "style", "title"]);

/** Table cells: what is in one is no part of the word in the next. */
const cells = new Set(["td", "th"]);

/** The names of U+00A0 to U+00FF, in this order ("Named character references", HTML Standard). */
const latin1 =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/** Characters by their names: those of markup and of the languages and the typography of western Europe. */
const named: ReadonlyMap<string, string> = new Map([
  ...latin1.split(" ").map((name, index) => [name, String.fromCharCode(0xa0 + index)] as const),
  ...Object.entries({
    ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", AMP: "&", LT: "<", GT: ">", QUOT: '"' },
    ...{ OElig: "Œ", oelig: "œ", Scaron: "Š", scaron: "š", Yuml: "Ÿ", euro: "€", trade: "™" },
    ...{ ndash: "–", mdash: "—", hellip: "…", bull: "•", larr: "←", rarr: "→" },
    ...{ lsquo: "‘", rsquo: "’", sbquo: "‚", ldquo: "“", rdquo: "”", bdquo: "„", lsaquo: "‹", rsaquo: "›" },
    ...{ ensp: " ", emsp: " ", thinsp: " ", zwnj: "\u200c", zwj: "\u200d" },
  }),
]);

/** Removes tags: block elements become lines, and links are followed by their address. */
export function htmlToText(html: string): string {
  // Only ASCII letters change, so the length stays the same.
  const lower = html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  let text = "";
  let href: string | undefined;
  let linkBegan = 0;
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf("<", at);
    // "A < B" and "<3" open no tag. Checked first, so that no ">" is searched for twice.
    if (open >= 0 && !/[a-z!/?]/.test(lower.charAt(open + 1))) {
      text += `${words(html.slice(at, open))}<`;
      at = open + 1;
      continue;
    }
    const close = open < 0 ? -1 : html.indexOf(">", open);
    if (close < 0) {
      text += words(html.slice(at));
      break;
    }
    text += words(html.slice(at, open));
    const tag = html.slice(open + 1, close);
    const [, slash, element = ""] = /^(\/?)([a-z][a-z0-9]*)/.exec(lower.slice(open + 1, close)) ?? [];
    at = close + 1;
    if (silent.has(element) && slash === "") {
      const end = lower.indexOf(`</${element}`, at);
      at = end < 0 ? html.length : end;
    } else if (blocks.has(element)) text += "\n";
    else if (cells.has(element)) text += " ";
    else if (element === "a" && slash === "") {
      href = hrefOf(tag);
      linkBegan = text.length;
    } else if (element === "a" && href !== undefined) {
      if (!text.slice(linkBegan).includes(href)) text += ` (${href})`;
      href = undefined;
    }
  }
  const lines = text.split("\n").map((line) => line.replace(/ +/g, " ").trim());
  return lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

const words = (html: string) => decodeEntities(html).replace(/\s+/g, " ");

function hrefOf(tag: string): string | undefined {
  const [, double, single, bare] = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(tag) ?? [];
  const found = double ?? single ?? bare;
  return found === undefined ? undefined : decodeEntities(found).trim();
}

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z][a-z0-9]{1,7}));/gi,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return named.get(String(name)) ?? whole;
      const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return point <= 0x10ffff ? String.fromCodePoint(point).toWellFormed() : whole;
    },
  );
}
