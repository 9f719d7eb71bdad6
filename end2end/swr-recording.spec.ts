// tests/polling.rs holds our polling against what npm's `swr` was seen to do. This holds the recording against npm's `swr`.
// No browser and no server take part.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "@playwright/test";

test("swr still does what tests/polling/swr.json says", () => {
  // It names the scripts that differ, and fails.
  execFileSync(process.execPath, ["swr-recording.mjs", "--check"], { cwd: fileURLToPath(new URL(".", import.meta.url)), stdio: "inherit" });
});
