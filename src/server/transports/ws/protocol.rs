//! What RFC 6455 leaves to us: the limits of a connection, what a reading error means, how a connection ends. The rest is
//! tungstenite's. The conformance run has an endpoint of its own with exactly these (`tests/conformance/echo.rs`).

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use futures::{SinkExt, StreamExt, stream::FusedStream};
use tungstenite::{Error, error::ProtocolError};

use super::session::close;
use crate::wire::socket::MESSAGE_BYTES;

/// What is too large is read to its end, up to here, in bytes: or its sender would not hear why the connection ends.
pub const READ_MOST: usize = 16 * MESSAGE_BYTES;

/// What is read at a time, in bytes: commands are small, and each connection has a buffer of its own.
const READ_BYTES: usize = 4 * 1024;

/// A write that the other side does not take for so long is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long the other side has to answer our goodbye.
const PART_PATIENCE: Duration = Duration::from_secs(5);

/// How long a goodbye that cannot be answered is left to arrive.
const LINGER: Duration = Duration::from_millis(250);

/// The limits of every connection. A message of more than `most` bytes is a fault.
pub fn limited(upgrade: WebSocketUpgrade, most: usize) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BYTES)
        // Written when it is flushed; beyond this at once.
        .write_buffer_size(64 * 1024)
        .max_message_size(most)
        .max_frame_size(most)
}

/// Sends all of it with one flush. Nothing if the other side is gone, or does not read.
pub async fn write(socket: &mut WebSocket, messages: impl Iterator<Item = Message>) -> Option<()> {
    let sending = async {
        for message in messages {
            socket.feed(message).await?;
        }
        socket.flush().await
    };
    tokio::time::timeout(WRITE_PATIENCE, sending).await.ok()?.ok()
}

/// What is wrong with what was read, as RFC 6455 has it. Nothing if the other side is gone.
pub fn fault(error: &axum::Error) -> Option<(u16, &'static str)> {
    use std::error::Error as _;
    match error.source()?.downcast_ref()? {
        Error::Capacity(_) => Some(close::TOO_LARGE),
        Error::Utf8(_) => Some(close::NOT_TEXT),
        Error::Io(_) | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        _ => Some(close::NO_FRAMES),
    }
}

/// Says why, and waits a moment for the other side to have heard it.
pub async fn part(socket: &mut WebSocket, (code, words): (u16, &'static str)) {
    // After a fault nothing more can be read, but may have come: a socket that is closed with unread bytes is reset, and a
    // reset takes away what the other side has not read yet.
    let mut unread = socket.is_terminated();
    let frame = Message::Close(Some(CloseFrame { code, reason: words.into() }));
    if write(socket, std::iter::once(frame)).await.is_none() {
        return;
    }
    let _ = tokio::time::timeout(PART_PATIENCE, async {
        while let Some(message) = socket.next().await {
            unread |= message.is_err_and(|error| fault(&error).is_some());
        }
    })
    .await;
    if unread {
        tokio::time::sleep(LINGER).await;
    }
}

/// The other side has said goodbye: the answer, which the library holds ready, goes out before anything else is tried.
/// A message after it would fail, and the answer be lost with the connection.
pub async fn answer_close(socket: &mut WebSocket) {
    let _ = tokio::time::timeout(PART_PATIENCE, socket.flush()).await;
}
