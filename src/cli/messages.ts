/** `poolhouse messages`: what a pool sends to its users, and whether the configured senders do. */
import { type Given, type Options, readArguments } from "./command-line.ts";
import { preview } from "./messages-preview.ts";
import { sendTest } from "./messages-test.ts";
import { noSuchAction, wrongUsage } from "./usage.ts";

interface Action {
  readonly options: Options;
  readonly operands: number;
  run(given: Given): Promise<void>;
}

const text = { type: "string" } as const;

const actions: Readonly<Record<string, Action>> = {
  preview: {
    options: { language: text, client: text, medium: text, html: text },
    operands: 2,
    run: preview,
  },
  test: { options: { to: text, sender: text, pool: text }, operands: 0, run: sendTest },
};

export async function messages(argv: readonly string[]): Promise<void> {
  const [name = "", ...rest] = argv;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw noSuchAction("messages", name);
  const { options, operands, run } = action;
  await run(readArguments(rest, { options, operands, wrong: wrongUsage("messages", [name]) }));
}
