//! Frames of server-sent events (WHATWG HTML, 9.2). All data is one line of JSON, which has no raw line break.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use crate::{
    server::topics::{Cursor, Entry, Reset, SseFrame},
    wire::{Epoch, Position, Topic, stream::name},
};

/// A comment keeps proxies from closing a silent stream, and lets us notice a client that vanished. Scripts never see
/// comments, so an event goes with it, by which a client notices that the server vanished.
pub const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\nevent: heartbeat\ndata: {}\n\n");

/// The event of a stream that carries this topic alone. Encoded once, on first use, for all connections.
pub fn event(entry: &Entry, topic: &Topic, epoch: Epoch) -> Bytes {
    filled(entry, topic, epoch).bytes.clone()
}

/// The event of a stream of several topics: its own id line, then what all share.
pub fn put_event_with_id(out: &mut BytesMut, entry: &Entry, id: &str, topic: &Topic, epoch: Epoch) {
    let frame = filled(entry, topic, epoch);
    put_id(out, id);
    out.put_slice(&frame.bytes[frame.body..]);
}

fn filled<'a>(entry: &'a Entry, topic: &Topic, epoch: Epoch) -> &'a SseFrame {
    entry.sse.get_or_init(|| {
        let mut out = BytesMut::with_capacity(entry.payload.len() + 80);
        put_id(&mut out, &format!("{topic}@{}", Position { epoch, offset: entry.offset }));
        let body = out.len();
        out.put_slice(b"data: ");
        out.put_slice(&entry.payload);
        out.put_slice(b"\n\n");
        SseFrame { bytes: out.freeze(), body }
    })
}

/// The id of an event: the position of every topic of the stream, the event's own first.
pub fn vector(own: &Topic, at: Position, cursors: &mut dyn Iterator<Item = &Cursor>) -> String {
    format!("{own}@{at}{}", others(own, cursors))
}

/// What follows an event's own position in its id.
pub fn others(own: &Topic, cursors: &mut dyn Iterator<Item = &Cursor>) -> String {
    use std::fmt::Write;
    let mut id = String::new();
    for cursor in cursors.filter(|cursor| cursor.topic() != own) {
        // Writing to a string cannot fail.
        let _ = write!(id, ",{}@{}", cursor.topic(), cursor.position());
    }
    id
}

/// An event with a name, JSON data and, if there is a position to come back to, an id.
pub fn put_named<T: Serialize>(out: &mut BytesMut, event: &str, id: Option<&str>, data: &T) {
    if let Some(id) = id {
        put_id(out, id);
    }
    put_line(out, "event: ", event);
    out.put_slice(b"data: ");
    // Our own wire types hold nothing that JSON cannot; an error would mean a broken frame, so send an empty object.
    out.put_slice(&serde_json::to_vec(data).unwrap_or_else(|_| b"{}".to_vec()));
    out.put_slice(b"\n\n");
}

pub fn put_reset(out: &mut BytesMut, topic: &Topic, id: &str, reset: &Reset) {
    put_id(out, id);
    put_line(out, "event: ", name::RESET);
    let reason = serde_json::to_string(&reset.reason).unwrap_or_default();
    let head = format!(r#"data: {{"topic":"{topic}","reason":{reason},"position":"{}","snapshot":"#, reset.position);
    out.put_slice(head.as_bytes());
    out.put_slice(&reset.snapshot);
    out.put_slice(b"}\n\n");
}

/// How long an EventSource waits before it comes back, in milliseconds. Browsers add no jitter, so we do.
pub fn put_retry(out: &mut BytesMut, ms: u32) {
    put_line(out, "retry: ", &ms.to_string());
}

pub fn put_id(out: &mut BytesMut, id: &str) {
    put_line(out, "id: ", id);
}

fn put_line(out: &mut BytesMut, field: &str, value: &str) {
    debug_assert!(!value.contains(['\r', '\n', '\0']), "a line break would inject a field");
    out.put_slice(field.as_bytes());
    out.put_slice(value.as_bytes());
    out.put_u8(b'\n');
}
