// What every test stands on: a server of its own, pages whose console has to stay silent, and the words to wait for.
import { test as base, expect, type Page } from "@playwright/test";
import { Model } from "./model.ts";
import { Script } from "./script.ts";
import { type Env, Server } from "./server.ts";

export { expect, type Page };

type Fixtures = {
  /** Settings of `server`: `test.use({ settings: { TIDEMARK_INSPECTOR: "off" } })`. */
  settings: Env;
  /** Starts one more server; for settings that are known only when the test runs. */
  start: (settings?: Env, port?: number) => Promise<Server>;
  server: Server;
  /** A fake of language models' providers: `start(model.settings)`. */
  model: Model;
  /** A language model whose answers the test writes: `start(script.settings)`. */
  script: Script;
  /** What this test's pages may say on the console. Everything else fails it, whatever its level. */
  allowed: RegExp[];
};

/** What Chromium itself writes when requests fail because the network or the server is gone. */
export const NETWORK_ERROR = /^error: Failed to load resource: net::ERR_/;

/** What Chromium writes a few seconds after a page was loaded whose scripts it was told not to run. */
export const PRELOADED = /^warning: The resource \S+ was preloaded using link preload but not used/;

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],

  start: async ({}, use, info) => {
    const servers: Server[] = [];
    await use(async (settings = {}, port) => {
      const server = await Server.start(settings, port);
      servers.push(server);
      return server;
    });
    for (const server of servers) {
      await server.remove();
      if (info.status !== info.expectedStatus) console.log(`--- the server at ${server.url} said:\n${server.output}`);
    }
  },

  server: async ({ start, settings }, use) => use(await start(settings)),

  model: async ({}, use) => {
    const model = await Model.start();
    await use(model);
    await model.stop();
  },

  script: async ({}, use) => {
    const script = await Script.start();
    await use(script);
    script.stop();
  },

  baseURL: async ({ server }, use) => use(server.url),

  allowed: async ({}, use) => use([]),

  context: async ({ context, allowed }, use) => {
    const said: string[] = [];
    context.on("console", (message) => said.push(`${message.type()}: ${message.text()} (${message.location().url})`));
    context.on("weberror", (error) => said.push(`page error: ${error.error().stack}`));
    await use(context);
    const unexpected = said.filter((line) => !allowed.some((pattern) => pattern.test(line)));
    expect(unexpected, "the console is silent").toEqual([]);
  },
});

export type Connection = "idle" | "connecting" | "live" | "reconnecting" | "offline" | "cut" | "resting" | "refused" | "done";

/** Waits until every badge of the page shows this state. */
export async function connectionIs(page: Page, state: Connection, timeout = 20_000): Promise<void> {
  await expect(page.locator(`[data-connection="${state}"]`).first()).toBeVisible({ timeout });
  await expect(page.locator(`[data-connection]:not([data-connection="${state}"])`)).toHaveCount(0);
}

export async function openLive(page: Page, path = "/"): Promise<void> {
  await page.goto(path);
  await connectionIs(page, "live");
}

export const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
export const cutButton = (page: Page) => button(page, "Cut my connection");
export const reconnectButton = (page: Page) => button(page, "Reconnect");

/** Holds the WASM back from now on, so that pages stay as the server rendered them, until the answer is called. */
export async function holdWasm(page: Page): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/*.wasm", async (route) => {
    await released;
    // The page that asked may be gone by now.
    await route.continue().catch(() => {});
  });
  return release;
}
