//! What the features' errors look like to people. A store's error is logged here, and its words stay here.

use std::time::Duration;

use super::{
    features::{
        chat::ChatError, conversations::ConversationError, jobs::JobError, keys::KeyError, people::NameError,
        rooms::RoomError, sign_in::SignInError,
    },
    store::StoreError,
};
use crate::error::{AppError, ErrorKind};

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::Full => Self::new(ErrorKind::Internal, "The server's disk is full. Nothing was changed."),
            _ => Self::new(ErrorKind::Internal, "The server cannot reach its data. Try again in a moment."),
        }
    }
}

impl From<NameError> for AppError {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Store(error) => error.into(),
            error => Self::new(ErrorKind::Invalid, sentence(&error)),
        }
    }
}

impl From<KeyError> for AppError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            error @ KeyError::Unknown => Self::new(ErrorKind::NotFound, sentence(&error)),
            error => Self::new(ErrorKind::Invalid, sentence(&error)),
        }
    }
}

impl From<SignInError> for AppError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Store(error) => error.into(),
            error @ SignInError::TooMany(_) => Self::new(ErrorKind::Busy, sentence(&error)),
            error @ SignInError::Mail => Self::new(ErrorKind::Internal, sentence(&error)),
            error => Self::new(ErrorKind::Invalid, sentence(&error)),
        }
    }
}

impl From<JobError> for AppError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(error) => error.into(),
            error @ (JobError::Unknown | JobError::Malformed) => Self::new(ErrorKind::NotFound, sentence(&error)),
            error @ JobError::TooMany(_) => Self::new(ErrorKind::Busy, sentence(&error)),
            JobError::Input(error) => Self::new(ErrorKind::Invalid, sentence(&error.words)),
            error => Self::new(ErrorKind::Invalid, sentence(&error)),
        }
    }
}

impl From<RoomError> for AppError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Store(error) => error.into(),
            error @ (RoomError::Unknown | RoomError::Message) => Self::new(ErrorKind::NotFound, sentence(&error)),
            error => Self::new(ErrorKind::Invalid, sentence(&error)),
        }
    }
}

impl From<ConversationError> for AppError {
    fn from(error: ConversationError) -> Self {
        match error {
            ConversationError::Store(error) | ConversationError::Chat(ChatError::Store(error)) => error.into(),
            error @ (ConversationError::Unknown
            | ConversationError::Deleted
            | ConversationError::Malformed
            | ConversationError::Message) => Self::new(ErrorKind::NotFound, sentence(&error)),
            // What was typed has to be another; of everything else there is only too much now.
            ConversationError::Chat(
                error @ (ChatError::Conversation
                | ChatError::NoSuchModel(_)
                | ChatError::MessageTooLong(_)
                | ChatError::ConversationTooLong(_)
                | ChatError::TooManyMessages(_)),
            ) => Self::new(ErrorKind::Invalid, sentence(&error)),
            ConversationError::Chat(error) => {
                let kind = if error.is_full() { ErrorKind::Full } else { ErrorKind::Busy };
                let seconds =
                    |wait: Duration| u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1);
                Self { retry_s: error.wait().map(seconds), ..Self::new(kind, sentence(&error)) }
            }
            error @ (ConversationError::Busy | ConversationError::TooMany) => {
                Self::new(ErrorKind::Busy, sentence(&error))
            }
            error => Self::new(ErrorKind::Invalid, sentence(&error)),
        }
    }
}

fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
