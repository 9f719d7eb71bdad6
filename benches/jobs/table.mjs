// One row a way of asking: the median of each figure over its rounds, behind it how it compares with the first row, and
// the sum of what failed.

const COLUMNS = [
  ["requests a second", "per_second", 0],
  ["CPU a request, µs", "cpu_us", 1],
  ["p50, ms", "p50_ms", 2],
  ["p99, ms", "p99_ms", 2],
];

export function table(rows) {
  const medians = (name) => rows.map(({ results }) => median(results.map((result) => result[name])));
  const columns = COLUMNS.map(([heading, name, digits]) => {
    const values = medians(name);
    const compared = (value, index) => value.toFixed(digits) + (index ? ` (${(value / values[0]).toFixed(2)} ×)` : "");
    return [heading, ...values.map(compared)];
  });
  const busy = medians("busy").map((share) => `${(share * 100).toFixed(0)} %`);
  const failed = rows.map(({ results }) => `${results.reduce((sum, result) => sum + result.failed, 0)}`);
  const titles = rows.map(({ title }) => title);
  const all = [["", ...titles], ...columns, ["failed", ...failed], ["server's core", ...busy]];
  const widths = all.map((column) => Math.max(...column.map((cell) => cell.length)));
  const line = (row) => `| ${all.map((column, index) => pad(column[row], widths[index], index)).join(" | ")} |`;
  const rule = `|${widths.map((width, index) => "-".repeat(width + (index ? 1 : 2)) + (index ? ":" : "")).join("|")}|`;
  return [line(0), rule, ...rows.map((_, index) => line(index + 1))].join("\n");
}

function pad(text, width, index) {
  return index ? text.padStart(width) : text.padEnd(width);
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
