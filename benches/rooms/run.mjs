// The course of a run, in one process: open all, settle, post, measure, wait for stragglers.
// The only place that decides when a socket opens, drops and comes back.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";
import { Place, Room } from "./continuity.mjs";
import { Histogram } from "./histogram.mjs";
import { runs, usage } from "./process.mjs";

// The peers' own: they are measured with it, and one installation is enough.
const { WebSocket } = createRequire(new URL("../peers/package.json", import.meta.url))("ws");

// After the last socket opened, before the first post: greetings and allocations are over by then.
const SETTLE_MS = 2_000;

// A socket that is not in its room after this long has failed.
const PATIENCE_MS = 10_000;

// How long, at the end, a socket may lag behind its room, and an answer behind its post; longer if sockets stay away longer.
const STRAGGLERS_MS = 10_000;

// Before a socket that the server dropped comes back: from here to twice as long, unless the server says when.
const COME_BACK_MS = 1_000;

// All sockets are looked after this often; more often if the server's heartbeat asks for it.
const LOOK_MS = 1_000;

// Heard nothing for so many heartbeats: the connection is dead.
const SILENT_HEARTBEATS = 2.5;

const SETTINGS = {
  perMessageDeflate: false,
  handshakeTimeout: PATIENCE_MS,
  // The generator checks texts that it has written itself; looking at every byte twice would only make it slower.
  skipUTF8Validation: true,
};

/** One socket to be, its place in its room, and the connection that it has at the moment. */
class Client {
  /** Null while there is none. */
  socket = null;
  place = new Place();
  cookie = null;
  /** It has been in its room before, so the next time is a return. */
  known = false;
  failed = false;
  /** In its room, on the present connection. */
  joined = false;
  /** When the present connection began; once joined, when it joined. */
  since = 0;
  heard = 0;
  said = 0;
  /** When the server wants to see it again, in milliseconds from its last words. */
  retryMs = null;

  constructor(room) {
    this.room = room;
  }

  say(text) {
    this.said = performance.now();
    this.socket.send(text);
  }
}

export class Run {
  counts = {
    opened: 0,
    failed_sockets: 0,
    events: 0,
    gaps: 0,
    missing: 0,
    behind: 0,
    repeated: 0,
    late: 0,
    resets: 0,
    other_epochs: 0,
    lost: 0,
    unreadable: 0,
    refused: 0,
    posts: 0,
    failed_posts: 0,
    resent: 0,
    posted_twice: 0,
    churned: 0,
    drops: 0,
    resumed: 0,
    recovered: 0,
  };
  /** Why sockets failed or were dropped, and posts failed, and how often. */
  reasons = new Map();
  latencies = new Histogram();
  deliveries = 0;
  serverGone = false;

  #clients = [];
  #rooms;
  /** Posts that were not answered, or of which no event has arrived anywhere, by number. */
  #posts = new Map();
  /** Numbers of posts that were sent more than once: their time says nothing about the server. */
  #resent = new Set();
  /** Latencies count in the measured window only. */
  #measuring = false;
  #heartbeatMs = null;
  #looking;
  #ended = new AbortController();
  /** Nobody comes back any more: the process is to end. */
  #over = false;
  /** Of this run: what another one has written is no post of ours. */
  #mark = randomBytes(4).toString("hex");
  /** What arrived last. An event is the same bytes for everybody in a room, and is read once if they come in a row. */
  #lastBytes = Buffer.alloc(0);
  #lastRead = null;

  constructor(options) {
    this.options = options;
    this.target = options.target;
    this.#rooms = new Map(options.rooms.map((name) => [name, new Room(name)]));
  }

  /** Ends the run; what it found so far can still be reported. */
  stop() {
    this.#ended.abort();
  }

  get interrupted() {
    return this.#ended.signal.aborted && !this.serverGone;
  }

  async run() {
    try {
      await this.#goThrough();
    } finally {
      this.#over = true;
      clearTimeout(this.#looking);
      for (const client of this.#clients) {
        const { socket } = client;
        client.socket = null;
        socket?.terminate();
      }
    }
  }

  async #goThrough() {
    const { options } = this;
    const rooms = [...this.#rooms.values()];
    for (let index = 0; index < options.sockets; index += 1) {
      const room = rooms[index % rooms.length];
      room.members += 1;
      this.#clients.push(new Client(room));
    }
    await this.#fetchCookies();
    const { pid } = options;
    const before = pid === null ? null : usage(pid);
    this.#look();
    const opened = performance.now();
    await this.#openAll();
    this.opening = (performance.now() - opened) / 1_000;
    if (this.counts.opened === 0) throw new Error(`no socket could be opened: ${[...this.reasons.keys()].join(", ")}`);
    await this.#wait(SETTLE_MS);
    const idle = this.#serverUsage() ?? before;

    const stopPosting = atRate(options.postsPerSecond, () => this.#post());
    await this.#wait(options.warmup * 1_000);
    const start = this.#serverUsage() ?? idle;
    const [cpu, began] = [process.cpuUsage(), performance.now()];
    this.#measuring = true;
    const stopDropping = atRate(options.churn * options.sockets, () => this.#dropOne());
    await this.#wait(options.seconds * 1_000);
    this.#measuring = false;
    const end = this.#serverUsage() ?? start;
    const { user, system } = process.cpuUsage(cpu);
    this.window = (performance.now() - began) / 1_000;
    this.generator = { memory: process.memoryUsage.rss(), cpu_share: (user + system) / 1e6 / this.window };
    this.server = before && { before, idle, start, end };
    stopPosting();
    stopDropping();

    await this.#waitForStragglers();
    this.#settleAccounts();
  }

  /** Waits, or until the run is ended. */
  async #wait(ms) {
    await pause(ms, undefined, { signal: this.#ended.signal }).catch(() => {});
  }

  /** Null if nobody asked for it, or the server has gone. */
  #serverUsage() {
    const { pid } = this.options;
    return pid !== null && runs(pid) ? usage(pid) : null;
  }

  /** A page load makes a visitor of each poster. */
  async #fetchCookies() {
    const { cookiePage, posters } = this.options;
    if (cookiePage === undefined) return;
    for (const client of this.#clients.slice(0, posters)) {
      const response = await fetch(cookiePage, { headers: { accept: "text/html" } });
      await response.arrayBuffer();
      const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
      client.cookie = cookies.find((cookie) => cookie.startsWith("tidemark_session="));
      if (!client.cookie) throw new Error(`${cookiePage} answered ${response.status} and set no cookie tidemark_session`);
    }
  }

  async #openAll() {
    let next = 0;
    const stopOpening = atRate(this.options.rate, () => {
      if (next < this.#clients.length) this.#open(this.#clients[next]);
      next += 1;
    });
    while (!this.#ended.signal.aborted && this.counts.opened + this.counts.failed_sockets < this.#clients.length) {
      await this.#wait(10);
    }
    stopOpening();
  }

  #open(client) {
    const { target } = this;
    const { url } = this.options;
    const own = url.pathname !== "/" || url.search;
    const address = own ? url : new URL(target.path(client.room.name), url);
    const headers = client.cookie ? { cookie: client.cookie } : {};
    const socket = new WebSocket(address, target.protocols, { ...SETTINGS, headers });
    client.socket = socket;
    client.joined = false;
    client.retryMs = null;
    client.since = client.heard = client.said = performance.now();
    let why = null;
    socket.on("error", (error) => {
      why = error.message;
    });
    socket.on("close", (code, words) => {
      if (client.socket === socket) this.#dropped(client, why ?? `closed with ${code} ${words}`.trim());
    });
    socket.on("message", (bytes) => {
      // What a dropped connection still held is not heard: it was never there.
      if (client.socket === socket) this.#hear(client, bytes);
    });
    if (target.joinsAtOnce) socket.on("open", () => this.#join(client));
  }

  #hear(client, bytes) {
    client.heard = performance.now();
    if (!this.#lastBytes.equals(bytes)) {
      this.#lastRead = this.#read(bytes);
      this.#lastBytes = bytes;
    }
    const message = this.#lastRead;
    switch (message.kind) {
      case "event":
        return this.#event(client, message);
      case "greeted":
        this.#setHeartbeat(message.heartbeatMs ?? null);
        return client.say(this.target.join(client.room.name, client.place));
      case "joined":
        for (const { room, epoch, from, head } of message.places) {
          if (room !== client.room.name) {
            this.#unreadable(`subscribed to ${room}, which nobody asked for`);
            continue;
          }
          client.room.stands(head.epoch, head.offset);
          client.place.start(epoch, from);
        }
        return this.#join(client);
      case "reset":
        this.counts.resets += 1;
        this.#because(`reset: ${message.reason}`);
        client.room.stands(message.epoch, message.offset);
        return client.place.reset(message.epoch, message.offset, this.counts);
      case "done":
        return this.#done(client, message);
      case "failed":
        return this.#failed(client, message);
      case "lost":
        this.counts.lost += 1;
        return this.#because(`lost: ${message.reason}`);
      case "ping":
        return client.say(message.answer);
      case "draining":
        client.retryMs = message.retryMs;
        return;
      case "unreadable":
        return this.#unreadable(message.reason);
    }
  }

  #read(bytes) {
    try {
      const message = this.target.read(bytes.toString());
      if (message.kind === "event") this.#readStamp(message);
      return message;
    } catch (error) {
      return { kind: "unreadable", reason: error.message };
    }
  }

  /** The number and the time of a post of ours; events of others have none. */
  #readStamp(message) {
    const [mark, number, time] = message.text?.split(" ", 3) ?? [];
    if (mark !== this.#mark) return;
    message.post = Number(number);
    message.time = Number(time);
  }

  #join(client) {
    if (client.joined) return;
    client.joined = true;
    client.since = performance.now();
    if (client.known) {
      this.counts.resumed += 1;
      this.#sendAgain(client);
    } else {
      client.known = true;
      this.counts.opened += 1;
    }
  }

  #event(client, message) {
    const { room, place } = client;
    const { counts } = this;
    if (message.room !== room.name) {
      this.#unreadable(`an event of ${message.room}, to which this socket did not subscribe`);
      return;
    }
    counts.events += 1;
    if (this.#measuring) this.deliveries += 1;
    // The same for everybody to whom these bytes are sent in a row.
    if (!message.noted) {
      message.noted = true;
      this.#note(room, message);
    }
    place.follow(room, message.epoch, message.offset, counts);
    if (message.time === undefined) return;
    if (message.time < client.since) {
      // It was posted while this socket was away. A peer that sends it nevertheless was just about to.
      if (this.target.resumes) counts.recovered += 1;
    } else if (this.#measuring && !this.#resent.has(message.post)) {
      this.latencies.record((client.heard - message.time) * 1_000);
    }
  }

  /** An event arrived, here for the first time or not: what does it say about the room, and about our post? */
  #note(room, message) {
    const isNew = room.arrived(message.epoch, message.offset);
    if (message.post === undefined) return;
    const post = this.#posts.get(message.post);
    if (post && !post.seen) {
      post.seen = true;
      if (post.answered) this.#posts.delete(message.post);
    } else if (isNew) {
      this.counts.posted_twice += 1;
    }
  }

  /** To each room in turn, from one poster after the other. */
  #post() {
    const { rooms, posters, textBytes } = this.options;
    const number = this.counts.posts;
    this.counts.posts += 1;
    let client;
    for (let turn = 0; turn < posters && !client?.joined; turn += 1) client = this.#clients[(number + turn) % posters];
    if (!client.joined) {
      this.counts.failed_posts += 1;
      this.#because("no poster was connected");
      return;
    }
    const room = this.#rooms.get(rooms[number % rooms.length]);
    const text = `${this.#mark} ${number} ${performance.now().toFixed(3)} `.padEnd(textBytes, "x");
    const frame = this.target.post(`${number}`, room.name, `${this.#mark}-${number}`, text);
    this.#posts.set(number, { client, room, frame, answered: false, failed: false, placed: false, seen: false });
    client.say(frame);
  }

  #done(client, { id, place }) {
    const post = this.#posts.get(Number(id));
    if (!post || post.answered) return;
    post.answered = true;
    if (place) {
      post.placed = true;
      post.room.stands(place.epoch, place.offset);
    }
    if (post.seen) this.#posts.delete(Number(id));
  }

  #failed(client, { id, reason }) {
    this.#because(reason);
    const post = this.#posts.get(Number(id));
    if (post) {
      this.#fail(post);
    } else if (client.joined) {
      this.counts.refused += 1;
    } else {
      // It may not read its room, and asking again would change nothing.
      this.#drop(client);
      this.#giveUp(client);
    }
  }

  #fail(post) {
    post.answered = post.failed = true;
    this.counts.failed_posts += 1;
  }

  /** Back after a cut. The server knows by `client` which of these it has. */
  #sendAgain(client) {
    for (const [number, post] of this.#posts) {
      if (post.client !== client || post.answered) continue;
      this.#resent.add(number);
      this.counts.resent += 1;
      client.say(post.frame);
    }
  }

  /** The connection ended and we had not meant it to. One that was never in its room has failed; others come back. */
  #dropped(client, why) {
    this.#because(why);
    const { retryMs } = client;
    this.#drop(client);
    if (!client.known) {
      this.#giveUp(client);
      return;
    }
    this.counts.drops += 1;
    this.#comeBack(client, retryMs ?? COME_BACK_MS * (1 + Math.random()));
  }

  #drop(client) {
    const { socket } = client;
    client.socket = null;
    client.joined = false;
    socket.terminate();
    if (this.target.resumes) return;
    // Nobody knows whether these were published, and sending them again would publish them twice.
    for (const post of this.#posts.values()) {
      if (post.client !== client || post.answered) continue;
      this.#because("a post was not answered before its connection ended");
      this.#fail(post);
    }
  }

  #giveUp(client) {
    if (client.failed) return;
    client.failed = true;
    this.counts.failed_sockets += 1;
  }

  #comeBack(client, ms) {
    setTimeout(() => {
      if (!this.#over && !this.#ended.signal.aborted && !client.socket) this.#open(client);
    }, ms).unref();
  }

  /** Drops a socket picked by chance, to come back after a while. */
  #dropOne() {
    // Most are there: a few tries find one.
    for (let tries = 0; tries < 8; tries += 1) {
      const client = this.#clients[Math.floor(Math.random() * this.#clients.length)];
      if (!client.joined) continue;
      this.#drop(client);
      this.counts.churned += 1;
      this.#comeBack(client, Math.random() * this.options.away * 1_000);
      return;
    }
  }

  #setHeartbeat(ms) {
    if (this.#heartbeatMs === ms) return;
    this.#heartbeatMs = ms;
    this.#look();
  }

  /** One timer for all sockets: says heartbeats, gives up on the silent, and notices that the server has died. */
  #look() {
    const every = Math.min(LOOK_MS, (this.#heartbeatMs ?? Infinity) / 4);
    const now = performance.now();
    const heartbeatMs = this.target.heartbeat ? this.#heartbeatMs : null;
    for (const client of this.#clients) {
      if (!client.socket) continue;
      if (!client.joined) {
        if (now - client.since > PATIENCE_MS) this.#dropped(client, `not in the room after ${PATIENCE_MS / 1_000} s`);
        continue;
      }
      if (heartbeatMs === null) continue;
      if (now - client.heard > heartbeatMs * SILENT_HEARTBEATS) this.#dropped(client, "heard nothing from the server");
      // The next look may be a little late, and would be too late.
      else if (now - client.said > heartbeatMs - 2 * every) client.say(this.target.heartbeat);
    }
    if (this.options.pid !== null && !runs(this.options.pid)) {
      this.serverGone = true;
      this.stop();
    }
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => this.#look(), every);
  }

  /** A gap at the end shows only by what the others have: everybody must be back and get what anybody had. */
  async #waitForStragglers() {
    const end = performance.now() + Math.max(STRAGGLERS_MS, this.options.away * 2_000);
    const there = (client) => client.failed || (client.joined && client.place.missing(client.room) === 0);
    while (!this.#ended.signal.aborted && performance.now() < end) {
      if (this.#posts.size === 0 && this.#clients.every(there)) return;
      await this.#wait(50);
    }
  }

  #settleAccounts() {
    const { counts } = this;
    for (const client of this.#clients) {
      if (!client.known) continue;
      counts.missing += client.place.missing(client.room);
      if (!client.joined || client.place.behind(client.room) > 0) counts.behind += 1;
    }
    for (const post of this.#posts.values()) {
      if (!post.answered) {
        this.#because("a post was not answered");
        this.#fail(post);
      } else if (!post.failed && !post.placed) {
        // Done, says the server, but it arrived nowhere. Had it said where, everybody would have been behind.
        counts.missing += post.room.members;
      }
    }
  }

  #unreadable(reason) {
    this.counts.unreadable += 1;
    this.#because(reason);
  }

  #because(reason) {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }
}

/** Calls `act` so many times a second, and catches up what a late timer missed. Returns how to stop it. */
function atRate(perSecond, act) {
  if (perSecond === 0) return () => {};
  const start = performance.now();
  let done = 0;
  let timer;
  const turn = () => {
    const due = ((performance.now() - start) * perSecond) / 1_000;
    for (; done <= due; done += 1) act();
    timer = setTimeout(turn, start + (done * 1_000) / perSecond - performance.now());
  };
  turn();
  return () => clearTimeout(timer);
}
