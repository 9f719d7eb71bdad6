//! An answer as it is stored: whole parts, what was added to them meanwhile, and the name of how it has ended. Called
//! by whoever writes and reads the rows: `conversations/` and `room_answers/`.

use serde::{Deserialize, Serialize};

use super::{Answer, Kept};
use crate::wire::assistant::Status;

/// What was added to one part, as it is stored meanwhile.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Added {
    pub part: usize,
    pub added: Kept,
}

impl Answer {
    /// What was added since the last call, as it is stored; nothing if nothing was.
    pub fn take_unsaved(&mut self) -> Option<String> {
        let unsaved = std::mem::take(&mut self.unsaved);
        if unsaved.is_empty() { None } else { serde_json::to_string(&unsaved).ok() }
    }
}

pub fn to_json(parts: &[Kept]) -> String {
    serde_json::to_string(parts).unwrap_or_else(|_| "[]".to_owned())
}

/// What is stored of an answer: whole parts, and what was added to them afterwards.
pub fn from_json(parts: &str, chunks: &[String]) -> Vec<Kept> {
    let mut parts: Vec<Kept> = serde_json::from_str(parts).unwrap_or_default();
    let added = chunks.iter().filter_map(|chunk| serde_json::from_str::<Vec<Added>>(chunk).ok()).flatten();
    for Added { part, added } in added {
        match (parts.get_mut(part), added) {
            (Some(Kept::Text { text }), Kept::Text { text: more }) => text.push_str(&more),
            (Some(Kept::Thinking { text, signature }), Kept::Thinking { text: more, signature: signed }) => {
                text.push_str(&more);
                *signature = signed.or(signature.take());
            }
            (Some(known), added) => *known = added,
            (None, added) => parts.push(added),
        }
    }
    parts
}

impl Status {
    /// As it is stored.
    pub(in crate::server) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::TooLong => "too-long",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
        }
    }

    pub(in crate::server) fn named(name: &str) -> Self {
        let all = [
            Self::Running,
            Self::Complete,
            Self::Stopped,
            Self::Interrupted,
            Self::TooLong,
            Self::Refused,
            Self::Waiting,
        ];
        all.into_iter().find(|status| status.name() == name).unwrap_or(Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_stored_by_its_name() {
        for status in [Status::Running, Status::TooLong, Status::Failed, Status::Waiting, Status::Interrupted] {
            assert_eq!(Status::named(status.name()), status);
        }
    }
}
