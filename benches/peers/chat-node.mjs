// A peer for `scripts/bench-chat`: the article's route on Node's own HTTP server, with the official client. Without Next.js,
// which would only add to it, and with `create`, which is lighter than `stream`: that one puts the message together as well.
// `PORT=3100 ANTHROPIC_BASE_URL=http://127.0.0.1:4010 node benches/peers/chat-node.mjs`

import { createServer } from "node:http";
import Anthropic from "@anthropic-ai/sdk";

const anthropic = new Anthropic({ apiKey: "key", baseURL: process.env.ANTHROPIC_BASE_URL });

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { messages } = JSON.parse(Buffer.concat(chunks).toString());
  const stream = await anthropic.messages.create({ model: "claude-sonnet-4-6", max_tokens: 1024, messages, stream: true });
  response.on("close", () => stream.controller.abort());
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for await (const event of stream) {
    if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
      response.write(`data: ${JSON.stringify({ text: event.delta.text })}\n\n`);
    }
  }
  response.end("data: [DONE]\n\n");
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.requestTimeout = 0;
server.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3100), backlog: 4_096 });
