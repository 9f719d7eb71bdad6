// The cases of the Autobahn test suite (25.10) for servers, sections 1 to 5, 7, 9 and 10, under its numbers: what is sent,
// what has to come back, and who ends the connection with which code. Section 6 is in utf8.ts. Where the suite waits for a
// second, a case here waits for a pong: the server has then read what came before.
import { BINARY, bytes, closeFrame, CONTINUATION, frame, fragments, PING, PONG, TEXT } from "./frames.ts";

export type Heard = { opcode: number; payload: Buffer };

export type Case = {
  id: string;
  /** Buffers are sent one after the other; a number waits until so many frames were heard. */
  sends: (Buffer | number)[];
  /** Into pieces of so many bytes is cut what is sent. */
  chop?: number;
  /** One after the other, and nothing else before the close frame. */
  hears: Heard[];
  /**
   * `us`: when all was heard we close with 1000, and are answered so. `sent`: a close frame is among what is sent; the
   * answer has one of these codes. `fails`: the server ends it with one of these codes. `anyhow`: it ends.
   */
  end: "us" | { sent: number[] } | { fails: number[] } | "anyhow";
};

export const echo = (payload: string | Buffer, opcode: number = TEXT): Heard => ({ opcode, payload: bytes(payload) });
const pong = (payload: string | Buffer = "") => echo(payload, PONG);

const PROTOCOL: Case["end"] = { fails: [1002] };
const HELLO = "Hello, world!";
const NO_TEXT = Buffer.from("00fffefdfcfb00ff", "hex");

export const text = (payload: string | Buffer, options = {}) => frame(TEXT, payload, options);
const more = (payload: string, fin: boolean) => frame(CONTINUATION, payload, { fin });
const together = (...frames: Buffer[]) => [Buffer.concat(frames)];

/** The same case whole, frame by frame, and byte by byte, as the suite numbers them. */
function cut(section: number, first: number, frames: Buffer[], rest: Pick<Case, "hears" | "end">): Case[] {
  const ways = [{ sends: together(...frames) }, { sends: frames }, { sends: frames, chop: 1 }];
  return ways.map((way, at) => ({ id: `${section}.${first + at}`, ...way, ...rest }));
}

function framing(): Case[] {
  const lengths = [0, 125, 126, 127, 128, 65_535, 65_536];
  return [TEXT, BINARY].flatMap((opcode) => {
    const of = (length: number) => Buffer.alloc(length, opcode === TEXT ? "*" : 0xfe);
    const whole = [...lengths.map((length) => [length, undefined] as const), [65_536, 997] as const];
    return whole.map(([length, chop], at): Case => {
      const chopped = chop === undefined ? {} : { chop };
      return { id: `1.${opcode}.${at + 1}`, sends: [frame(opcode, of(length))], ...chopped, hears: [echo(of(length), opcode)], end: "us" };
    });
  });
}

function pings(): Case[] {
  const most = Buffer.alloc(125, 0xfe);
  const ten = Array.from({ length: 10 }, (_, number) => `payload-${number}`);
  const unasked = frame(PONG, "unsolicited pong payload");
  const answered = (id: string, payload: string | Buffer, more: Partial<Case> = {}): Case => ({
    id, sends: [frame(PING, payload)], hears: [pong(payload)], end: "us", ...more,
  });
  const all = { sends: ten.map((payload) => frame(PING, payload)), hears: ten.map(pong) };
  return [
    answered("2.1", ""),
    answered("2.2", HELLO),
    answered("2.3", NO_TEXT),
    answered("2.4", most),
    { id: "2.5", sends: [frame(PING, Buffer.alloc(126, 0xfe))], hears: [], end: PROTOCOL },
    answered("2.6", most, { chop: 1 }),
    { id: "2.7", sends: together(frame(PONG), closeFrame(1000)), hears: [], end: { sent: [1000] } },
    { id: "2.8", sends: together(unasked, closeFrame(1000)), hears: [], end: { sent: [1000] } },
    answered("2.9", "ping payload", { sends: together(unasked, frame(PING, "ping payload")) }),
    { id: "2.10", ...all, sends: together(...all.sends), end: "us" },
    { id: "2.11", ...all, chop: 1, end: "us" },
  ];
}

/** A good message, then something that is none, then a ping that must not be answered. */
const thenBad = (id: string, bad: Buffer, way: "together" | "frames" | "bytes" = "together"): Case => {
  const frames = [text(HELLO), bad, frame(PING)];
  const sends = way === "together" ? together(...frames) : frames;
  return { id, sends, ...(way === "bytes" ? { chop: 1 } : {}), hears: [echo(HELLO)], end: PROTOCOL };
};

const bad = (id: string, ...frames: Buffer[]): Case => ({ id, sends: together(...frames), hears: [], end: PROTOCOL });

function reservedBits(): Case[] {
  return [
    bad("3.1", text(HELLO, { rsv: 1 })),
    thenBad("3.2", text(HELLO, { rsv: 2 })),
    thenBad("3.3", text(HELLO, { rsv: 3 }), "frames"),
    thenBad("3.4", text(HELLO, { rsv: 4 }), "bytes"),
    bad("3.5", frame(BINARY, NO_TEXT, { rsv: 5 })),
    bad("3.6", frame(PING, HELLO, { rsv: 6 })),
    bad("3.7", frame(8, "", { rsv: 7 })),
  ];
}

function opcodes(): Case[] {
  return [[1, 3], [2, 11]].flatMap(([part, first]) => [
    bad(`4.${part}.1`, frame(first!)),
    bad(`4.${part}.2`, frame(first! + 1, "reserved opcode payload")),
    thenBad(`4.${part}.3`, frame(first! + 2)),
    thenBad(`4.${part}.4`, frame(first! + 3, HELLO)),
    thenBad(`4.${part}.5`, frame(first! + 4, HELLO), "bytes"),
  ]);
}

function fragmentation(): Case[] {
  const [one, two] = ["fragment1", "fragment2"];
  const halves = [text(one, { fin: false }), more(two, true)];
  const between = [halves[0]!, frame(PING, "ping payload"), halves[1]!];
  const orphan = (fin: boolean) => [more("non-continuation payload", fin), text(HELLO)];
  const twice = (fin: boolean) => {
    const round = [more("fragment1", fin), text("fragment2", { fin: false }), more("fragment3", true)];
    return [...round, ...round];
  };
  const slow = [
    text("fragment1", { fin: false }), more("fragment2", false), frame(PING, "pongme 1!"), 1,
    more("fragment3", false), more("fragment4", false), frame(PING, "pongme 2!"), more("fragment5", true),
  ];
  const all = [pong("pongme 1!"), pong("pongme 2!"), echo("fragment1fragment2fragment3fragment4fragment5")];
  const [ab, pinged, failed] = [
    { hears: [echo(one + two)], end: "us" as const },
    { hears: [pong("ping payload"), echo(one + two)], end: "us" as const },
    { hears: [], end: PROTOCOL },
  ];
  return [
    bad("5.1", frame(PING, one, { fin: false }), more(two, true)),
    bad("5.2", frame(PONG, one, { fin: false }), more(two, true)),
    ...cut(5, 3, halves, ab),
    ...cut(5, 6, between, pinged),
    ...cut(5, 9, orphan(true), failed),
    ...cut(5, 12, orphan(false), failed),
    { ...bad("5.15", ...halves, more("fragment3", false), text("fragment4")), hears: [echo(one + two)] },
    bad("5.16", ...twice(false)),
    bad("5.17", ...twice(true)),
    bad("5.18", text(one, { fin: false }), text(two)),
    { id: "5.19", sends: [Buffer.concat(slow.slice(0, 3) as Buffer[]), 1, Buffer.concat(slow.slice(4) as Buffer[])], hears: all, end: "us" },
    { id: "5.20", sends: slow, hears: all, end: "us" },
  ];
}

function closing(): Case[] {
  const normal = closeFrame(1000);
  const after = (id: string, ...frames: Buffer[]): Case => ({ id, sends: together(...frames), hears: [], end: { sent: [1000] } });
  const refused = (id: string, sent: Buffer, codes = [1002]): Case => ({ id, sends: [sent], hears: [], end: { sent: codes } });
  const broken = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex");
  const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
  const invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
  const long = Buffer.alloc(256 * 1024, "BAsd7&jh23");
  return [
    { id: "7.1.1", sends: [text("Hello World!")], hears: [echo("Hello World!")], end: "us" },
    after("7.1.2", normal, closeFrame()),
    after("7.1.3", normal, frame(PING)),
    after("7.1.4", normal, text("Hello World!")),
    after("7.1.5", text("fragment1", { fin: false }), normal, more("fragment2", true)),
    // What was said before the goodbye may or may not come back.
    { id: "7.1.6", sends: together(text(long), text("Hello World!"), normal, frame(PING)), hears: [], end: "anyhow" },
    // No code is answered with none.
    { id: "7.3.1", sends: [closeFrame()], hears: [], end: { sent: [1000, 1005] } },
    refused("7.3.2", frame(8, "a")),
    after("7.3.3", normal),
    after("7.3.4", closeFrame(1000, "Hello World!")),
    after("7.3.5", closeFrame(1000, "*".repeat(123))),
    refused("7.3.6", closeFrame(1000, "*".repeat(124))),
    refused("7.5.1", closeFrame(1000, broken), [1002, 1007]),
    ...valid.map((code, at) => refused(`7.7.${at + 1}`, closeFrame(code), [1000, code])),
    ...invalid.map((code, at) => refused(`7.9.${at + 1}`, closeFrame(code))),
    ...[5000, 65_535].map((code, at): Case => ({ id: `7.13.${at + 1}`, sends: [closeFrame(code)], hears: [], end: "anyhow" })),
  ];
}

/** As the suite has them, but for 100 round trips instead of 1,000. */
function limits(): Case[] {
  const K = 1024;
  const kinds = [[TEXT, "BAsd7&jh23"], [BINARY, Buffer.from([0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff])]] as const;
  return kinds.flatMap(([opcode, pattern], kind) => {
    const of = (length: number) => Buffer.alloc(length, pattern);
    const one = (id: string, payload: Buffer, rest: Partial<Case> = {}): Case => ({
      id, sends: [frame(opcode, payload)], hears: [echo(payload, opcode)], end: "us", ...rest,
    });
    const [four, single] = [of(4 * K * K), of(K * K)];
    return [
      ...[64, 256, K, 4 * K, 8 * K, 16 * K].map((size, at) => one(`9.${kind + 1}.${at + 1}`, of(size * K))),
      ...[64, 256, K, 4 * K, 16 * K, 64 * K, 256 * K, K * K, 4 * K * K].map((size, at) =>
        one(`9.${kind + 3}.${at + 1}`, four, { sends: together(...fragments(opcode, four, size)) })),
      ...[64, 128, 256, 512, K, 2 * K].map((chop, at) => one(`9.${kind + 5}.${at + 1}`, single, { chop })),
      ...[0, 16, 64, 256, K, 4 * K].map((size, at): Case => {
        const round = (number: number) => [frame(opcode, of(size)), number];
        const rounds = Array.from({ length: 100 }, (_, number) => number + 1);
        return { id: `9.${kind + 7}.${at + 1}`, sends: rounds.flatMap(round), hears: rounds.map(() => echo(of(size), opcode)), end: "us" };
      }),
    ];
  });
}

function misc(): Case[] {
  const payload = Buffer.alloc(65_536, "*");
  return [{ id: "10.1.1", sends: together(...fragments(TEXT, payload, 1_300)), hears: [echo(payload)], end: "us" }];
}

export const SECTIONS = { framing, pings, reservedBits, opcodes, fragmentation, closing, limits, misc };
