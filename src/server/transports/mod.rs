//! HTTP in, cursor out. A transport is an adapter over cursors: a pure state machine that owns no task, and a thin
//! shell that moves its bytes.

pub mod carried;
pub mod chat;
pub mod conversations;
pub mod entrance;
pub mod events;
pub mod history;
pub mod jobs;
pub mod listener;
pub mod rooms;
pub mod snapshot;
pub mod sse;
mod tag;
pub mod ui;
pub mod ws;
