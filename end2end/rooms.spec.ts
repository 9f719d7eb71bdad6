// Rooms as people use them: two and three browsers in one conversation, through cuts, restarts and blocked WebSockets.
import { type BrowserContext, type Page } from "@playwright/test";
import { connectionIs, expect, NETWORK_ERROR, openLive, test } from "./fixtures.ts";

// These tests write faster than people do.
test.use({ settings: { TIDEMARK_LIMITS__WRITES_PER_MINUTE: "100000" } });

const LOBBY = "/rooms/lobby";
const field = (page: Page) => page.getByRole("textbox", { name: /message/ });
const log = (page: Page) => page.getByRole("log", { name: "Messages" });
const message = (page: Page, text: string | RegExp) => log(page).locator(".message").filter({ hasText: text });
const said = (page: Page) => log(page).locator(".message:not(.message--pending) .message__text").allTextContents();
const who = async (page: Page) => (await page.locator(".masthead__person").textContent())!.replace("You are ", "");

async function enter(page: Page, path = LOBBY): Promise<void> {
  // The first page makes a person, who may write from the second on.
  if (page.url() === "about:blank") await page.goto("/");
  await openLive(page, path);
}

async function say(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

const another = async (context: BrowserContext, url: string, options = {}): Promise<Page> =>
  (await context.browser()!.newContext({ baseURL: url, ...options })).newPage();

test("two people talk, see each other and each other's typing", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  await expect(page.getByText("2 people are here")).toBeVisible();
  await expect(page.locator(".chat")).toHaveAttribute("data-transport", "socket");
  await field(other).pressSequentially("Good morn");
  await expect(page.getByText(`${await who(other)} is writing …`)).toBeVisible();
  await field(other).fill("Good morning\nto <b>all</b> https://example.org/a.");
  await field(other).press("Enter");
  await expect(message(page, "Good morning to <b>all</b>")).toBeVisible();
  await expect(page.getByRole("link", { name: "https://example.org/a" })).toHaveAttribute("rel", /noopener/);
  await expect(page.getByText("is writing")).toHaveCount(0);
  await field(page).fill("one line");
  await field(page).press("Shift+Enter");
  await field(page).pressSequentially("and another");
  await field(page).press("Enter");
  await expect(message(other, "one line").locator(".message__text")).toHaveText("one line\nand another");
  await expect(page.locator(".message--pending")).toHaveCount(0);
  await other.context().close();
  await expect(page.getByText("1 person is here")).toBeVisible({ timeout: 15_000 });
});

test("one's own messages are edited and deleted, for everyone, and only one's own", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  await say(page, "Helo");
  await expect(message(other, "Helo")).toBeVisible();
  await expect(message(other, "Helo").getByRole("button")).toHaveCount(0);
  await message(page, "Helo").getByRole("button", { name: "Edit" }).click();
  await expect(field(page)).toHaveValue("Helo");
  await say(page, "Hello");
  await expect(message(other, "Hello")).toContainText("edited");
  page.on("dialog", (dialog) => dialog.accept());
  await message(page, "Hello").getByRole("button", { name: "Delete" }).click();
  await expect(message(other, "This message was deleted.")).toBeVisible();
  await page.reload();
  await expect(message(page, "This message was deleted.")).toBeVisible();
  await expect(page.getByText("Hello", { exact: true })).toHaveCount(0);
  await other.context().close();
});

test("a mention tells whoever it names", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  const name = await who(other);
  await say(page, `@${name}, have you seen this?`);
  await expect(message(other, "have you seen").locator(".message__mention")).toHaveText(`@${name}`);
  await expect(other.locator(".bell")).toContainText("1 unread");
  await other.goto("/notifications");
  await other.getByRole("link", { name: /have you seen this/ }).click();
  await expect(other).toHaveURL(/\/rooms\/lobby#m\d+$/);
  await other.context().close();
});

test.describe("without a network for a while", () => {
  test.use({ allowed: [/^(error|warning): (Failed to load resource: net::ERR_|WebSocket connection to)/] });

  test("messages of both sides are there afterwards, once and in order", async ({ page, context, server }) => {
    const other = await another(context, server.url);
    await enter(page);
    await enter(other);
    await say(page, "before");
    await expect(message(other, "before")).toBeVisible();
    await context.setOffline(true);
    await connectionIs(page, "offline");
    for (const number of [1, 2, 3]) await say(page, `from offline ${number}`);
    await expect(page.locator(".message--pending")).toHaveCount(3);
    for (const number of [1, 2, 3]) await say(other, `meanwhile ${number}`);
    await expect(message(other, "meanwhile 3").locator("time")).toBeVisible();
    await context.setOffline(false);
    await connectionIs(page, "live");
    await expect(page.locator(".message--pending")).toHaveCount(0);
    const expected = ["before", "meanwhile 1", "meanwhile 2", "meanwhile 3", "from offline 1", "from offline 2", "from offline 3"];
    for (const side of [page, other]) await expect.poll(async () => (await said(side)).slice(1)).toEqual(expected);
    await other.context().close();
  });

  test("a server that is killed while one sends has every message once", async ({ page, server }) => {
    await enter(page);
    const texts = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`);
    for (const [index, text] of texts.entries()) {
      await say(page, text);
      if (index === 5) await server.kill();
    }
    await server.restart();
    await connectionIs(page, "live", 20_000);
    await expect(page.locator(".message--pending")).toHaveCount(0);
    await expect.poll(async () => (await said(page)).slice(1)).toEqual(texts);
    await page.reload();
    expect((await said(page)).slice(1)).toEqual(texts);
  });

  test("what was written and not sent is there after a reload, and is sent", async ({ page, context, server }) => {
    await enter(page);
    await server.kill();
    await expect(page.locator('[data-connection="live"]')).toHaveCount(0);
    await say(page, "kept");
    await field(page).fill("half a thou");
    await server.restart();
    await page.reload();
    await expect(message(page, "kept").locator("time")).toBeVisible();
    await expect(field(page)).toHaveValue("half a thou");
  });

  test("an edit stays in the field until it is saved, and the draft comes back after it", async ({ page, context }) => {
    await enter(page);
    await say(page, "Helo");
    await expect(message(page, "Helo").locator("time")).toBeVisible();
    const edit = () => message(page, /Hel/).getByRole("button", { name: "Edit" }).click();
    const note = page.locator(".composer__note");
    await field(page).fill("a draft");
    await edit();
    await expect(field(page)).toHaveValue("Helo");
    await field(page).press("Escape");
    await expect(field(page)).toHaveValue("a draft");
    await edit();
    await context.setOffline(true);
    await connectionIs(page, "offline");
    await say(page, "Hello");
    await expect(note).toHaveText(/^That did not reach the server/);
    await expect(field(page)).toHaveValue("Hello");
    await context.setOffline(false);
    await connectionIs(page, "live");
    await expect(note).toBeEmpty();
    await field(page).press("Enter");
    await expect(message(page, "Hello")).toContainText("edited");
    await expect(field(page)).toHaveValue("a draft");
    await edit();
    await field(page).fill("Hello again");
    await page.reload();
    await connectionIs(page, "live");
    await expect(field(page)).toHaveValue("a draft");
  });

  test("an edit of what was deleted meanwhile is not lost", async ({ page, context }) => {
    await enter(page);
    await say(page, "Helo");
    await message(page, "Helo").getByRole("button", { name: "Edit" }).click();
    const second = await context.newPage();
    second.on("dialog", (dialog) => dialog.accept());
    await openLive(second, LOBBY);
    await message(second, "Helo").getByRole("button", { name: "Delete" }).click();
    await expect(message(page, "This message was deleted.")).toBeVisible();
    await say(page, "Hello, at some length");
    await expect(page.locator(".composer__note")).not.toBeEmpty();
    await expect(field(page)).toHaveValue("Hello, at some length");
  });

  test("a server that is gone for a while is no blocked WebSocket", async ({ page, server }) => {
    let sockets = 0;
    page.on("websocket", () => sockets++);
    await enter(page);
    await server.kill();
    // The first, and two that could not open.
    await expect.poll(() => sockets, { timeout: 15_000 }).toBeGreaterThanOrEqual(3);
    await server.restart();
    await connectionIs(page, "live", 20_000);
    await expect(page.locator(".chat")).toHaveAttribute("data-transport", "socket");
  });

  test("where WebSockets are blocked, the same goes on over server-sent events, and says so", async ({ page, context, server }) => {
    const other = await another(context, server.url);
    await page.routeWebSocket(/\/ws$/, (socket) => socket.close());
    await enter(page);
    await enter(other);
    await expect(page.getByText("WebSockets are blocked here: over server-sent events")).toBeVisible();
    await say(page, "over HTTP");
    await expect(message(other, "over HTTP")).toBeVisible();
    await expect(page.locator(".message--pending")).toHaveCount(0);
    await field(page).pressSequentially("mm");
    await expect(other.getByText("is writing …")).toBeVisible();
    await say(other, "back");
    await expect(message(page, "back")).toBeVisible();
    await other.context().close();
  });
});

/** A private room of `owner`, its address and the link that invites to it. */
async function privateRoom(owner: Page): Promise<{ room: string; link: string }> {
  await owner.goto("/");
  await owner.goto("/rooms");
  await owner.getByLabel("What it is called").fill("Plans");
  await owner.getByLabel(/^Private/).check();
  await owner.getByRole("button", { name: "Make the room" }).click();
  await connectionIs(owner, "live");
  await owner.getByText("Members and settings").click();
  await owner.getByRole("button", { name: "Make an invitation" }).click();
  const link = /http\S+/.exec(await owner.getByText(/within a week becomes a member/).innerText())![0];
  return { room: owner.url(), link };
}

async function join(member: Page, link: string): Promise<void> {
  await member.goto("/");
  await member.goto(link);
  await member.getByRole("button", { name: "Join" }).click();
  await connectionIs(member, "live");
}

test("whoever was removed while they were away is told so when they come back, and their page goes on", async ({ page, context, server, allowed }) => {
  allowed.push(NETWORK_ERROR, /WebSocket connection to .* failed/);
  const member = await another(context, server.url);
  const { link } = await privateRoom(page);
  await join(member, link);
  let connections = 0;
  member.on("websocket", () => connections++);
  await member.context().setOffline(true);
  await connectionIs(member, "offline");
  await page.reload();
  await page.getByText("Members and settings").click();
  await page.getByRole("button", { name: `Remove ${await who(member)}` }).click();
  await say(page, "without you");
  await expect(message(page, "without you").locator("time")).toBeVisible();
  await member.context().setOffline(false);
  await expect(member.getByText("You are no longer a member of this room.")).toBeVisible();
  await connectionIs(member, "live");
  await expect(member.getByText("without you")).toHaveCount(0);
  // What is theirs alone still arrives, over the one connection that came back.
  const reached = connections;
  await page.goto("/rooms/lobby");
  await connectionIs(page, "live");
  await say(page, `@${(await who(member)).replaceAll(" ", "")} are you there?`);
  await expect(member.locator(".bell")).toContainText("1 unread");
  expect(connections).toBe(reached);
  await member.context().close();
});

test("a private room is its members', and whoever is removed gets nothing more", async ({ page, context, server }) => {
  const [member, stranger] = [await another(context, server.url), await another(context, server.url)];
  const { room, link } = await privateRoom(page);
  await stranger.goto("/");
  expect((await stranger.goto(room))!.status()).toBe(404);
  await join(member, link);
  await say(page, "only for us");
  await expect(message(member, "only for us")).toBeVisible();
  await stranger.goto("/rooms");
  await expect(stranger.getByText("Plans")).toHaveCount(0);

  const owner = await context.newPage();
  await owner.goto(room);
  await owner.getByText("Members and settings").click();
  await owner.getByRole("button", { name: `Remove ${await who(member)}` }).click();
  await expect(member.getByText("You are no longer a member of this room.")).toBeVisible();
  await say(page, "and now without you");
  await expect(message(page, "and now without you").locator("time")).toBeVisible();
  await expect(member.getByText("without you")).toHaveCount(0);
  expect((await member.reload())!.status()).toBe(404);
  for (const visitor of [member, stranger]) await visitor.context().close();
});

test("a list of rooms counts what one has not read, and an unread marker says where it begins", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  await say(page, "first");
  await expect(message(other, "first")).toBeVisible();
  await other.goto("/rooms");
  for (const text of ["second", "third"]) await say(page, text);
  await expect(message(page, "third").locator("time")).toBeVisible();
  await other.reload();
  await expect(other.getByText("2 unread messages")).toBeVisible();
  await other.goto(LOBBY);
  await expect(other.getByText("New since you were here")).toBeVisible();
  await connectionIs(other, "live");
  await expect(async () => {
    await other.goto("/rooms");
    await expect(other.getByText("unread message")).toHaveCount(0, { timeout: 500 });
  }).toPass();
  await other.context().close();
});

test("who reads further up is not moved, and is told what is new", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(other);
  for (let number = 1; number <= 40; number++) await say(other, `line ${number}`);
  const exactly = (where: Page, text: string) => log(where).getByText(text, { exact: true });
  await expect(exactly(other, "line 40")).toBeVisible();
  await expect(other.locator(".message--pending")).toHaveCount(0);
  await enter(page);
  await log(page).evaluate((list) => list.scrollTo({ top: -600 }));
  const line = exactly(page, "line 20");
  const place = (await line.boundingBox())!.y;
  for (const text of ["more", "and more"]) await say(other, text);
  await expect(page.getByRole("button", { name: "2 new messages" })).toBeVisible();
  expect(Math.abs((await line.boundingBox())!.y - place)).toBeLessThan(2);
  await page.getByRole("button", { name: "2 new messages" }).click();
  await expect(message(page, "and more")).toBeInViewport();
  await expect(page.getByRole("button", { name: /new message/ })).toHaveCount(0);
  await other.context().close();
});

test("older messages come when one scrolls up, and the view does not jump", async ({ page, context, server }) => {
  const key = await server.key("publish:room/lobby");
  for (let number = 1; number <= 130; number++) {
    const body = JSON.stringify({ type: "MessagePosted", data: { text: `report ${number}` } });
    const headers = { authorization: `Bearer ${key}` };
    const answer = await fetch(`${server.url}/api/topics/room/lobby/events`, { method: "POST", headers, body });
    expect(answer.status).toBe(201);
  }
  await enter(page);
  const report = (number: number) => log(page).getByText(`report ${number}`, { exact: true });
  await expect(report(130)).toBeVisible();
  await expect(log(page).getByText("bot", { exact: true }).last()).toBeVisible();
  await expect(report(80)).toHaveCount(0);
  await expect(async () => {
    await log(page).evaluate((list) => list.scrollTo({ top: -list.scrollHeight }));
    await expect(report(1)).toHaveCount(1, { timeout: 500 });
  }).toPass();
  const texts = await said(page);
  expect(texts.slice(1)).toEqual(Array.from({ length: 130 }, (_, index) => `report ${index + 1}`));
});

test("a link to an older message shows it, and what is new does not follow it as if it were next", async ({ page, context, server }) => {
  const key = await server.key("publish:room/lobby");
  const headers = { authorization: `Bearer ${key}` };
  for (let number = 1; number <= 70; number++) {
    const body = JSON.stringify({ type: "MessagePosted", data: { text: `report ${number}` } });
    await fetch(`${server.url}/api/topics/room/lobby/events`, { method: "POST", headers, body });
  }
  await page.goto("/");
  await page.goto("/search?q=%22report+5%22");
  await page.locator(".hit").filter({ has: page.getByText("5", { exact: true }) }).getByRole("link", { name: "Lobby" }).click();
  await connectionIs(page, "live");
  await expect(log(page).getByText("report 5", { exact: true })).toBeInViewport();
  const other = await another(context, server.url);
  await enter(other);
  await say(other, "quite new");
  await expect(message(other, "quite new").locator("time")).toBeVisible();
  await expect(page.getByText("2 people are here")).toBeVisible();
  await expect(page.getByText("quite new")).toHaveCount(0);
  await page.getByRole("link", { name: "To the newest" }).click();
  await expect(message(page, "quite new")).toBeVisible();
  await other.context().close();
});

test("three people talk, and each sees the same in the same order", async ({ page, context, server }) => {
  const [second, third] = [await another(context, server.url), await another(context, server.url)];
  const people = [page, second, third];
  for (const person of people) await enter(person);
  await expect(page.getByText("3 people are here")).toBeVisible();
  for (let round = 1; round <= 4; round++) {
    await Promise.all(people.map((person, index) => say(person, `round ${round}, person ${index + 1}`)));
  }
  for (const person of people) await expect(person.locator(".message--pending")).toHaveCount(0);
  const all = await said(page);
  expect(all.slice(1).toSorted()).toEqual(people.flatMap((_, index) => [1, 2, 3, 4].map((round) => `round ${round}, person ${index + 1}`)).toSorted());
  for (const person of [second, third]) await expect.poll(() => said(person)).toEqual(all);
  for (const person of [second, third]) await person.context().close();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a room is read, and written in through its form", async ({ page }) => {
    await page.goto("/");
    await page.goto("/rooms");
    await page.getByRole("link", { name: "Lobby" }).click();
    await expect(page.getByText("Welcome. This room is there from the start")).toBeVisible();
    await field(page).fill("typed by hand");
    await page.getByRole("button", { name: "Send" }).click();
    await expect(page).toHaveURL(/\/rooms\/lobby$/);
    await expect(page.getByText("typed by hand")).toBeVisible();
  });
});
