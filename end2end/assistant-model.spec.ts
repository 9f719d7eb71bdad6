// The assistant with a model, as far as that differs from the guide: what providers do wrong, what outlives the server and
// the tab, tools that ask first, thinking, several models, what it costs. The model is a fake; markers in the question say
// what it does (tests/provider/fake_model.rs).
import { act, answer, ask, enter, field } from "./assistant.ts";
import { connectionIs, expect, NETWORK_ERROR, test } from "./fixtures.ts";

const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index + 1}`).join(" ");

test("closing the tab stops nothing: the answer is there, whole, when one comes back", async ({ page, context, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[rate 30] [words 60]");
  await expect(answer(page, "running")).toContainText("w2");
  const place = page.url();
  await page.close();
  await expect.poll(() => model.open(), { message: "the provider has said it all" }).toBe(0);
  const later = await context.newPage();
  await later.goto(place);
  await expect(answer(later, "complete").locator(".markdown")).toHaveText(words(60));
  expect((await model.requests()).length).toBe(1);
});

test("a server that is killed in the middle keeps what there was, says so, and goes on when asked to", async ({ page, start, model, allowed }) => {
  allowed.push(NETWORK_ERROR);
  const server = await start(model.settings);
  await ask(page, server, "[rate 20] [words 80]");
  await expect(answer(page, "running")).toContainText("w30", { timeout: 10_000 });
  await server.kill();
  await server.restart();
  await expect(answer(page, "interrupted")).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText("The server stopped while it was writing.")).toBeVisible();
  // At most a second of it is gone.
  await expect(answer(page, "interrupted").locator(".markdown")).toContainText("w1 w2 w3 w4 w5 w6 w7 w8");
  await page.reload();
  await connectionIs(page, "live");
  await expect(answer(page, "interrupted").locator(".markdown")).toContainText("w1 w2 w3 w4 w5 w6 w7 w8");
  await model.forget();
  await act(page, "Continue").click();
  await expect(answer(page, "complete")).toBeVisible({ timeout: 20_000 });
  await expect(answer(page, "complete").locator(".markdown")).toContainText("w1 w2 w3 w4 w5 w6 w7 w8");
  const { messages } = (await model.requests())[0].body;
  expect(messages.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant", "user"]);
});

test("a server that is stopped politely interrupts the answer with all there was", async ({ page, start, model, allowed }) => {
  allowed.push(NETWORK_ERROR);
  const server = await start({ ...model.settings, TIDEMARK_SHUTDOWN_MS: "1000" });
  await ask(page, server, "[endless]");
  await expect(answer(page, "running").locator(".markdown")).not.toBeEmpty();
  expect((await server.stop()).code).toBe(0);
  await expect.poll(() => model.open()).toBe(0);
  await server.restart();
  await expect(answer(page, "interrupted")).toBeVisible({ timeout: 20_000 });
});

test("what a provider does wrong is said in words, keeps what came before, and can be tried again", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[429] [say There you are]");
  await expect(answer(page, "complete")).toContainText("There you are");
  await ask(page, server, "Second [error-mid] of it");
  await expect(answer(page, "failed")).toHaveCount(1);
  await expect(answer(page, "failed").locator(".markdown")).not.toBeEmpty();
  const partial = (await answer(page, "failed").locator(".markdown").textContent())!;
  await act(page, "Try again").click();
  await expect(page.getByRole("img", { name: "Version 2 of 2" })).toBeVisible();
  await page.locator(".answer").last().getByRole("button", { name: "The version before" }).click();
  await expect(answer(page, "failed").locator(".markdown")).toHaveText(partial.trim());
  for (const [marker, says] of [
    ["[529]", "The model is overloaded; try again in a moment."],
    ["[cut]", "The answer broke off."],
    ["[garbage]", "The answer broke off."],
    ["[400]", "The model's provider refused the question"],
    ["[401]", "its key is not accepted"],
  ]) {
    await ask(page, server, `${marker} please`);
    await expect(page.locator(".answer").last()).toHaveAttribute("data-status", "failed", { timeout: 15_000 });
    await expect(page.locator(".answer").last()).toContainText(says);
  }
  expect(server.output).not.toContain("key: key");
});

test("refusals, answers that are too long, and characters in pieces", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[refuse] this");
  await expect(answer(page, "refused")).toContainText("The model does not want to answer this.");
  await ask(page, server, "[max] [say Once upon a time]");
  await expect(answer(page, "too-long")).toContainText("This is as long as an answer may be.");
  await expect(act(page, "Continue")).toBeVisible();
  await ask(page, server, "[split] [say Grüße ☀️ 世界]");
  await expect(answer(page, "complete").last()).toContainText("Grüße ☀️ 世界");
});

test("ten thousand words come, are stored, and are there after a reload", async ({ page, start, model }) => {
  const server = await start({ ...model.settings, TIDEMARK_ASSISTANT__OUTPUT_TOKENS: "50000" });
  await ask(page, server, "[10000]");
  await expect(answer(page, "complete")).toContainText("w10000", { timeout: 30_000 });
  await page.reload();
  await expect(answer(page, "complete")).toContainText("w9999 w10000");
});

test("markdown comes as its HTML, code can be copied, and what is dangerous is text", async ({ page, context, start, model }) => {
  const server = await start(model.settings);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await ask(page, server, "[rate 60] [markdown]");
  await expect(answer(page, "complete")).toBeVisible({ timeout: 20_000 });
  const shown = answer(page, "complete").locator(".markdown");
  await expect(shown.locator("table")).toBeVisible();
  await expect(shown.locator(".code")).toHaveCount(2);
  await expect(shown.locator("script, img, iframe")).toHaveCount(0);
  expect(await shown.locator("a").evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol))).not.toContain("javascript:");
  const html = await shown.innerHTML();
  await shown.locator(".code").first().getByRole("button").click();
  await expect(shown.locator(".code").first().getByRole("button")).toHaveText("Copied");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe('fn main() {\n    println!("<b>not bold</b> & not a tag");\n}\n');
  await page.reload();
  await expect(answer(page, "complete").locator(".markdown .code")).toHaveCount(2);
  expect((await shown.innerHTML()).replace(/<!--.*?-->/g, "").replaceAll("Copied", "Copy")).toBe(html.replace(/<!--.*?-->/g, ""));
});

test("a tool that changes something waits for a yes, over a restart too, and says what came of it", async ({ page, start, model, allowed }) => {
  allowed.push(NETWORK_ERROR);
  const server = await start(model.settings);
  await ask(page, server, '[tool start_job {"kind":"digest","room":"lobby"}] please');
  await expect(answer(page, "waiting")).toContainText("Make a digest of the room “lobby”");
  await expect(page.getByText("waits for you")).toBeVisible();
  await server.kill();
  await server.restart();
  await page.reload();
  await connectionIs(page, "live");
  await page.getByRole("button", { name: "Allow" }).click();
  await expect(answer(page, "complete")).toContainText("/jobs/", { timeout: 20_000 });
  await expect(page.locator(".tool .folded__state")).toHaveText("done");
  await page.goto(`${server.url}/jobs`);
  await expect(page.getByText("Digest of Lobby").first()).toBeVisible();
});

test("a no is a no: nothing is done, and the model is told", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, '[tool start_job {"kind":"export","room":"lobby"}] please');
  await page.getByRole("button", { name: "Decline" }).click();
  await expect(answer(page, "complete")).toBeVisible();
  await expect(page.locator(".tool .folded__state")).toHaveText("declined");
  await page.goto(`${server.url}/jobs`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByText("Export of Lobby")).toHaveCount(0);
});

test("a tool that reads is used at once, and thinking is there, folded", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, '[think] [tool search_messages {"words":"welcome"}] who?');
  await expect(answer(page, "complete")).toContainText("Welcome", { timeout: 15_000 });
  await page.getByText("Thought for a while").first().click();
  await expect(page.locator(".folded__text--thought").first()).toBeVisible();
  await page.getByText("Search the rooms for “welcome”").click();
  await expect(page.locator(".tool pre").first()).toContainText('{"words":"welcome"}');
});

test("one chooses among models, and what an answer took is told with its model", async ({ page, start, model }) => {
  const server = await start({ ...model.settings, ...model.openAiSettings });
  await enter(page, server);
  const choice = page.getByRole("combobox", { name: "Model" });
  await expect(choice.locator("option")).toHaveText(["claude-sonnet-4-6", "small", "offline guide"]);
  await choice.selectOption("small");
  await field(page).fill("[usage 1234 567] [say Hello]");
  await field(page).press("Enter");
  await expect(page.locator(".answer__took")).toContainText("small · 1,234 tokens in, 567 out");
  expect((await model.requests()).at(-1)!.path).toContain("/chat/completions");
  await page.reload();
  await expect(page.getByText("Today: 1,801 tokens of 300,000")).toBeVisible();
});
