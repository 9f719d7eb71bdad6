//! WebSockets: `GET /ws`, both ways over one connection. `frame.rs` writes messages, `session.rs` decides what is due,
//! `commands.rs` does what clients ask for, `socket.rs` moves the bytes, `protocol.rs` is what RFC 6455 leaves to us.

pub mod commands;
mod frame;
pub mod protocol;
mod session;
mod socket;

pub use commands::over_http;
pub use session::{Session, Settings, Step, close};
pub use socket::open;
