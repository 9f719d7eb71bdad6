// Lighthouse on every page of the release build, as on a slow phone and on a desktop: `make audit`. Prints a table; the exit
// code is 1 if a page misses a budget. `node benches/lighthouse/lighthouse.mjs /rooms` looks at this page only.
//
// A stream that never ends does not keep Lighthouse waiting: it counts a page as loaded with up to two requests open, and
// leaves EventSources and WebSockets out of those that matter.
import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";
import { converse, startSite, work } from "./site.mjs";

/** Of 100. Nothing less: each audit of these is a fault that a person meets, and the same on every machine. */
const ACCESSIBILITY = 100;
const BEST_PRACTICES = 100;

/** Of pages that search engines may show; of the others the score says mostly that they may not. */
const SEO = 100;

/** What Lighthouse calls good. Its phone has a CPU four times as slow as this machine's, which may be busy with other things. */
const PERFORMANCE = 90;

/** Room is reserved for what arrives late. Not nought: a fraction of a pixel is rounded. Good would be 0.1. */
const LAYOUT_SHIFT = 0.01;

/** A page that is slow, or shifts, is measured again: a moment in which the machine was busy is no property of the page. */
const TRIES = 3;

/** A page that has not come to rest by then is measured as it is, in milliseconds. */
const LONGEST_LOAD = 30_000;

const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
const PROFILES = { phone: undefined, desktop: desktopConfig };

const CHROMIUM = [
  "--headless=new",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Chromium refuses to start its sandbox as root, as in most containers.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

const only = process.argv.slice(2);
let site, chrome;
try {
  site = await startSite();
  // Found by scripts/setup; without it the one that chrome-launcher finds.
  chrome = await launch({ chromePath: process.env.CHROMIUM || undefined, chromeFlags: CHROMIUM, logLevel: "error" });
  const rows = [];
  const missed = [];
  for (const page of await pages()) {
    for (const profile of Object.keys(PROFILES)) {
      const { result, faults } = await measure(page, profile);
      rows.push(row(page, profile, result));
      missed.push(...faults.map((fault) => `${page.name}, ${profile}: ${fault}`));
    }
  }
  print(rows);
  for (const line of missed) console.error(`lighthouse: ${line}`);
  if (missed.length) process.exitCode = 1;
} catch (error) {
  console.error(`lighthouse: ${error.message}`);
  process.exitCode = 1;
} finally {
  await chrome?.kill();
  await site?.stop();
}

/** All pages (src/app.rs), `indexed` if search engines may show them. They are looked at as somebody who was here before. */
async function pages() {
  const conversation = await converse(site.asker);
  const [digest, transcript] = [await work(site.asker, "digest"), await work(site.asker, "export")];
  const all = [
    { path: "/", indexed: true },
    { path: "/rooms", indexed: true },
    { path: "/rooms/lobby", indexed: true },
    // As many messages as are shown at once: `tidemark seed` has made it.
    { path: "/rooms/demo-archive", indexed: true },
    { path: "/assistant" },
    { path: `/assistant/${conversation}`, name: "/assistant/{answered}" },
    { path: "/jobs", indexed: true },
    { path: "/docs/protocol.md", indexed: true },
    { path: `/jobs/${transcript}`, name: "/jobs/{completed}" },
    { path: `/jobs/${digest}/digest`, name: "/jobs/{id}/digest" },
    { path: "/search?q=the", name: "/search" },
    { path: "/notifications" },
    { path: "/account" },
    { path: "/sign-in" },
    { path: "/inspector" },
  ];
  const named = all.map((page) => ({ name: page.path, ...page }));
  const chosen = named.filter((page) => !only.length || only.includes(page.name));
  if (!chosen.length) throw new Error(`there are no such pages; there are ${named.map(({ name }) => name).join(" ")}`);
  return chosen;
}

/** The best of some tries, and what is amiss with it. */
async function measure(page, profile) {
  let best;
  for (let tries = 1; tries <= TRIES; tries++) {
    process.stderr.write(`${page.name} (${profile})${tries > 1 ? ", once more" : ""}\n`);
    const result = await look(page, profile);
    const faults = faultsOf(page, result);
    if (!best || faults.length < best.faults.length || (faults.length === best.faults.length && faster(result, best.result))) {
      best = { result, faults };
    }
    if (!best.faults.some(({ timed }) => timed)) break;
  }
  return { result: best.result, faults: best.faults.map(({ words }) => words) };
}

async function look(page, profile) {
  const options = {
    port: chrome.port,
    logLevel: "silent",
    output: "json",
    onlyCategories: CATEGORIES,
    maxWaitForLoad: LONGEST_LOAD,
    disableFullPageScreenshot: true,
    extraHeaders: { cookie: site.cookie },
  };
  const { lhr } = await lighthouse(site.origin + page.path, options, PROFILES[profile]);
  if (lhr.runtimeError) throw new Error(`${page.name} (${profile}) cannot be measured: ${lhr.runtimeError.message}`);
  return lhr;
}

function score(result, category) {
  return Math.round((result.categories[category].score ?? 0) * 100);
}

function number(result, audit) {
  return result.audits[audit].numericValue;
}

function faster(one, other) {
  return score(one, "performance") > score(other, "performance");
}

function faultsOf(page, result) {
  const budgets = { performance: PERFORMANCE, accessibility: ACCESSIBILITY, "best-practices": BEST_PRACTICES };
  if (page.indexed) budgets.seo = SEO;
  const faults = result.runWarnings.map((words) => ({ words, timed: true }));
  for (const [category, least] of Object.entries(budgets)) {
    const scored = score(result, category);
    if (scored >= least) continue;
    faults.push({ words: `${category} ${scored} of at least ${least} (${reasons(result, category)})`, timed: category === "performance" });
  }
  const shift = number(result, "cumulative-layout-shift");
  if (shift > LAYOUT_SHIFT) faults.push({ words: `CLS ${shift.toFixed(3)} of at most ${LAYOUT_SHIFT}`, timed: true });
  return faults;
}

/** The audits that cost points, and where. */
function reasons(result, category) {
  const costly = ({ id, weight }) => weight > 0 && result.audits[id].score !== null && result.audits[id].score < 0.9;
  const words = ({ id }) => {
    const { title, displayValue, details } = result.audits[id];
    const place = ({ node, sourceLocation, description, url }) => node?.snippet ?? sourceLocation?.url ?? description ?? url;
    const places = new Set((details?.items ?? []).map(place));
    return [title, displayValue, ...[...places].slice(0, 3)].filter(Boolean).join(": ");
  };
  return result.categories[category].auditRefs.filter(costly).map(words).join("; ");
}

/** The bytes of JavaScript and WASM as they travelled. */
function programBytes(result) {
  const requests = result.audits["network-requests"].details.items;
  return requests.filter(({ url }) => /\.(?:js|wasm)$/.test(new URL(url).pathname)).reduce((sum, { transferSize }) => sum + transferSize, 0);
}

function row(page, profile, result) {
  const ms = (audit) => Math.round(number(result, audit)).toLocaleString("en");
  return [
    page.name,
    profile,
    ...CATEGORIES.map((category) => `${score(result, category)}`),
    ms("largest-contentful-paint"),
    ms("total-blocking-time"),
    number(result, "cumulative-layout-shift").toFixed(3),
    (programBytes(result) / 1000).toFixed(1),
  ];
}

function print(rows) {
  const table = [["page", "profile", ...CATEGORIES, "LCP, ms", "TBT, ms", "CLS", "JS + WASM, kB"], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const pad = (cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  const line = (row) => `| ${row.map(pad).join(" | ")} |`;
  const rule = widths.map((width, column) => (column < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  console.log(`\n${[line(table[0]), line(rule), ...table.slice(1).map(line)].join("\n")}\n`);
}
