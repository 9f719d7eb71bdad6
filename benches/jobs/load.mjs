// Measures with wrk what it costs to ask how far a job is, in rounds over all ways of asking, and prints the medians. The
// servers run already (`scripts/bench-jobs`); `ways.mjs` has what is asked.
// `node benches/jobs/load.mjs --tidemark URL,PID --key KEY [--axum URL,PID] [--next URL,PID]`

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { usage } from "../rooms/process.mjs";
import { table } from "./table.mjs";
import { ways } from "./ways.mjs";

const REPORT = fileURLToPath(new URL("wrk.lua", import.meta.url));
// The first round's is longer: a just-in-time compiler is at work.
const SECONDS_OF_WARMUP = { first: 5, later: 1 };

const text = { type: "string" };
const { values } = parseArgs({
  options: { tidemark: text, axum: text, next: text, key: text, seconds: text, rounds: text, connections: text },
});
const seconds = whole("seconds", 4, 1, 600);
const rounds = whole("rounds", 3, 1, 99);
const connections = whole("connections", 64, 1, 10_000);

try {
  if (!values.tidemark || !values.key) throw new Error("--tidemark URL,PID and --key KEY are needed");
  const servers = Object.fromEntries(["tidemark", "axum", "next"].map((name) => [name, server(values[name])]));
  const all = await ways(servers, values.key);
  const rows = all.map((way) => ({ title: way.title, results: [] }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, way] of all.entries()) {
      console.error(`round ${round} of ${rounds}: ${way.title}`);
      await wrk(way, SECONDS_OF_WARMUP[round === 1 ? "first" : "later"]);
      rows[index].results.push(await measure(way));
    }
  }
  console.log(`\nGET of a completed job, ${connections} connections, medians of ${rounds} × ${seconds} s; × as much as the first\n`);
  console.log(table(rows));
  // What a peer does not answer is its row in the table, not our failure.
  const failed = rows.some(({ results }, index) => all[index].server === servers.tidemark && results.some((result) => result.failed));
  if (failed) throw new Error("not every request was answered");
} catch (error) {
  console.error(`bench-jobs: ${error.code === "ENOENT" ? `${error.path} is missing` : error.message}`);
  process.exitCode = 1;
}

function whole(name, fallback, least, most) {
  const value = Number(values[name] ?? fallback);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  console.error(`bench-jobs: --${name} wants a whole number from ${least} to ${most}`);
  process.exit(2);
}

function server(word) {
  if (!word) return null;
  const [url, pid] = word.split(",");
  return { url, pid: Number(pid) };
}

async function measure(way) {
  const before = usage(way.server.pid).cpu;
  const { requests, us, p50_us, p99_us, errors } = await wrk(way, seconds);
  const cpu = usage(way.server.pid).cpu - before;
  return {
    per_second: requests / (us / 1e6),
    cpu_us: (cpu * 1e6) / requests,
    busy: cpu / (us / 1e6),
    p50_ms: p50_us / 1_000,
    p99_ms: p99_us / 1_000,
    failed: errors,
  };
}

async function wrk({ url, headers }, duration) {
  const said = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  // Whoever is answered late is answered: that is in the latency.
  const words = ["-t1", `-c${connections}`, `-d${duration}s`, "--timeout", "60s", "-s", REPORT, ...said, url];
  const { stdout } = await promisify(execFile)("wrk", words);
  const result = /^result (.*)$/m.exec(stdout);
  if (!result) throw new Error(`wrk said nothing that can be read: ${stdout}`);
  return JSON.parse(result[1]);
}
