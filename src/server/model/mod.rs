//! Language models, behind one port: a prompt goes in, pieces of an answer come out as they are made. Anthropic's Messages
//! API, any server that speaks OpenAI's, and, where neither is set up, the offline guide, which is search and says so.
//!
//! What is generated for whom, and how much of it, is `features/chat.rs`'s business. Dropping the stream of an answer stops
//! the provider's work.

mod anthropic;
mod guide;
mod openai;
mod upstream;

use std::{fmt, sync::Arc, time::Duration};

use futures::stream::BoxStream;
use thiserror::Error;

pub use guide::{Guide, Passage};

/// Who said something in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub role: Role,
    pub text: String,
}

/// What a model is asked. The last turn is the user's: current models refuse an answer that is begun for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing if there is none.
    pub system: String,
    pub turns: Vec<Turn>,
    /// An answer is at most this long.
    pub max_tokens: u32,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// What the model thinks before it answers.
    Thinking(String),
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
    Refused(String),
    #[error("the answer broke off")]
    Broken,
}

pub type Answer = BoxStream<'static, Result<Piece, ModelError>>;

/// A language model, or what stands in for one.
pub trait Model: Send + Sync + fmt::Debug {
    /// What it is called, for people.
    fn name(&self) -> &str;

    /// Whether its answers cost money.
    fn is_paid(&self) -> bool;

    /// Begins an answer. Nothing is asked before the stream is polled; errors before the first piece may have been tried
    /// again, those after it are not.
    fn answer(&self, prompt: Prompt) -> Answer;
}

/// Which model, from the configuration.
#[derive(Clone, PartialEq, Eq)]
pub enum Choice {
    Guide,
    Anthropic {
        key: String,
        model: String,
        base_url: String,
        version: String,
    },
    /// Ollama, vLLM, llama.cpp, OpenRouter and others take the same requests. Some need no key.
    OpenAi {
        key: String,
        model: String,
        base_url: String,
    },
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys are secrets.
        f.write_str(match self {
            Self::Guide => "Guide",
            Self::Anthropic { .. } => "Anthropic",
            Self::OpenAi { .. } => "OpenAi",
        })
    }
}

/// # Errors
/// If no HTTP client can be made here: no certificates, for instance.
pub fn choose(choice: Choice, patience: Patience) -> Result<Arc<dyn Model>, reqwest::Error> {
    // One of the two libraries that rustls can count with; the mailer brings the same. Set already: all the better.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(match choice {
        Choice::Guide => Arc::new(Guide::embedded()),
        Choice::Anthropic { key, model, base_url, version } => Arc::new(anthropic::Anthropic {
            upstream: upstream::Upstream::new(patience)?,
            key,
            model,
            base_url,
            version,
        }),
        Choice::OpenAi { key, model, base_url } => {
            Arc::new(openai::OpenAi { upstream: upstream::Upstream::new(patience)?, key, model, base_url })
        }
    })
}

/// How long a provider is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    /// Until the first piece.
    pub first: Duration,
    /// Between two pieces.
    pub silence: Duration,
    /// How often a question is asked again that was not answered at all.
    pub retries: u32,
    /// The first pause before that; each further one is twice as long. A random part of it is waited.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first: Duration::from_secs(120),
            silence: Duration::from_secs(60),
            retries: 2,
            pause: Duration::from_millis(500),
        }
    }
}

/// An answer's stream with an end that is always told: one that just stops has broken off.
fn ended(pieces: impl futures::Stream<Item = Result<Piece, ModelError>> + Send + 'static) -> Answer {
    use futures::{StreamExt, stream};
    let pieces = pieces.map(Some).chain(stream::iter([None]));
    let mut over = false;
    Box::pin(pieces.filter_map(move |piece| {
        let told = match piece {
            _ if over => None,
            Some(piece) => {
                over = matches!(piece, Err(_) | Ok(Piece::Stopped(_)));
                Some(piece)
            }
            None => Some(Err(ModelError::Broken)),
        };
        std::future::ready(told)
    }))
}
