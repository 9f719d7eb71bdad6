// The suite in real Chromium. There is no webServer: each worker's fixture starts the real binary on a port of its own.
import { defineConfig } from "@playwright/test";

const runsAsRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: ".",
  outputDir: "test-results",
  workers: 2,
  // A test that passes only sometimes is a defect, here or in the server.
  retries: 0,
  // A busy machine is none: what comes is waited for, and how long that takes is measured elsewhere (benches/).
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  reporter: [["list"], ["html", { outputFolder: "report", open: "never" }]],
  use: {
    browserName: "chromium",
    // Recording takes a sixth of the time. For a test that fails: make e2e ARGS="NAME --trace retain-on-failure".
    trace: "off",
    launchOptions: {
      // Found by scripts/setup; without it Playwright's own download.
      executablePath: process.env.CHROMIUM || undefined,
      args: [
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Chromium refuses to start its sandbox as root, as in most containers.
        ...(runsAsRoot ? ["--no-sandbox"] : []),
      ],
    },
  },
});
