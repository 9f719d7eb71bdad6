// A peer for `scripts/soak-rooms`: the chat rooms of `rooms-ws.mjs` on Socket.IO, with its own rooms, acknowledgements and
// heartbeats, and its defaults. In memory only.
// `PORT=3100 node benches/peers/rooms-socketio.mjs`, then connect with the query room=NAME.

import { createServer } from "node:http";
import { Server } from "socket.io";

// The last number of each room.
const offsets = new Map();

const http = createServer();
const server = new Server(http, { serveClient: false });

server.on("connection", (socket) => {
  socket.join(socket.handshake.query.room ?? "lobby");
  socket.on("post", ({ id, room, text }, done) => {
    const offset = (offsets.get(room) ?? 0) + 1;
    offsets.set(room, offset);
    server.to(room).emit("event", { room, offset, data: { text, time: Date.now() } });
    done({ id });
  });
});

http.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3100), backlog: 4_096 });
