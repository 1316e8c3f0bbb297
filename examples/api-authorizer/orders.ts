/** What the API does, however it is called. */

const taken = [
  { id: "1", text: "two boxes of paper" },
  { id: "2", text: "a lamp" },
];

export const listOrders = () => ({ orders: taken });

/** An order in the name of whoever takes it; undefined if it has no text. Nothing is kept: this is about who may. */
export function takeOrder(text: unknown, by: string) {
  return typeof text === "string" && text.trim() !== "" ? { id: "3", text: text.trim(), by } : undefined;
}

export const reportOf = (day: string) => ({ day, orders: taken.length });
