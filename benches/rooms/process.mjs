// Memory and CPU time of the server's process, from /proc.

import { readFileSync } from "node:fs";

// Linux tells CPU time in this unit on every architecture we run on (`getconf CLK_TCK` is 100).
const TICKS_A_SECOND = 100;
const PAGE_BYTES = 4_096;

/** Resident bytes, and seconds of user and system time since the process began. Throws if it does not run. */
export function usage(pid) {
  if (!runs(pid)) throw new Error(`cannot measure process ${pid}: is it running, and is it yours?`);
  const fields = stat(pid);
  return { memory: memory(pid), cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND };
}

/** One that has ended but was not waited for does not. */
export function runs(pid) {
  try {
    return stat(pid)[0] !== "Z";
  } catch {
    return false;
  }
}

/** The fields from the third on, counted from behind the name, which may hold anything. */
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Pages shared with other processes count by share; where that is not told, they count in full. */
function memory(pid) {
  try {
    const kib = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    return Number(kib[1]) * 1_024;
  } catch {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  }
}
