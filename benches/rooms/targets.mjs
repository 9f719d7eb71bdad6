// The three servers' languages, each turned into the same few messages. Pure: text in, text out.
//
// `read` returns one of
//   { kind: "greeted", heartbeatMs? }               answer with `join`
//   { kind: "joined", places: [{ room, epoch, from, head }] }
//   { kind: "event", room, epoch, offset, text }
//   { kind: "reset", room, epoch, offset, reason }
//   { kind: "done", id, place? }                    where a post stands, if the server says so
//   { kind: "failed", id, reason }
//   { kind: "lost", reason }
//   { kind: "ping", answer }
//   { kind: "draining", retryMs }
//   { kind: "other" }

// The peers number a room's events as long as they run: one epoch.
const PEER_EPOCH = "";

/** `docs/protocol.md`, `GET /ws`. */
const tidemark = {
  path: () => "/ws",
  protocols: ["tidemark.1"],
  /** Whoever comes back goes on from where they were, and sends again what was not answered. */
  resumes: true,
  heartbeat: '{"type":"heartbeat"}',

  join(room, place) {
    const mark = place.epoch === null ? `room/${room}` : `room/${room}@${place.epoch}:${place.offset}`;
    return JSON.stringify({ type: "subscribe", id: "subscribe", topics: [mark] });
  },

  post(id, room, client, text) {
    return JSON.stringify({ type: "post", id, room, client, text });
  },

  read(text) {
    const message = JSON.parse(text);
    switch (message.type) {
      case "event": {
        const { epoch, offset } = position(message.position);
        return { kind: "event", room: roomOf(message.topic), epoch, offset, text: message.data.message?.text };
      }
      case "connected":
        return { kind: "greeted", heartbeatMs: message.heartbeat_ms };
      case "subscribed":
        return { kind: "joined", places: message.topics.map(place) };
      case "reset":
        return { kind: "reset", room: roomOf(message.topic), ...position(message.position), reason: message.reason };
      case "done":
        return { kind: "done", id: message.id, place: message.position && position(message.position) };
      case "failed":
        return { kind: "failed", id: message.id, reason: `${message.code}: ${message.message}` };
      case "lost":
        return { kind: "lost", reason: message.message };
      case "draining":
        return { kind: "draining", retryMs: message.retry_ms };
      case "heartbeat":
        return { kind: "other" };
      default:
        throw new Error(`a message of type ${message.type}`);
    }
  },
};

function place({ topic, from, head }) {
  const { epoch, offset } = position(from);
  return { room: roomOf(topic), epoch, from: offset, head: position(head) };
}

function roomOf(topic) {
  if (!topic.startsWith("room/")) throw new Error(`a message about ${topic}`);
  return topic.slice("room/".length);
}

function position(text) {
  const match = /^([0-9a-f]{16}):(\d+)$/.exec(text);
  if (!match) throw new Error(`${text} is not a position`);
  return { epoch: match[1], offset: Number(match[2]) };
}

/** `benches/peers/rooms-ws.mjs` */
const ws = {
  path: (room) => `/?room=${room}`,
  protocols: [],
  resumes: false,
  /** Being connected is being in the room. */
  joinsAtOnce: true,

  post(id, room, _client, text) {
    return JSON.stringify({ type: "post", id, room, text });
  },

  read(text) {
    const message = JSON.parse(text);
    switch (message.type) {
      case "event":
        return peerEvent(message);
      case "done":
        return { kind: "done", id: message.id };
      default:
        throw new Error(`a message of type ${message.type}`);
    }
  },
};

/**
 * `benches/peers/rooms-socketio.mjs`. Written here and not left to socket.io-client, which takes half as much CPU again as
 * `ws` alone: the generator would be slower towards this peer, and its latency would be ours.
 * https://socket.io/docs/v4/socket-io-protocol/
 */
const socketio = {
  path: (room) => `/socket.io/?EIO=4&transport=websocket&room=${room}`,
  protocols: [],
  resumes: false,

  join: () => "40",

  post(id, room, _client, text) {
    return `42${id}${JSON.stringify(["post", { id, room, text }])}`;
  },

  read(text) {
    switch (text[0]) {
      case "0":
        return { kind: "greeted" };
      case "2":
        return { kind: "ping", answer: "3" };
      case "4":
        return this.readPacket(text);
      default:
        return { kind: "other" };
    }
  },

  readPacket(text) {
    switch (text[1]) {
      case "0":
        return { kind: "joined", places: [] };
      case "2":
        return peerEvent(JSON.parse(text.slice(2))[1]);
      case "3":
        return { kind: "done", id: /^43(\d+)/.exec(text)[1] };
      case "4":
        return { kind: "lost", reason: text.slice(2) };
      default:
        return { kind: "other" };
    }
  },
};

function peerEvent({ room, offset, data }) {
  return { kind: "event", room, epoch: PEER_EPOCH, offset, text: data.text };
}

export const targets = { tidemark, ws, socketio };
