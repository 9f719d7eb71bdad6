// Vercel's AI SDK, unmodified: npm's `ai` in Node, and `useChat` of `@ai-sdk/react` on an origin of its own, with nothing but
// the address changed. It sends, follows, resumes an answer in the middle, and stops it.
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { elsewhere } from "./elsewhere.ts";
import { expect, test } from "./fixtures.ts";

const question = (text: string, id = "m1"): UIMessage => ({ id, role: "user", parts: [{ type: "text", text }] });

const send = (transport: DefaultChatTransport<UIMessage>, chatId: string, messages: UIMessage[]) =>
  transport.sendMessages({ trigger: "submit-message", chatId, messageId: undefined, messages, abortSignal: undefined });

/** The message as the client puts it together. */
async function message(stream: ReadableStream<UIMessageChunk>): Promise<UIMessage> {
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream })) last = message;
  return last!;
}

const said = (message: UIMessage) =>
  message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");

test("npm's ai sends a conversation, and reads thinking, tools and text as what they are", async ({ start, model }) => {
  const server = await start(model.settings);
  const transport = new DefaultChatTransport({ api: `${server.url}/api/chat` });
  const asked = question('[think] [tool read_guide {"question":"What is a reset?"}] What is a reset?');
  const first = await message(await send(transport, "chat-of-the-sdk", [asked]));
  expect(first.role).toBe("assistant");
  expect(first.parts.map((part) => part.type)).toEqual(expect.arrayContaining(["reasoning", "dynamic-tool", "text"]));
  const tool = first.parts.find((part) => part.type === "dynamic-tool")!;
  expect(tool).toMatchObject({ toolName: "read_guide", state: "output-available", input: { question: "What is a reset?" } });

  const second = await message(await send(transport, "chat-of-the-sdk", [asked, first, question("And [say then]?", "m2")]));
  expect(said(second)).toBe("then");
  const { body } = (await model.requests()).at(-1)!;
  expect(body.messages.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant", "user"]);
});

test("an answer goes on when its reader leaves, is resumed from its first word, and is stopped for good", async ({ start, model }) => {
  const server = await start(model.settings);
  const transport = new DefaultChatTransport({ api: `${server.url}/api/chat` });
  expect(await transport.reconnectToStream({ chatId: "resumed" })).toBeNull();
  const leaving = (await send(transport, "resumed", [question("[rate 40] [words 60]")])).getReader();
  for (let deltas = 0; deltas < 3; ) deltas += (await leaving.read()).value!.type === "text-delta" ? 1 : 0;
  await leaving.cancel();
  const resumed = await transport.reconnectToStream({ chatId: "resumed" });
  const words = Array.from({ length: 60 }, (_, index) => `w${index + 1}`).join(" ");
  expect(said(await message(resumed!)).trim()).toBe(words);
  expect((await model.requests()).length).toBe(1);
  expect(await transport.reconnectToStream({ chatId: "resumed" })).toBeNull();

  const endless = (await send(transport, "stopped", [question("[endless]")])).getReader();
  await endless.read();
  await expect.poll(() => model.open()).toBe(1);
  const stopped = await fetch(`${server.url}/api/chat/stopped/stop`, { method: "POST" });
  expect(await stopped.json()).toEqual({ stopped: true });
  const types: string[] = [];
  for (let read = await endless.read(); !read.done; read = await endless.read()) types.push(read.value.type);
  expect(types.at(-1)).toBe("abort");
  await expect.poll(() => model.open(), { message: "the provider's work has stopped" }).toBe(0);
});

test("what goes wrong at the provider reaches the client as an error, with what came before it", async ({ start, model }) => {
  const server = await start(model.settings);
  const transport = new DefaultChatTransport({ api: `${server.url}/api/chat` });
  const chunks: UIMessageChunk[] = [];
  const reader = (await send(transport, "broken", [question("[error-mid]")])).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value);
  expect(chunks.some((chunk) => chunk.type === "text-delta")).toBe(true);
  expect(chunks.at(-1)).toMatchObject({ type: "error" });
  const tooLong = send(transport, "long", [question("x".repeat(200_000))]);
  await expect(tooLong).rejects.toThrow(/at most/);
});

const component = (url: string) => `
  import { createElement as h } from "react";
  import { createRoot } from "react-dom/client";
  import { useChat } from "@ai-sdk/react";
  import { DefaultChatTransport } from "ai";

  const transport = new DefaultChatTransport({ api: ${JSON.stringify(url)} + "/api/chat" });

  function Chat() {
    const { messages, sendMessage, status } = useChat({ id: "k2dPq81mZtX0aLse", transport, resume: true });
    return h("main", null,
      h("p", { id: "status" }, status),
      h("button", { onClick: () => sendMessage({ text: "[rate 20] [words 40]" }) }, "Ask"),
      messages.map((message) => h("p", { key: message.id, className: message.role },
        message.parts.map((part, index) => part.type === "text" ? h("span", { key: index }, part.text) : null))));
  }

  createRoot(document.getElementById("root")).render(h(Chat));`;

test("useChat on another origin sends, and resumes an answer after a reload in its middle", async ({ page, start, model }) => {
  const site = await elsewhere();
  const server = await start({ ...model.settings, TIDEMARK_ALLOWED_ORIGINS: site.origin });
  await site.show(component(server.url));
  await page.goto(site.origin);
  await expect(page.locator("#status")).toHaveText("ready");
  await page.getByRole("button", { name: "Ask" }).click();
  await expect(page.locator(".assistant")).toContainText("w3");
  await page.reload();
  // What the page itself does not keep is the question.
  await expect(page.locator(".assistant")).toContainText("w1 w2 w3");
  await expect(page.locator(".assistant")).toContainText("w40", { timeout: 10_000 });
  await expect(page.locator(".assistant")).toHaveCount(1);
  await expect(page.locator("#status")).toHaveText("ready");
  expect((await model.requests()).length).toBe(1);
  site.close();
});
