/** The log for people: one line per entry, with the time of day, the level in color, the message and its values. */
import { styleText } from "node:util";
import { printable } from "./text.ts";

type Style = Parameters<typeof styleText>[0];
/** Applies a style, or none where the terminal shall have no colors. */
export type Paint = (style: Style, text: string) => string;

/** Styles for a stream, by its terminal, NO_COLOR and FORCE_COLOR. */
export const paintFor =
  (stream: NodeJS.WriteStream): Paint =>
  (style, text) =>
    styleText(style, text, { stream });

interface Level {
  readonly name: string;
  readonly style: Style;
}

/** By the numbers of pino. */
const levels: Readonly<Record<number, Level>> = {
  10: { name: "trace", style: "gray" },
  20: { name: "debug", style: "gray" },
  30: { name: "info", style: "green" },
  40: { name: "warn", style: "yellow" },
  50: { name: "error", style: "red" },
  60: { name: "fatal", style: "red" },
};

/** An entry of the log as a line. @param json a line of pino's */
export function terminalLine(json: string, paint: Paint): string {
  const { level, time, msg, err, requestId, ...values } = JSON.parse(json) as Record<string, unknown>;
  const { name, style } = levels[Number(level)] ?? levels[30]!;
  const given = Object.entries({ ...values, requestId }).flatMap(([key, value]) => {
    if (value === undefined || value === null) return [];
    return [`${paint("gray", `${printable(key)}=`)}${valueText(value)}`];
  });
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const head = `${paint("gray", clock)} ${paint(style, name.padEnd(5))} ${printable(String(msg ?? ""))}`;
  return `${[head, ...given].join("  ")}${err === undefined ? "" : errorText(err, paint)}\n`;
}

/** A value in one word or in quotation marks. */
function valueText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const isWord = typeof value !== "string" || /^[^\s"=]+$/.test(value);
  return printable(isWord ? text : JSON.stringify(text));
}

/** An error as lib/describe-error.ts describes it, on lines of its own. */
function errorText(err: unknown, paint: Paint): string {
  if (typeof err !== "object" || err === null) return ` ${valueText(err)}`;
  const { type, message, code, at, cause } = err as Record<string, unknown>;
  const kind = [type, code].filter((one) => one !== undefined).map(String);
  const title = `${kind.join(" ")}${message === undefined ? "" : `: ${String(message)}`}`;
  const frames = Array.isArray(at) ? at.map((one) => `\n      ${paint("gray", printable(String(one)))}`) : [];
  return `\n    ${printable(title)}${frames.join("")}${cause === undefined ? "" : errorText(cause, paint)}`;
}
