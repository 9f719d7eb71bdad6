//! The one error that crosses the wire: what a person may be told, and where it shows.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `message` is written for people and holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct AppError {
    pub kind: ErrorKind,
    pub message: String,
    /// After so many seconds it may be tried again, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_s: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// What was sent cannot be accepted; mend it and send it again.
    Invalid,
    NotFound,
    /// Too fast or too much; the message says when to try again.
    Busy,
    /// Nobody's fault: there is no room now.
    Full,
    /// The request never arrived, or its answer did not. Trying again may help.
    Network,
    /// Our fault; the log knows more.
    Internal,
}

impl AppError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_s: None }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::new(ErrorKind::Network, "The server cannot be reached."),
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(ErrorKind::Invalid, "That is not something the server understands.")
            }
            _ => Self::new(ErrorKind::Internal, "Something went wrong on the server."),
        }
    }
}
