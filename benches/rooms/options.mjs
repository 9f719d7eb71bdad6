// The command line. Everything is bounded here, so that a slip cannot start an endless or enormous run.

import { parseArgs } from "node:util";
import { targets } from "./targets.mjs";

export const USAGE = `usage: node benches/rooms/load.mjs [options]

Opens many sockets to chat rooms on this machine, posts, checks that every event arrives everywhere once, and measures.

  --target NAME          tidemark, ws or socketio (default tidemark)
  --url URL              ws://127.0.0.1:3000; a path replaces the target's own
  --sockets N            1 to 25000 (default 2000)
  --rooms N              the sockets are spread evenly over load-0 … load-(N-1); one of Tidemark's is the lobby (default 1)
  --room-prefix PREFIX   instead of load-
  --room-names A,B,C     these rooms instead
  --posters N            so many of the sockets post (default 20)
  --cookie-page URL      each poster fetches this page first and comes with its cookie; the others are nobody
  --posts-per-second N   in all, to each room in turn: 0.1 to 10000 (default 5)
  --text-bytes N         of a message: 60 to 4000 (default 100)
  --seconds N            of measurement: 1 to 3600 (default 30)
  --warmup N             seconds of posting before: 0 to 600 (default 2)
  --rate N               sockets opened per second: 1 to 20000 (default 500)
  --churn SHARE          of the sockets to drop each second, to come back from where they were: 0 to 1 (default 0)
  --away SECONDS         a dropped socket stays away for up to this long: 0 to 60 (default 2)
  --pid PID              the server's process, to measure its memory and CPU
  --json                 one line of JSON on standard output; the text goes to standard error

The peers keep no position: what happens while a socket is away is missing there.
Exit code: 0 if nothing was missing, repeated or reset, 1 if anything was, 2 if it could not run.`;

const TYPES = {
  target: "string",
  url: "string",
  sockets: "string",
  rooms: "string",
  "room-prefix": "string",
  "room-names": "string",
  posters: "string",
  "cookie-page": "string",
  "posts-per-second": "string",
  "text-bytes": "string",
  seconds: "string",
  warmup: "string",
  rate: "string",
  churn: "string",
  away: "string",
  pid: "string",
  json: "boolean",
  help: "boolean",
};

/** Null asks for the usage text. Throws with words for people. */
export function parse(words) {
  const options = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [name, { type }]));
  const { values } = parseArgs({ args: words, options });
  if (values.help || !words.length) return null;

  const number = (name, fallback, least, most) => {
    const value = values[name] === undefined ? fallback : Number(values[name] || NaN);
    if (value >= least && value <= most) return value;
    throw new Error(`--${name} wants a number from ${least} to ${most}, not ${values[name]}`);
  };
  const whole = (name, ...bounds) => {
    const value = number(name, ...bounds);
    if (Number.isInteger(value)) return value;
    throw new Error(`--${name} wants a whole number, not ${value}`);
  };

  const name = values.target ?? "tidemark";
  if (!Object.hasOwn(targets, name)) throw new Error(`--target is one of ${Object.keys(targets).join(", ")}`);
  const sockets = whole("sockets", 2_000, 1, 25_000);
  const names = values["room-names"]?.split(",") ?? roomNames(whole("rooms", 1, 1, 25_000), name, values["room-prefix"]);
  if (!names.every((room) => /^[\w.~-]+$/.test(room)) || new Set(names).size < names.length) {
    throw new Error("names of rooms are letters, digits, and . _ ~ -, each one once");
  }
  if (names.length > sockets) throw new Error(`${sockets} sockets cannot be in ${names.length} rooms`);

  return {
    name,
    target: targets[name],
    url: socketUrl(values.url ?? "ws://127.0.0.1:3000"),
    sockets,
    rooms: names,
    posters: whole("posters", Math.min(20, sockets), 1, sockets),
    cookiePage: values["cookie-page"],
    postsPerSecond: number("posts-per-second", 5, 0.1, 10_000),
    textBytes: whole("text-bytes", 100, 60, 4_000),
    seconds: number("seconds", 30, 1, 3_600),
    warmup: number("warmup", 2, 0, 600),
    rate: number("rate", 500, 1, 20_000),
    churn: number("churn", 0, 0, 1),
    away: number("away", 2, 0, 60),
    pid: values.pid === undefined ? null : whole("pid", 0, 1, 2 ** 22),
    json: values.json ?? false,
  };
}

function roomNames(count, target, prefix) {
  if (target === "tidemark" && count === 1 && prefix === undefined) return ["lobby"];
  return Array.from({ length: count }, (_, index) => `${prefix ?? "load-"}${index}`);
}

function socketUrl(text) {
  const url = new URL(text.replace(/^http/, "ws"));
  if (url.protocol !== "ws:" && url.protocol !== "wss:") throw new Error(`--url wants a URL of http or ws, not ${text}`);
  return url;
}
