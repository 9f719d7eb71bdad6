//! Messages of the WebSocket protocol. An event's is put together once, for all connections.

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;

use crate::{
    server::topics::{Entry, Reset},
    wire::{Epoch, Position, Topic, socket::Said},
};

/// What an event's message adds to its payload, about, in bytes.
pub const EVENT_BYTES: usize = 100;

pub fn event(entry: &Entry, topic: &Topic, epoch: Epoch) -> Utf8Bytes {
    let bytes = entry.socket.get_or_init(|| {
        let at = Position { epoch, offset: entry.offset };
        let mut text = format!(r#"{{"type":"event","topic":"{topic}","position":"{at}","data":"#).into_bytes();
        text.extend_from_slice(&entry.payload);
        text.push(b'}');
        Bytes::from(text)
    });
    utf8(bytes.clone())
}

pub fn reset(topic: &Topic, reset: &Reset) -> Utf8Bytes {
    let reason = serde_json::to_string(&reset.reason).unwrap_or_default();
    let head = format!(r#"{{"type":"reset","topic":"{topic}","reason":{reason},"position":"{}""#, reset.position);
    let text = [head.as_bytes(), br#","snapshot":"#, &reset.snapshot, b"}"].concat();
    utf8(text.into())
}

pub fn said(said: &Said) -> Utf8Bytes {
    // Our own types hold nothing that JSON cannot.
    serde_json::to_string(said).unwrap_or_default().into()
}

/// All payloads are JSON that we wrote: a look at the bytes, no copy.
fn utf8(bytes: Bytes) -> Utf8Bytes {
    Utf8Bytes::try_from(bytes).unwrap_or_else(|error| {
        tracing::error!(%error, "an event that is not UTF-8 was not sent");
        Utf8Bytes::from_static("{}")
    })
}
