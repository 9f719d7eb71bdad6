// Runs the scripts of swr-scripts.mjs against npm's own `swr` with a fake clock, and notes when it asks and what it shows.
// `--write` keeps that as tests/polling/swr.json, which tests/polling.rs holds ours against; `--check` compares.
import { readFileSync, writeFileSync } from "node:fs";
import FakeTimers from "@sinonjs/fake-timers";
import { JSDOM } from "jsdom";
import { scripts } from "./swr-scripts.mjs";

const FILE = new URL("../tests/polling/swr.json", import.meta.url);

// Before `swr` is loaded: it looks once whether it is in a browser.
const { window } = new JSDOM("<!doctype html><body></body>", { url: "http://localhost/" });
globalThis.window = window;
globalThis.document = window.document;
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
// Where there is data, swr asks with the next frame. Here frames take no time.
window.requestAnimationFrame = (draw) => draw();
let visibility = "visible";
Object.defineProperty(window.document, "visibilityState", { get: () => visibility });
Math.random = () => 0.5;

const { act, createElement, useLayoutEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const { default: useSWR, SWRConfig } = await import("swr");

/** The questions of a script with their times, and what each component showed at the end of each moment, when it changed. */
async function run({ options, answers, events, until }) {
  const clock = FakeTimers.install({ now: 0, toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  const asked = [];
  const shown = [];
  const components = new Map();

  const fetcher = (key) => {
    const { data, error, after } = answers[Math.min(asked.length, answers.length - 1)];
    asked.push([clock.now, key]);
    return new Promise((resolve, reject) => {
      setTimeout(() => (error === undefined ? resolve(data) : reject(error)), after);
    });
  };
  function Component({ who, component }) {
    const { data, error, isLoading, isValidating, mutate } = useSWR(component.key, fetcher, component.options);
    useLayoutEffect(() => {
      component.mutate = mutate;
      component.shows = [data ?? null, error ?? null, isLoading, isValidating];
    });
    return who;
  }
  const provider = { provider: () => new Map() };
  const root = createRoot(window.document.body);
  const render = () => {
    const children = [...components].map(([who, component]) => createElement(Component, { key: who, who, component }));
    root.render(createElement(SWRConfig, { value: provider }, ...children));
  };

  for (let left = [...events]; clock.now < until; ) {
    for (; left[0]?.at === clock.now; left.shift()) {
      await act(async () => perform(left[0]));
      // What swr puts off to the end of the turn.
      await act(async () => clock.tickAsync(0));
    }
    note();
    // No further than the next timer, so that each moment is seen at its end.
    const timers = [...(clock.timers ?? new Map()).values()].map((timer) => timer.callAt);
    const next = Math.min(until, left[0]?.at ?? until, ...timers.filter((time) => time > clock.now));
    await act(async () => clock.tickAsync(next - clock.now));
  }
  note();

  function note() {
    for (const [who, component] of components) {
      if (JSON.stringify(component.shows) !== JSON.stringify(component.noted)) {
        component.noted = component.shows;
        shown.push([clock.now, who, ...component.shows]);
      }
    }
  }

  function perform(event) {
    const who = event.who ?? "a";
    const component = components.get(who);
    switch (event.do) {
      case "mount": {
        const { refreshInterval, ...rest } = { ...options, ...event.options };
        const key = event.key === undefined ? "/one" : event.key;
        components.set(who, { key, options: { ...rest, refreshInterval: interval(refreshInterval), fallbackData: event.first } });
        return render();
      }
      case "unmount":
        components.delete(who);
        return render();
      case "key":
        components.set(who, { ...component, key: event.key });
        return render();
      case "focus":
        return window.dispatchEvent(new window.Event("focus"));
      case "hidden":
      case "visible":
        visibility = event.do;
        return window.document.dispatchEvent(new window.Event("visibilitychange"));
      case "offline":
      case "online":
        return window.dispatchEvent(new window.Event(event.do));
      case "mutate":
        return void component.mutate();
      case "set":
        return void component.mutate(event.data, { revalidate: event.revalidate });
      case "change": {
        const work = new Promise((resolve, reject) => {
          setTimeout(() => (event.fails ? reject(new Error("the change failed")) : resolve(event.data)), event.takes);
        });
        const { optimistic: optimisticData, rollback: rollbackOnError, populate: populateCache = true, revalidate } = event;
        return void component.mutate(work, { optimisticData, rollbackOnError, populateCache, revalidate }).catch(() => {});
      }
      default:
        throw new Error(`no such event: ${event.do}`);
    }
  }

  await act(async () => root.unmount());
  visibility = "visible";
  clock.uninstall();
  return { asked, shown };
}

/** swr begins its interval anew when the function is another one: it is made once. */
function interval(given) {
  return typeof given === "object" ? (data) => (data === undefined ? given.none : (given.by[data] ?? given.other)) : given;
}

const recording = [];
for (const script of scripts) recording.push({ ...script, ...(await run(script)) });
// A line for each script, so that a change is one line of a diff.
const text = `[\n${recording.map((script) => JSON.stringify(script)).join(",\n")}\n]\n`;

if (process.argv.includes("--write")) {
  writeFileSync(FILE, text);
} else if (process.argv.includes("--check")) {
  const kept = new Map(JSON.parse(readFileSync(FILE, "utf8")).map((script) => [script.name, JSON.stringify(script)]));
  const differing = recording.filter((script) => kept.get(script.name) !== JSON.stringify(script)).map((script) => script.name);
  if (differing.length > 0 || kept.size !== recording.length) {
    console.error(`swr does otherwise than tests/polling/swr.json says, or the scripts changed (--write):\n${differing.join("\n")}`);
    process.exit(1);
  }
} else {
  console.log(text);
}
