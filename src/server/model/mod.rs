//! Language models, behind one port: a prompt goes in, pieces of an answer come out as they are made. Anthropic's Messages
//! API, any server that speaks OpenAI's, and the offline guide, which is search and says so.
//!
//! What is generated for whom, and how much of it, is `features/chat/`'s business. Dropping the stream of an answer stops
//! the provider's work.

mod answering;
mod anthropic;
pub mod documents;
#[cfg(test)]
mod fuzz;
pub mod guide;
mod models;
mod openai;
mod passages;
mod patterns;
mod sse;
mod tidying;
mod turn;
mod upstream;

use std::{fmt, time::Duration};

use futures::stream::BoxStream;
use thiserror::Error;

pub use guide::{ADD_A_MODEL, Guide};
pub use models::{Models, Provider, set_up};
pub use passages::{Library, without_secrets};
pub use tidying::{fitting, paired, tokens_of, tokens_of_turn, without_tools};
pub use turn::{Call, CallResult, Part, Role, Tool, Turn, messages_in};
pub use upstream::Patience;

/// What a model is asked. The last turn is the user's: current models refuse an answer that is begun for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// Nothing if there is none.
    pub system: String,
    pub turns: Vec<Turn>,
    /// What it may ask for. Without any, no turn has calls or results.
    pub tools: Vec<Tool>,
    /// An answer is at most this long.
    pub max_tokens: u32,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Text(String),
    /// What the model thinks before it answers.
    Thinking(String),
    /// The end of a thought: the mark it has to be sent back with.
    Signature(String),
    /// Whole: its input is complete.
    Call(Call),
    /// So far, as the provider counts: each replaces the one before.
    Usage(Usage),
    /// The last of an answer.
    Stopped(Stop),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: u32,
    pub output_tokens: u32,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Done,
    /// It is longer than it may be.
    TooLong,
    Refused,
    /// It waits for the results of its calls, of which there is at least one.
    Tools,
}

/// What a person may be told; details are in the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    #[error("the model is overloaded; try again in a moment")]
    Busy { retry_after: Option<Duration> },
    #[error("the model did not answer in time")]
    Silent,
    #[error("the model cannot be reached")]
    Unreachable,
    #[error("the model's provider refused the question: {0}")]
    Refused(&'static str),
    #[error("the answer broke off")]
    Broken,
}

/// It ends after the first error, or soon after `Stopped`: whoever reads on until there is nothing more lets the connection to
/// the provider be used again.
pub type Answer = BoxStream<'static, Result<Piece, ModelError>>;

/// A language model, or what stands in for one.
pub trait Model: Send + Sync + fmt::Debug {
    /// What it is called, for people and in requests.
    fn name(&self) -> &str;

    /// Whether its answers cost money.
    fn is_paid(&self) -> bool;

    /// Whether it may be given tools. Some models behind it may refuse them all the same.
    fn takes_tools(&self) -> bool;

    /// How many tokens it reads and writes together.
    fn window(&self) -> u32;

    /// Begins an answer. Nothing is asked before the stream is polled; errors before the first piece may have been tried
    /// again, those after it are not.
    fn answer(&self, prompt: Prompt) -> Answer;
}
