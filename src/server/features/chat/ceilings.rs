//! How much of a language model anybody may have, who that is, and what is said to whoever has had it.

use std::time::Duration;

use thiserror::Error;

use crate::server::{model::ModelError, store::StoreError};

/// Who an answer is for, and whose ceilings it counts towards: their own, those of their address, and those of all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Payer {
    /// A person or an API key, by a name that no other has. The same as `address` where nobody has signed in: a new name costs
    /// nothing.
    pub who: String,
    pub address: String,
}

impl Payer {
    /// Somebody who has signed in, or nobody in particular.
    pub fn new(who: Option<String>, source: &str) -> Self {
        let address = format!("address {source}");
        Self { who: who.unwrap_or_else(|| address.clone()), address }
    }

    /// Whether they have nothing but an address.
    pub fn is_address(&self) -> bool {
        self.who == self.address
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    /// Of one answer.
    pub output_tokens: u32,
    pub answers_at_once_per_person: u32,
    pub answers_at_once_per_address: u32,
    pub answers_at_once: u32,
    pub requests_a_minute_per_person: u32,
    pub requests_a_minute_per_address: u32,
    pub requests_a_minute: u32,
    /// In and out. Of paid models only.
    pub tokens_a_day_per_person: u64,
    pub tokens_a_day_per_address: u64,
    pub tokens_a_day: u64,
    /// Of the newest message.
    pub message_chars: u32,
    /// Of all messages.
    pub conversation_chars: u32,
    pub conversation_messages: u32,
}

/// Whose ceiling was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Person,
    Address,
}

/// Each says what to do.
#[derive(Debug, Error)]
pub enum ChatError {
    #[error("a conversation is one or more messages, of which the last is the user's and says something")]
    Conversation,
    #[error("a message has at most {0} characters; shorten it, or send it in parts")]
    MessageTooLong(u32),
    #[error("a conversation has at most {0} characters; begin a new one")]
    ConversationTooLong(u32),
    #[error("a conversation has at most {0} messages; begin a new one")]
    TooManyMessages(u32),
    #[error("there is no such model here; there are: {0}")]
    NoSuchModel(String),
    #[error("{} being written for {} already; {}", answers(*most), whose.words(), wait_or_stop(*most))]
    AtOnce { whose: Whose, most: u32 },
    #[error("as many answers are being written as the server writes at once; try again in a moment")]
    Full,
    #[error("{} asked more than {} a minute; try again in {} s", whose.have(), times(*most), seconds(*wait))]
    TooFast { whose: Whose, most: u32, wait: Duration },
    #[error("the server is asked more often than it answers; try again in {} s", seconds(*wait))]
    Crowded { wait: Duration },
    #[error("{} used all tokens of the day; there are new ones at midnight (UTC), in {}", whose.have(), hours(*wait))]
    Spent { whose: Whose, wait: Duration },
    #[error("all tokens of the day are used; there are new ones at midnight (UTC), in {}", hours(*wait))]
    AllSpent { wait: Duration },
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChatError {
    /// After how long it is worth asking again, where that is known.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            // An answer takes seconds; when one of them ends is not known.
            Self::AtOnce { .. } | Self::Full => Some(Duration::from_secs(5)),
            Self::TooFast { wait, .. }
            | Self::Crowded { wait }
            | Self::Spent { wait, .. }
            | Self::AllSpent { wait } => Some(*wait),
            Self::Model(ModelError::Busy { retry_after }) => *retry_after,
            _ => None,
        }
    }

    /// Whether it is nobody's own: we, or whoever answers for us, have no room.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full | Self::Crowded { .. } | Self::Model(ModelError::Busy { .. }))
    }
}

impl Whose {
    fn words(self) -> &'static str {
        match self {
            Self::Person => "you",
            Self::Address => "your network address",
        }
    }

    fn have(self) -> &'static str {
        match self {
            Self::Person => "you have",
            Self::Address => "people at your network address have",
        }
    }
}

fn answers(most: u32) -> String {
    if most == 1 { "an answer is".to_owned() } else { format!("{most} answers are") }
}

fn wait_or_stop(most: u32) -> &'static str {
    if most == 1 { "wait for its end, or stop it" } else { "wait for one to end, or stop one" }
}

fn times(most: u32) -> String {
    if most == 1 { "once".to_owned() } else { format!("{most} times") }
}

fn seconds(wait: Duration) -> u128 {
    wait.as_millis().div_ceil(1_000).max(1)
}

fn hours(wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(60).max(1);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_names_the_ceiling_and_the_way_out() {
        let wait = Duration::from_millis(7_201_500);
        let words = |error: ChatError| error.to_string();
        assert_eq!(
            words(ChatError::AtOnce { whose: Whose::Person, most: 3 }),
            "3 answers are being written for you already; wait for one to end, or stop one"
        );
        assert_eq!(
            words(ChatError::AtOnce { whose: Whose::Address, most: 1 }),
            "an answer is being written for your network address already; wait for its end, or stop it"
        );
        assert_eq!(
            words(ChatError::TooFast { whose: Whose::Address, most: 9, wait: Duration::from_millis(1_200) }),
            "people at your network address have asked more than 9 times a minute; try again in 2 s"
        );
        assert_eq!(
            words(ChatError::TooFast { whose: Whose::Person, most: 1, wait: Duration::from_secs(60) }),
            "you have asked more than once a minute; try again in 60 s"
        );
        assert_eq!(
            words(ChatError::Spent { whose: Whose::Person, wait }),
            "you have used all tokens of the day; there are new ones at midnight (UTC), in 2 h 1 min"
        );
        assert!(words(ChatError::AllSpent { wait: Duration::ZERO }).ends_with("in 1 min"));
    }
}
