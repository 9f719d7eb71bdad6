// The assistant under people's hands: what they typed is never lost, what they press is done once, the focus stays where they
// are, and screens without keys work as well. The model is a fake; markers in the question say what it does.
import { act, answer, ask, CONVERSATION, enter, field, pending } from "./assistant.ts";
import { connectionIs, expect, NETWORK_ERROR, test } from "./fixtures.ts";

test("an edit is left with the button that opened it, and the question stays", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[say One]");
  await expect(answer(page, "complete")).toHaveCount(1);
  await page.getByText("Edit", { exact: true }).click();
  const edit = page.getByRole("textbox", { name: "Ask this instead" });
  await expect(edit).toBeFocused();
  await expect(page.locator(".question__text")).toBeHidden();
  await page.getByText("Cancel", { exact: true }).click();
  await expect(edit).toBeHidden();
  await expect(page.locator(".question__text")).toHaveText("[say One]");
  await expect(page.getByText("Edit", { exact: true })).toBeVisible();
});

test("a suggestion leaves alone what is being typed, and what is typed while it is sent goes along", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await enter(page, server);
  await field(page).fill("half a thought");
  await page.getByRole("button", { name: "SSE or WebSocket?" }).click();
  await expect(page).toHaveURL(CONVERSATION);
  await expect(page.locator(".question__text")).toHaveText("SSE or WebSocket?");
  await expect(field(page)).toHaveValue("half a thought");
});

test("who goes back from a conversation does not come to a page that waits for ever", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[say One]");
  await expect(answer(page, "complete")).toHaveCount(1);
  await page.goBack();
  await expect(page).not.toHaveURL(/assistant/);
  await page.goForward();
  await expect(page).toHaveURL(CONVERSATION);
  await expect(answer(page, "complete")).toHaveCount(1);
});

test("a question that waits can be taken back, and its words are in the field again", async ({ page, context, start, model, allowed }) => {
  allowed.push(NETWORK_ERROR);
  const server = await start(model.settings);
  await ask(page, server, "[say One]");
  await expect(answer(page, "complete")).toHaveCount(1);
  await context.setOffline(true);
  await connectionIs(page, "offline");
  await field(page).fill("A typpo");
  await field(page).press("Enter");
  await expect(pending(page)).toContainText("waits for a connection");
  await field(page).fill("more");
  await field(page).press("Enter");
  await expect(page.getByRole("alert").filter({ hasText: "still on its way" })).toBeVisible();
  await pending(page).getByRole("button", { name: "Discard" }).click();
  await expect(pending(page)).toHaveCount(0);
  await expect(field(page)).toHaveValue("A typpo\nmore");
  await context.setOffline(false);
  await connectionIs(page, "live");
  await expect(page.locator(".question")).toHaveCount(1);
});

test("a button that is pressed twice acts once, and the focus stays at its message", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[say One]");
  await expect(answer(page, "complete")).toHaveCount(1);
  await ask(page, server, "[slow] [words 20]");
  await expect(answer(page, "complete")).toHaveCount(2);
  await act(page, "Answer again").focus();
  await act(page, "Answer again").dblclick();
  await expect(page.getByRole("img", { name: "Version 2 of 2" })).toBeVisible({ timeout: 20_000 });
  await expect(page.locator(".dock__note")).toBeEmpty();
  // The button is gone: what follows it is what comes next in the same message, not at the beginning of the conversation.
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement!.closest("li")?.matches(".answer:last-of-type, .answer:last-child"))).toBe(true);
});

test("who has read on a little finds the way to the end once there is more", async ({ page, start, model }) => {
  await page.setViewportSize({ width: 800, height: 420 });
  const server = await start(model.settings);
  await ask(page, server, "[rate 60] [words 1500]");
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(150);
  await page.mouse.move(400, 100);
  await page.mouse.wheel(0, -60);
  await expect(page.getByRole("button", { name: "Jump to the end" })).toBeVisible({ timeout: 20_000 });
});

test("another answer is the same model's unless one is chosen, and so is the next question", async ({ page, start, model }) => {
  const server = await start({ ...model.settings, TIDEMARK_ASSISTANT__ANTHROPIC_MODELS: "claude-sonnet-4-6,claude-haiku-4-5" });
  await enter(page, server);
  await page.getByLabel("Model", { exact: true }).selectOption("claude-haiku-4-5");
  await field(page).fill("[say One]");
  await field(page).press("Enter");
  await expect(page.locator(".answer__took")).toContainText("claude-haiku-4-5");
  await act(page, "Answer again").click();
  await expect(page.getByRole("img", { name: "Version 2 of 2" })).toBeVisible({ timeout: 20_000 });
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  await connectionIs(page, "live");
  await expect(page.getByLabel("Model", { exact: true })).toHaveValue("claude-haiku-4-5");
  await ask(page, server, "[say Two]");
  await expect(answer(page, "complete")).toHaveCount(2);
  const asked = (await model.requests()).map(({ body }) => body.model);
  expect(asked).toEqual(["claude-haiku-4-5", "claude-haiku-4-5", "claude-haiku-4-5"]);
});

test.describe("on a screen that is touched", () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });

  test("Enter is a new line, the button sends, and an edit can be left", async ({ page, start, model }) => {
    const server = await start(model.settings);
    await enter(page, server);
    await field(page).fill("[say One]");
    await field(page).press("Enter");
    await field(page).pressSequentially("two lines");
    await expect(field(page)).toHaveValue("[say One]\ntwo lines");
    await page.getByRole("button", { name: "Send", exact: true }).tap();
    await expect(page).toHaveURL(CONVERSATION);
    await expect(answer(page, "complete")).toHaveText(/One/);
    await page.getByText("Edit", { exact: true }).tap();
    await expect(page.getByRole("textbox", { name: "Ask this instead" })).toBeVisible();
    await page.getByText("Cancel", { exact: true }).tap();
    await expect(page.locator(".question__text")).toBeVisible();
    const small = await page.evaluate(() => {
      const all = [...document.querySelectorAll<HTMLElement>(".conversation :is(button, summary, select), .talks-fold summary")];
      const shown = all.filter((element) => element.checkVisibility() && element.offsetHeight > 0);
      return shown.filter((element) => element.getBoundingClientRect().height < 44).map((element) => element.outerHTML.slice(0, 80));
    });
    expect(small, "44 pixels high, for fingers").toEqual([]);
  });
});
