// Conversations with the assistant as people have them: asked, streamed, reloaded in the middle, stopped, asked anew, shared.
// The offline guide answers: it needs no key, takes a few seconds, and says the same every time.
import { type BrowserContext, type Page } from "@playwright/test";
import { AxeBuilder } from "@axe-core/playwright";
import { connectionIs, expect, NETWORK_ERROR, PRELOADED, test } from "./fixtures.ts";

// These tests write faster than people do.
test.use({ settings: { TIDEMARK_LIMITS__WRITES_PER_MINUTE: "100000" } });

const ASKED = "How does a stream resume after a restart?";
const CONVERSATION = /\/assistant\/[0-9a-f]{32}$/;

const field = (page: Page) => page.getByRole("textbox", { name: "Your question" });
const send = (page: Page) => page.getByRole("button", { name: "Send", exact: true });
const stop = (page: Page) => page.getByRole("button", { name: "Stop", exact: true });
const questions = (page: Page) => page.locator(".question:not(.question--pending)");
const answers = (page: Page) => page.locator(".answer");
const answer = (page: Page, status: string) => page.locator(`.answer[data-status="${status}"]`);
const text = (page: Page, at = 0) => answers(page).nth(at).locator(".markdown");
const act = (page: Page, name: string) => answers(page).last().getByRole("button", { name });
const talks = (page: Page) => page.getByRole("navigation", { name: "Conversations" });

const another = async (context: BrowserContext, url: string, options = {}): Promise<Page> =>
  (await context.browser()!.newContext({ baseURL: url, ...options })).newPage();

async function enter(page: Page, path = "/assistant"): Promise<void> {
  // The first page makes a person, who may ask from the second on.
  if (page.url() === "about:blank") await page.goto("/");
  await page.goto(path);
  await connectionIs(page, "live");
}

/** Begins a conversation, and returns where it is. The answer is on its way. */
async function begin(page: Page, question = ASKED): Promise<string> {
  await enter(page);
  await field(page).fill(question);
  await field(page).press("Enter");
  await expect(page).toHaveURL(CONVERSATION);
  await connectionIs(page, "live");
  return new URL(page.url()).pathname;
}

async function whole(page: Page, count = 1): Promise<void> {
  await expect(answer(page, "complete")).toHaveCount(count, { timeout: 20_000 });
}

test("an answer is seen as it is written, and what it took when it is finished", async ({ page }) => {
  await begin(page);
  await expect(questions(page)).toHaveText(new RegExp(ASKED.replace("?", "\\?")));
  await expect(answer(page, "running")).toBeVisible();
  await expect(text(page)).not.toBeEmpty();
  await expect(stop(page)).toBeVisible();
  const early = (await text(page).innerText()).length;
  await whole(page);
  expect((await text(page).innerText()).length).toBeGreaterThan(early);
  await expect(page.locator(".answer__took")).toContainText("offline guide");
  await expect(page.locator("[data-said]")).toContainText("The assistant has answered:");
  await expect(page.getByText("This is search over the documentation, not a model.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(ASKED);
  await expect(send(page)).toBeVisible();
});

test("whoever reloads in the middle of an answer goes on reading it, and nothing is missing or there twice", async ({ page }) => {
  await begin(page);
  for (let reloads = 0; reloads < 3; reloads++) {
    await expect(text(page)).not.toBeEmpty();
    await page.reload();
  }
  await whole(page);
  const streamed = await text(page).innerHTML();
  await page.reload();
  await connectionIs(page, "live");
  // The server's rendering of what is stored has no comments of lists that change.
  const plain = (html: string) => html.replaceAll(/<!--.*?-->/g, "");
  expect(plain(await text(page).innerHTML())).toBe(plain(streamed));
});

test("what the guide quotes is read on where it stands in the documentation", async ({ page }) => {
  await begin(page, "What does a reset mean?");
  await whole(page);
  const source = text(page).getByRole("link", { name: "docs/protocol.md" }).first();
  const [path, anchor] = (await source.getAttribute("href"))!.split("#");
  await source.click();
  await expect(page).toHaveURL(new RegExp(`${path}#${anchor}$`));
  await expect(page.locator(`[id="${anchor}"]`)).toBeInViewport();
  await page.getByRole("link", { name: "docs/ARCHITECTURE.md" }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Architecture");
  await page.getByText("On this page").click();
  await page.getByRole("navigation", { name: "On this page" }).getByRole("link", { name: "The assistant" }).click();
  await expect(page.getByRole("heading", { name: "The assistant", exact: true })).toBeInViewport();
});

test("two tabs watch one answer and see the same, also through a lost connection", async ({ page, context, allowed }) => {
  allowed.push(NETWORK_ERROR);
  const address = await begin(page);
  const other = await context.newPage();
  await enter(other, address);
  await expect(text(other)).not.toBeEmpty();
  await context.setOffline(true);
  await connectionIs(other, "offline");
  await context.setOffline(false);
  await whole(page);
  await whole(other);
  expect(await text(other).innerText()).toBe(await text(page).innerText());
});

test("an answer is stopped with the button or with Escape, and can be continued", async ({ page }) => {
  await begin(page);
  await expect(text(page)).not.toBeEmpty();
  await stop(page).click();
  await expect(answer(page, "stopped")).toBeVisible();
  await expect(page.getByText("You stopped this answer.")).toBeVisible();
  await act(page, "Continue").click();
  await expect(answer(page, "running")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(answer(page, "stopped")).toBeVisible();
  await expect(send(page)).toBeVisible();
});

test("a question is answered again, and one goes back and forth between the versions", async ({ page }) => {
  await begin(page);
  await whole(page);
  await act(page, "Answer again").click();
  await expect(page.getByRole("img", { name: "Version 2 of 2" })).toBeVisible({ timeout: 20_000 });
  await whole(page);
  await act(page, "The version before").click();
  await expect(page.getByRole("img", { name: "Version 1 of 2" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("img", { name: "Version 1 of 2" })).toBeVisible();
  await act(page, "The next version").click();
  await expect(page.getByRole("img", { name: "Version 2 of 2" })).toBeVisible();
});

test("a question is edited in place and asked anew; the first is kept beside it", async ({ page }) => {
  await begin(page);
  await whole(page);
  await page.getByText("Edit", { exact: true }).click();
  const edit = page.getByRole("textbox", { name: /Ask this instead/ });
  await expect(edit).toBeFocused();
  await expect(edit).toHaveValue(ASKED);
  await page.keyboard.press("Escape");
  await expect(edit).toBeHidden();
  await page.getByText("Edit", { exact: true }).click();
  await edit.fill("What is a tidemark?");
  await edit.press("Enter");
  await expect(questions(page)).toHaveCount(1);
  await expect(questions(page)).toContainText("What is a tidemark?");
  await whole(page);
  await questions(page).getByRole("button", { name: "The version before" }).click();
  await expect(questions(page)).toContainText(ASKED);
  await expect(answers(page)).toHaveCount(1);
});

test("a draft lasts over a reload, and Shift and Enter is a new line", async ({ page }) => {
  await enter(page);
  await field(page).fill("half a");
  await field(page).press("Shift+Enter");
  await field(page).pressSequentially("thought");
  await page.reload();
  await connectionIs(page, "live");
  await expect(field(page)).toHaveValue("half a\nthought");
});

test("a question that cannot be sent waits for the connection and is asked once", async ({ page, context, allowed }) => {
  allowed.push(NETWORK_ERROR);
  await begin(page);
  await whole(page);
  await context.setOffline(true);
  await connectionIs(page, "offline");
  await field(page).fill("And on a phone?");
  await field(page).press("Enter");
  await expect(page.getByText("waits for a connection")).toBeVisible();
  await context.setOffline(false);
  await whole(page, 2);
  await expect(page.locator(".question--pending")).toHaveCount(0);
  await expect(questions(page)).toHaveCount(2);
});

test("a conversation is found, renamed and deleted", async ({ page }) => {
  const address = await begin(page);
  await whole(page);
  await talks(page).getByLabel(`Rename or delete: ${ASKED}`).click();
  await talks(page).getByRole("textbox", { name: "What it is called" }).fill("Streams");
  await talks(page).getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Streams");
  await begin(page, "Something quite different?");
  const search = talks(page).getByRole("searchbox");
  await search.fill("streams");
  await search.press("Enter");
  await expect(talks(page).getByRole("link", { name: "Streams" })).toBeVisible();
  await expect(talks(page).getByRole("link", { name: "Something" })).toHaveCount(0);
  await talks(page).getByRole("link", { name: "Streams" }).click();
  await expect(talks(page).getByRole("link", { name: "Streams" })).toHaveAttribute("aria-current", "page");
  await talks(page).getByLabel("Rename or delete: Streams").click();
  await talks(page).locator(".talk").filter({ hasText: "Streams" }).getByText("Delete …").click();
  await talks(page).getByRole("button", { name: "Delete it for good" }).click();
  await expect(page).toHaveURL(/\/assistant$/);
  await expect(talks(page).getByRole("link", { name: "Streams" })).toHaveCount(0);
  await page.request.get(address).then((response) => expect(response.status()).toBe(404));
});

test("whoever has the link may read along while it is shared, and no longer", async ({ page, context, server }) => {
  const address = await begin(page);
  await whole(page);
  const reader = await another(context, server.url);
  await reader.goto("/");
  expect((await reader.goto(address))!.status()).toBe(404);
  await page.getByText("Share", { exact: true }).click();
  await page.getByRole("switch", { name: "Anybody with the link may read this" }).click();
  await expect(page.getByRole("textbox", { name: "The link to share" })).toHaveValue(`${server.url}${address}`);
  await reader.goto(address);
  await connectionIs(reader, "live");
  await expect(reader.getByText("Somebody shares this conversation")).toBeVisible();
  await expect(reader.locator('meta[name="robots"]')).toHaveAttribute("content", "noindex");
  await expect(field(reader)).toHaveCount(0);
  await expect(reader.getByText("Edit", { exact: true })).toHaveCount(0);
  await expect(reader.getByRole("button", { name: "Answer again" })).toHaveCount(0);
  await field(page).fill("Is this seen?");
  await field(page).press("Enter");
  await expect(questions(reader).filter({ hasText: "Is this seen?" })).toBeVisible();
  await whole(page, 2);
  await whole(reader, 2);
  await page.getByRole("switch").click();
  await expect(reader.getByText("no longer shared")).toBeVisible();
  await expect(questions(reader)).toHaveCount(0);
  expect((await reader.reload())!.status()).toBe(404);
  await reader.context().close();
});

test("what was written is copied as it was written", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const address = await begin(page);
  await whole(page);
  await act(page, "Copy").last().click();
  await expect(act(page, "Copied")).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("*This is search, not a model.");
  const { messages } = await (await page.request.get(address.replace("/assistant/", "/api/conversations/"))).json();
  expect(copied).toBe(messages[1].text);
  await expect(act(page, "Copy").last()).toHaveText("Copy");
});

test("who scrolls up is left there, and a button leads to the end", async ({ page }) => {
  await page.setViewportSize({ width: 800, height: 420 });
  await begin(page);
  // It follows what is written.
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(150);
  await page.mouse.move(400, 100);
  await page.mouse.wheel(0, -200);
  await expect(page.getByRole("button", { name: "Jump to the end" })).toBeVisible();
  const stays = await page.evaluate(() => scrollY);
  await whole(page);
  expect(await page.evaluate(() => scrollY)).toBe(stays);
  await page.getByRole("button", { name: "Jump to the end" }).click();
  await expect(page.locator(".answer__took")).toBeInViewport();
  await expect(page.getByRole("button", { name: "Jump to the end" })).toHaveCount(0);
});

test("everything is done with the keyboard alone", async ({ page }) => {
  await enter(page);
  await field(page).focus();
  await page.keyboard.type(ASKED);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(CONVERSATION);
  await whole(page);
  await act(page, "Answer again").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("img", { name: "Version 2 of 2" })).toBeVisible({ timeout: 20_000 });
  // The button is gone; the focus is among the messages and not lost.
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => !!document.activeElement!.closest(".conversation"))).toBe(true);
});

test("a first question that is suggested is asked with one press", async ({ page }) => {
  await enter(page);
  await page.getByRole("button", { name: "SSE or WebSocket?" }).click();
  await expect(page).toHaveURL(CONVERSATION);
  await expect(questions(page)).toContainText("SSE or WebSocket?");
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [390, 1280]) {
    test.describe(`${colorScheme}, ${width} pixels wide`, () => {
      test.use({ colorScheme, viewport: { width, height: 844 }, contextOptions: { reducedMotion: "reduce" } });

      test(`axe finds nothing, and nothing is wider than the window, ${colorScheme}, ${width} pixels wide`, async ({ page }) => {
        const look = async () => {
          // A table that the documentation has without a heading is quoted without one.
          const { violations } = await new AxeBuilder({ page }).disableRules(["empty-table-header"]).analyze();
          expect(violations.flatMap(({ id, nodes }) => nodes.map(({ target, any }) => `${id}: ${target.join(" ")} ${any[0]?.message ?? ""}`))).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        };
        await enter(page);
        await look();
        await begin(page);
        await whole(page);
        await look();
        if (width === 390) await page.getByText("Conversations", { exact: true }).click();
        await talks(page).getByLabel(/^Rename or delete/).first().click();
        await page.getByText("Share", { exact: true }).click();
        await page.getByText("Edit", { exact: true }).click();
        await look();
      });
    });
  }
}

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, allowed: [PRELOADED] });

  test("one asks, reads, shares and deletes with plain forms", async ({ page }) => {
    await page.goto("/");
    await page.goto("/assistant");
    await field(page).fill(ASKED);
    await send(page).click();
    await expect(page).toHaveURL(CONVERSATION);
    await expect(async () => {
      await page.reload();
      await expect(answer(page, "complete")).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 20_000 });
    await expect(text(page)).toContainText("This is search");
    await page.getByText("Share", { exact: true }).click();
    await page.getByRole("switch").click();
    await expect(page.getByText("Shared", { exact: true })).toBeVisible();
    await talks(page).getByLabel(`Rename or delete: ${ASKED}`).click();
    await talks(page).getByText("Delete …").click();
    await talks(page).getByRole("button", { name: "Delete it for good" }).click();
    await expect(page).toHaveURL(/\/assistant$/);
    await expect(talks(page).getByText("Nothing asked yet.")).toBeVisible();
  });
});
