// The fake of language models' providers, held against the official clients of Anthropic and OpenAI: what our server reads in
// every other test is what they accept, and they take its refusals for those of the real ones.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { expect, test } from "./fixtures.ts";
import type { Model } from "./model.ts";

const anthropic = (model: Model) => new Anthropic({ apiKey: "key", baseURL: model.url });
const openai = (model: Model) => new OpenAI({ apiKey: "key", baseURL: `${model.url}/v1` });

const claude = "claude-sonnet-4-6";
const asks = (content: string) => ({ model: claude, max_tokens: 100, messages: [{ role: "user" as const, content }] });
const chat = (content: string) => ({
  model: "small",
  messages: [{ role: "user" as const, content }],
  stream: true as const,
  stream_options: { include_usage: true },
});

const schema = { type: "object" as const, properties: { of: { type: "string" } } };

async function failure(promise: Promise<unknown>): Promise<any> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error,
  );
}

test.describe("Anthropic's client", () => {
  test("reads a text in pieces, what it costs and why it ended", async ({ model }) => {
    const pieces: string[] = [];
    const stream = anthropic(model).messages.stream(asks("Guten Morgen ☀️ [split][think][usage 9 12]"));
    stream.on("text", (text) => pieces.push(text));
    const message = await stream.finalMessage();
    expect(pieces.join("")).toBe("You said “Guten Morgen ☀️”. I was sent 1 messages.");
    expect(pieces.length).toBeGreaterThan(5);
    expect(message.content.map((block) => block.type)).toEqual(["thinking", "text"]);
    expect(message.content[0]).toMatchObject({ thinking: "Let me think about that.", signature: expect.stringMatching(/./) });
    expect(message.usage).toMatchObject({ input_tokens: 9, output_tokens: 12 });
    expect(message.stop_reason).toBe("end_turn");
  });

  test("is asked for tools, and told what it made of their results", async ({ model }) => {
    const client = anthropic(model);
    const tools = [{ name: "count", description: "Counts.", input_schema: schema }];
    const asked = { ...asks('How many? [think][say Let me look.][tool count {"of": "世界"}][tool count]'), tools };
    const message = await client.messages.stream(asked).finalMessage();
    expect(message.stop_reason).toBe("tool_use");
    const calls = message.content.filter((block) => block.type === "tool_use");
    expect(calls.map(({ name, input }) => ({ name, input }))).toEqual([
      { name: "count", input: { of: "世界" } },
      { name: "count", input: {} },
    ]);
    const results = calls.map(({ id }) => ({ type: "tool_result" as const, tool_use_id: id, content: "seven" }));
    const messages = [...asked.messages, { role: "assistant" as const, content: message.content }, { role: "user" as const, content: results }];
    const told = await client.messages.stream({ ...asked, messages }).finalMessage();
    expect(told.content.find((block) => block.type === "text")?.text).toBe("The tool said “seven”.");

    const forgetful = await failure(client.messages.stream({ ...asked, messages: [...messages.slice(0, 2), messages[0]!] }).finalMessage());
    expect(forgetful).toBeInstanceOf(Anthropic.BadRequestError);
    expect(forgetful.message).toContain("without `tool_result` blocks");
  });

  for (const [marker, reason] of [["max", "max_tokens"], ["refuse", "refusal"], ["words 3", "end_turn"]]) {
    test(`hears that it ended: ${reason}`, async ({ model }) => {
      const message = await anthropic(model).messages.stream(asks(`Go [${marker}]`)).finalMessage();
      expect(message.stop_reason).toBe(reason);
    });
  }

  test("keeps what came before an error in the middle, and does not ask again", async ({ model }) => {
    let text = "";
    const stream = anthropic(model).messages.stream(asks("Go on [error-mid]"));
    stream.on("text", (piece) => (text += piece));
    const error = await failure(stream.finalMessage());
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error.type).toBe("overloaded_error");
    expect(text).toBe("You said ");
    expect(await model.requests()).toHaveLength(1);
  });

  test("asks again after 429, as soon as it is told to, and gives up at 529 and 500", async ({ model }) => {
    const message = await anthropic(model).messages.stream(asks("Busy? [429]")).finalMessage();
    expect(message.stop_reason).toBe("end_turn");
    expect(await model.requests()).toHaveLength(3);
    for (const [marker, status] of [["529", 529], ["error", 500]] as const) {
      await model.forget();
      const error = await failure(anthropic(model).messages.stream(asks(`[${marker}]`)).finalMessage());
      expect(error).toBeInstanceOf(Anthropic.InternalServerError);
      expect(error.status).toBe(status);
      expect(await model.requests()).toHaveLength(3);
    }
  });

  test("takes a refusal for what it is", async ({ model }) => {
    const client = anthropic(model);
    const begun = { ...asks("Go on"), messages: [...asks("Go on").messages, { role: "assistant" as const, content: "Well," }] };
    const prefill = await failure(client.messages.stream(begun).finalMessage());
    expect(prefill).toBeInstanceOf(Anthropic.BadRequestError);
    expect(prefill.message).toContain("prefill");
    expect(await failure(client.messages.stream(asks(" ")).finalMessage())).toBeInstanceOf(Anthropic.BadRequestError);
    const tools = [{ name: "no blanks", description: "", input_schema: schema }];
    expect((await failure(client.messages.stream({ ...asks("Go"), tools }).finalMessage())).message).toContain("tools.0.name");
    expect(await failure(client.messages.stream(asks("[401]")).finalMessage())).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(await model.requests(), "nothing of it is asked twice").toHaveLength(4);
  });

  test("of the older interface is understood as well", async ({ model }) => {
    const client = new Anthropic({ apiKey: null, baseURL: model.url, defaultHeaders: { "x-api-key": "key", "anthropic-version": "2023-06-01", authorization: null } });
    const warm = { ...asks("Go"), temperature: 0.5 };
    expect((await client.messages.stream(warm).finalMessage()).stop_reason).toBe("end_turn");
    expect((await failure(anthropic(model).messages.stream(warm).finalMessage())).message).toContain("temperature: Extra inputs");
  });

  test("notices that a connection was cut", async ({ model }) => {
    const error = await failure(anthropic(model).messages.stream(asks("Go on [cut]")).finalMessage());
    expect(error).toBeInstanceOf(Anthropic.AnthropicError);
  });

  test("stops the answer when it leaves", async ({ model }) => {
    const stream = anthropic(model).messages.stream(asks("[endless]"));
    await new Promise<void>((resolve) => stream.once("text", () => resolve()));
    expect(await model.open()).toBe(1);
    stream.abort();
    expect(await failure(stream.finalMessage())).toBeInstanceOf(Anthropic.APIUserAbortError);
    await expect.poll(() => model.open()).toBe(0);
  });
});

test.describe("OpenAI's client", () => {
  test("reads a text in pieces, what it costs and why it ended", async ({ model }) => {
    const pieces: string[] = [];
    let usage, reason;
    for await (const chunk of await openai(model).chat.completions.create(chat("Guten Morgen ☀️ [split][think][usage 9 12]"))) {
      const choice = chunk.choices[0];
      if (choice?.delta.content) pieces.push(choice.delta.content);
      reason ??= choice?.finish_reason;
      usage ??= chunk.usage;
    }
    expect(pieces.join("")).toBe("You said “Guten Morgen ☀️”. I was sent 1 messages.");
    expect(reason).toBe("stop");
    expect(usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 });
  });

  test("is asked for tools, and told what it made of their results", async ({ model }) => {
    const client = openai(model);
    const tools = [{ type: "function" as const, function: { name: "count", description: "Counts.", parameters: schema } }];
    const asked = { ...chat('How many? [tool count {"of": "世界"}][tool count]'), tools };
    const first = await client.chat.completions.stream(asked).finalChatCompletion();
    const { message, finish_reason } = first.choices[0]!;
    expect(finish_reason).toBe("tool_calls");
    const calls = message.tool_calls!.map((call) => call as Extract<typeof call, { type: "function" }>);
    expect(calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)])).toEqual([
      ["count", { of: "世界" }],
      ["count", {}],
    ]);
    const results = calls.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "seven" }));
    const messages = [...asked.messages, { role: "assistant" as const, tool_calls: calls }, ...results];
    const told = await client.chat.completions.stream({ ...asked, messages }).finalChatCompletion();
    expect(told.choices[0]!.message.content).toBe("The tool said “seven”.");

    const forgetful = await failure(client.chat.completions.stream({ ...asked, messages: messages.slice(0, -1) }).finalChatCompletion());
    expect(forgetful).toBeInstanceOf(OpenAI.BadRequestError);
  });

  test("hears the other ends, and an error in the middle", async ({ model }) => {
    const reason = async (marker: string) => {
      let last;
      for await (const chunk of await openai(model).chat.completions.create(chat(`Go [${marker}]`))) {
        last = chunk.choices[0]?.finish_reason ?? last;
      }
      return last;
    };
    expect(await reason("max")).toBe("length");
    expect(await reason("refuse")).toBe("content_filter");
    expect(await failure(reason("error-mid"))).toBeInstanceOf(OpenAI.APIError);
    expect(await failure(reason("cut"))).toBeInstanceOf(Error);
  });

  test("asks again after 429, and gives up where it is overloaded", async ({ model }) => {
    for await (const _ of await openai(model).chat.completions.create(chat("Busy? [429]")));
    expect(await model.requests()).toHaveLength(3);
    await model.forget();
    const error = await failure(openai(model).chat.completions.create(chat("[529]")));
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error.status).toBe(503);
    expect(await model.requests()).toHaveLength(3);
  });
});

test("what our server makes of both is the same", async ({ model, start }) => {
  for (const settings of [model.settings, model.openAiSettings]) {
    const server = await start(settings);
    const ask = async (content: string) => {
      const body = JSON.stringify({ messages: [{ role: "user", content }] });
      const response = await fetch(`${server.url}/api/chat`, { method: "POST", body });
      return { status: response.status, wait: response.headers.get("retry-after"), text: await response.text() };
    };
    const said = (text: string) => {
      const data = text.split("\n\n").flatMap((event) => (event.startsWith("data: {") ? [JSON.parse(event.slice(6)).text] : []));
      return data.join("");
    };
    expect(said((await ask("Guten Morgen ☀️ [split]")).text)).toBe("You said “Guten Morgen ☀️”. I was sent 1 messages.");
    expect(said((await ask("Busy? [429]")).text)).toBe("You said “Busy?”. I was sent 1 messages.");
    expect(await ask("[529]")).toMatchObject({ status: 503, wait: "1" });
    expect((await ask("Go on [cut]")).text).toContain('"model-broken"');
    await model.forget();
    // What the provider says is for the log.
    const refused = await ask("[400]");
    expect(refused.status).toBe(502);
    expect(refused.text).toContain("does not take this conversation");
    expect(refused.text).not.toContain("too many tokens");
    expect(await model.requests()).toHaveLength(1);
  }
});
