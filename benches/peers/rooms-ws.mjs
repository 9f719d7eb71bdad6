// A peer for `scripts/soak-rooms`: chat rooms on plain `ws`, as its documentation would have one write them: each message
// encoded once and sent to every open client of its room, and a ping that finds dead connections. In memory only.
// `PORT=3100 node benches/peers/rooms-ws.mjs`, then connect to /?room=NAME.

import { WebSocket, WebSocketServer } from "ws";

const PING_MS = 30_000;

// By name. A room stays when its last client has left, so that its numbers go on.
const rooms = new Map();

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3100), backlog: 4_096 });

server.on("connection", (client, request) => {
  const room = roomNamed(new URL(request.url, "http://localhost").searchParams.get("room") ?? "lobby");
  room.clients.add(client);
  client.isAlive = true;
  client.on("pong", () => {
    client.isAlive = true;
  });
  client.on("message", (bytes) => hear(client, bytes));
  client.on("close", () => room.clients.delete(client));
  client.on("error", console.error);
});

function roomNamed(name) {
  let room = rooms.get(name);
  if (!room) {
    room = { name, offset: 0, clients: new Set() };
    rooms.set(name, room);
  }
  return room;
}

function hear(client, bytes) {
  let message;
  try {
    message = JSON.parse(bytes);
  } catch {
    client.close(1007);
    return;
  }
  if (message.type !== "post") return;
  post(roomNamed(message.room), message.text);
  client.send(JSON.stringify({ type: "done", id: message.id }));
}

function post(room, text) {
  room.offset += 1;
  const data = { text, time: Date.now() };
  const event = JSON.stringify({ type: "event", room: room.name, offset: room.offset, data });
  for (const client of room.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(event);
  }
}

setInterval(() => {
  for (const client of server.clients) {
    if (!client.isAlive) {
      client.terminate();
      continue;
    }
    client.isAlive = false;
    client.ping();
  }
}, PING_MS);
