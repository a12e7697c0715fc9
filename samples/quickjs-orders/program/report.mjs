// Totals of orders by country and month, exact to the cent, and the customers who spent most.
import * as std from "qjs:std";
import { rows } from "./csv.mjs";

const path = scriptArgs[1];
const text = std.loadFile(path);
if (text === null) {
  std.err.puts(`report: cannot read ${path}\n`);
  std.exit(2);
}

const cents = (amount) => {
  const [whole, part = ""] = amount.split(".");
  return BigInt(whole) * 100n + BigInt(part.padEnd(2, "0"));
};
const money = (value) => `${value / 100n}.${String(value % 100n).padStart(2, "0")}`;
const add = (map, key, value) => map.set(key, (map.get(key) ?? 0n) + value);

const orders = [...rows(text)].map((row) => ({ ...row, total: cents(row.price) * BigInt(row.count) }));
const months = new Map();
const customers = new Map();
for (const { country, date, customer, total } of orders) {
  add(months, `${country} ${date.slice(0, 7)}`, total);
  add(customers, customer, total);
}
const sorted = (map, order) => Object.fromEntries([...map].sort(order).map(([key, value]) => [key, money(value)]));
console.log(JSON.stringify({
  orders: orders.length,
  total: money(orders.reduce((sum, { total }) => sum + total, 0n)),
  months: sorted(months, ([a], [b]) => (a < b ? -1 : 1)),
  best: Object.keys(sorted(customers, ([, a], [, b]) => Number(b - a))).slice(0, 3),
}, null, 2));
