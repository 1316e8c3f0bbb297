/** Text for terminals: lines of limited width, tables, and values that others have chosen. */

/** The width that help is written for. */
const pageWidth = 100;

/** Breaks a text at spaces, and indents each line. A word that is longer than a line stays whole. */
export function wrapped(text: string, indent = 0, width = pageWidth): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && indent + line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.map((line) => (line === "" ? "" : `${" ".repeat(indent)}${line}`)).join("\n");
}

/**
 * A value as it may be printed: characters that control a terminal, break a line or change the direction of text are
 * written as escapes, since names come from callers.
 */
export function printable(value: string): string {
  return value.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`);
}

/** A number of things: "1 pool", "2 pools". @param thing a noun whose plural ends in s */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** Rows whose columns begin below each other, also in rows that come later. */
export class Table {
  readonly #widths: number[];

  /** @param widths the least width of each column */
  constructor(widths: readonly number[] = []) {
    this.#widths = [...widths];
  }

  /** The rows as lines. A column is as wide as its widest cell so far. */
  lines(rows: readonly (readonly string[])[]): string[] {
    const cells = rows.map((row) => row.map(printable));
    for (const row of cells)
      for (const [at, cell] of row.entries())
        this.#widths[at] = Math.max(this.#widths[at] ?? 0, widthOf(cell));
    return cells.map((row) =>
      row
        .map((cell, at) =>
          at === row.length - 1 ? cell : cell + " ".repeat(this.#widths[at]! - widthOf(cell)),
        )
        .join("  "),
    );
  }
}

/** How many columns of a terminal a text takes: East Asian wide characters and emoji take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const one of text) {
    if (/\p{Mn}/u.test(one)) continue;
    width += wide.test(one) ? 2 : 1;
  }
  return width;
}

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
