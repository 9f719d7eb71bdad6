//! Server-sent events: `GET /api/stream`, and the changing of a live stream's topics.
//! `frame.rs` writes frames, `stream.rs` decides what is due, `body.rs` hands it to hyper, `handlers.rs` speaks HTTP.

mod body;
mod frame;
mod handlers;
mod query;
mod stream;

pub use handlers::{BUSY_RETRY_MS, address, change_topics, open};
pub use stream::{Settings, Step, Stream, lost};
