//! One event in memory: its offset, its payload encoded once, and a slot for each transport's framing.

use std::sync::OnceLock;

use bytes::Bytes;

/// Shared by all readers: whoever needs a framing first fills its slot, the others clone the `Bytes`.
#[derive(Debug)]
pub struct Entry {
    pub offset: u64,
    /// JSON without raw line breaks, identical for every reader.
    pub payload: Bytes,
    /// The frame for server-sent events, id line included (`transports/sse/frame.rs`).
    pub sse: OnceLock<SseFrame>,
    /// The message for WebSockets (`transports/ws/frame.rs`).
    pub socket: OnceLock<Bytes>,
}

/// `bytes` is the frame of a stream that carries this topic alone; a stream of several writes its own id line and then
/// `bytes` from `body` on.
#[derive(Clone, Debug)]
pub struct SseFrame {
    pub bytes: Bytes,
    pub body: usize,
}

impl Entry {
    pub fn new(offset: u64, payload: Bytes) -> Self {
        Self { offset, payload, sse: OnceLock::new(), socket: OnceLock::new() }
    }
}
