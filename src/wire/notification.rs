//! Notifications: what people are told when they are not looking. The events of the topic `user/{person}`.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Rises with time.
    pub id: u64,
    /// What happened, in the past tense: `Deployed`, `Mentioned`.
    pub kind: String,
    pub text: String,
    /// A path of this site.
    pub link: Option<String>,
    /// Milliseconds since 1970 (UTC).
    pub time: u64,
    pub read: bool,
}

/// `Notified` (with the notification) or `NotificationsRead`; after either, so many are unread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEvent {
    #[serde(rename = "type")]
    pub kind: UserEventKind,
    pub unread: u32,
    /// The notifications up to this id are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_through: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification: Option<Notification>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserEventKind {
    Notified,
    NotificationsRead,
}
