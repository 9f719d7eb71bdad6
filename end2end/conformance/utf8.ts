// Section 6 of the Autobahn test suite: UTF-8, valid and not, whole and in pieces. 6.5 to 6.23 are sequences of Markus
// Kuhn's UTF-8 stress test, one message each.
import { type Case, echo, text } from "./cases.ts";
import { CONTINUATION, fragments, frame, PING, PONG, TEXT } from "./frames.ts";

const hex = (digits: string) => Buffer.from(digits, "hex");
const KOSME = "cebae1bdb9cf83cebcceb5";

/** `n..m` as bytes, each followed by `after`. The suite leaves out the last. */
const range = (from: number, to: number, after = "") =>
  Array.from({ length: to - from }, (_, at) => (from + at).toString(16) + after).join("");

const CUT_SHORT = ["c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf"];

/** U+nFFFE and U+nFFFF of every plane but the first, whose two stand before them. */
const NON_CHARACTERS = ["f0", "f1", "f2", "f3", "f4"]
  .flatMap((first) => ["8f", "9f", "af", "bf"].map((second) => first + second))
  .filter((plane) => plane !== "f08f" && !["f49f", "f4af", "f4bf"].includes(plane))
  .flatMap((plane) => [`${plane}bfbe`, `${plane}bfbf`]);

/** 6.5, 6.6 and so on, in hexadecimal digits; those after `!` are not UTF-8. */
const SEQUENCES: string[][] = [
  ["24", "c2a2", "e282ac", "f0a4ada2"].map((sign) => `68656c6c6f${sign}776f726c64`).concat(KOSME),
  Array.from({ length: 11 }, (_, at) => ([2, 5, 7, 9, 11].includes(at + 1) ? "" : "!") + KOSME.slice(0, 2 * at + 2)),
  ["00", "c280", "e0a080", "f0908080"],
  ["!f888808080", "!fc8480808080"],
  ["7f", "dfbf", "efbfbf", "f48fbfbf"],
  ["!f7bfbfbf", "!fbbfbfbfbf", "!fdbfbfbfbfbf"],
  ["ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "!f4908080"],
  ["!80", "!bf", "!80bf", "!80bf80", "!80bf80bf", "!80bf80bf80", "!80bf80bf80bf", `!${range(0x80, 0xbf)}`],
  [[0xc0, 0xdf], [0xe0, 0xef], [0xf0, 0xf7], [0xf8, 0xfb], [0xfc, 0xfd]].map(([from, to]) => `!${range(from!, to!, "20")}`),
  CUT_SHORT.map((sequence) => `!${sequence}`),
  [`!${CUT_SHORT.join("")}`],
  ["!fe", "!ff", "!fefeffff"],
  ["!c0af", "!e080af", "!f08080af", "!f8808080af", "!fc80808080af"],
  ["!c1bf", "!e09fbf", "!f08fbfbf", "!f887bfbfbf", "!fc83bfbfbfbf"],
  ["!c080", "!e08080", "!f0808080", "!f880808080", "!fc8080808080"],
  ["!eda080", "!edadbf", "!edae80", "!edafbf", "!edb080", "!edbe80", "!edbfbf"],
  ["a080", "adbf", "ae80", "afbf"].flatMap((high) => ["b080", "bfbf"].map((low) => `!ed${high}ed${low}`)),
  ["efbfbe", "efbfbf", ...NON_CHARACTERS],
  ["b9", "ba", "bb", "bc", "bd", "be", "bf"].map((last) => `efbf${last}`),
];

const NOT_TEXT: Case["end"] = { fails: [1007] };

export function utf8(): Case[] {
  const good = (id: string, sends: Buffer[], whole: string | Buffer): Case => ({ id, sends, hears: [echo(whole)], end: "us" });
  const bad = (id: string, ...sends: Buffer[]): Case => ({ id, sends, hears: [], end: NOT_TEXT });
  const [umlauts, first, second] = ["Hello-µ@ßöäüàá-UTF-8!!", "Hello-µ@ßöä", "üàá-UTF-8!!"];
  const surrogate = hex(`${KOSME}eda080656469746564`);
  const tooHigh = hex(`${KOSME}f4908080656469746564`);
  /** After the first part the server still answers; of the second it must not want to know more. */
  const failsFast = (id: string, at: number, until: number): Case => ({
    id,
    sends: [text(tooHigh.subarray(0, at), { fin: false }), frame(PING), 1, frame(CONTINUATION, tooHigh.subarray(at, until), { fin: false }), 2],
    hears: [echo("", PONG)],
    end: NOT_TEXT,
  });
  /** The same within one frame: its bytes are looked at when all have come, which the suite counts as not strict. */
  const chopped = (id: string, at: number, until: number): Case => {
    const whole = text(tooHigh);
    const head = whole.length - tooHigh.length;
    return bad(id, whole.subarray(0, head + at), whole.subarray(head + at, head + until), whole.subarray(head + until));
  };
  const parts = (...payloads: string[]) => payloads.map((part, at) => frame(at ? CONTINUATION : TEXT, part, { fin: at === payloads.length - 1 }));
  return [
    good("6.1.1", [text("")], ""),
    good("6.1.2", parts("", "", ""), ""),
    good("6.1.3", parts("", "middle frame payload", ""), "middle frame payload"),
    good("6.2.1", [text(umlauts)], umlauts),
    good("6.2.2", parts(first, second), umlauts),
    good("6.2.3", fragments(TEXT, Buffer.from(umlauts), 1), umlauts),
    good("6.2.4", fragments(TEXT, hex(KOSME), 1), hex(KOSME)),
    bad("6.3.1", text(surrogate)),
    bad("6.3.2", ...fragments(TEXT, surrogate, 1)),
    failsFast("6.4.1", 11, 15),
    failsFast("6.4.2", 12, 13),
    chopped("6.4.3", 11, 15),
    chopped("6.4.4", 12, 13),
    ...SEQUENCES.flatMap((group, section) =>
      group.map((sequence, at) => {
        const [id, payload] = [`6.${section + 5}.${at + 1}`, hex(sequence.replace("!", ""))];
        return sequence.startsWith("!") ? bad(id, text(payload)) : good(id, [text(payload)], payload);
      })),
  ];
}
