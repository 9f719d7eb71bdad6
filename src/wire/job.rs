//! Jobs: work that goes on in the background, and how far it is. The state that `GET /api/jobs/{id}` answers and the
//! events of the topic `job/{id}` are the same.

use serde::{Deserialize, Serialize};

/// How many of the newest jobs a list shows.
pub const SHOWN_JOBS: u32 = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

/// A job as it is at one position of its topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: String,
    /// What it does: the name of an entry in `server/jobs/mod.rs`.
    pub kind: String,
    /// What it does, for people.
    pub title: String,
    pub status: JobStatus,
    /// In percent.
    pub progress: u8,
    /// What it is doing now, or what came of it, for people.
    pub doing: String,
    /// Milliseconds since 1970 (UTC).
    pub created: u64,
    pub updated: u64,
    /// Where what it made is: a path of this site. Until it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why it failed, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl JobStatus {
    /// Nothing more happens by itself.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// How soon it is worth asking again, in milliseconds; 0 is never.
    pub fn poll_ms(self) -> u32 {
        match self {
            Self::Queued | Self::Running => 1_000,
            Self::Completed | Self::Failed | Self::Cancelled => 0,
        }
    }
}
