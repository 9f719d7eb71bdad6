//! What travels over a WebSocket, both ways. `docs/protocol.md` shows each message as recorded.

use serde::{Deserialize, Serialize};

use super::{
    Position, Topic,
    stream::{Lost, ResetReason, Snapshot, Subscribed},
};

/// The subprotocol's name: the protocol and its version.
pub const SUBPROTOCOL: &str = "tidemark.1";

/// A message is at most this long, in bytes.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// What the server says, but for `event`, which is put together from bytes, and is read as [`EventSaid`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Said {
    Connected {
        connection: String,
        heartbeat_ms: u32,
        topics: Vec<Subscribed>,
    },
    Subscribed {
        topics: Vec<Subscribed>,
    },
    Reset {
        topic: Topic,
        reason: ResetReason,
        position: Position,
        snapshot: Snapshot<serde_json::Value>,
    },
    /// This topic is nothing of yours any longer; nothing more of it will come.
    Lost(Lost),
    Done {
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<Position>,
    },
    Failed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        code: FailedCode,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u32>,
    },
    Heartbeat,
    Draining {
        retry_ms: u32,
    },
}

/// `{"type":"event",…}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct EventSaid<T> {
    pub topic: Topic,
    pub position: Position,
    pub data: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailedCode {
    /// Not JSON, or not a command.
    Malformed,
    /// Mend it and send it again.
    Invalid,
    /// There is no such thing, or it is not for you.
    NotFound,
    TooManyTopics,
    TooFast,
    /// Our fault. The same again may help.
    Unavailable,
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    Subscribe {
        #[serde(default)]
        id: Option<String>,
        /// Marks.
        topics: Vec<String>,
    },
    Unsubscribe {
        #[serde(default)]
        id: Option<String>,
        topics: Vec<Topic>,
    },
    Post {
        #[serde(default)]
        id: Option<String>,
        room: String,
        client: String,
        text: String,
    },
    Edit {
        #[serde(default)]
        id: Option<String>,
        room: String,
        message: u64,
        text: String,
    },
    Delete {
        #[serde(default)]
        id: Option<String>,
        room: String,
        message: u64,
    },
    Read {
        #[serde(default)]
        id: Option<String>,
        room: String,
        message: u64,
    },
    Typing {
        #[serde(default)]
        id: Option<String>,
        room: String,
    },
    Heartbeat,
}

impl Command {
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Subscribe { id, .. }
            | Self::Unsubscribe { id, .. }
            | Self::Post { id, .. }
            | Self::Edit { id, .. }
            | Self::Delete { id, .. }
            | Self::Read { id, .. }
            | Self::Typing { id, .. } => id.as_deref(),
            Self::Heartbeat => None,
        }
    }
}
