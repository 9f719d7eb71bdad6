//! Durable work in the background. A job is a row and a topic, written together; what is here does them: `queue.rs` is what
//! may happen to a row, `runner.rs` runs them, and each kind of job is a file of its own.
//!
//! At least once: a job whose process died is begun again by another, so every kind can be begun again. Who may ask for
//! one, and who is told of its end, is said in `features/jobs.rs`.
//!
//! **A new kind of job** is a file that implements [`Kind`], and a line in [`KINDS`].

mod digest;
mod export;
mod history;
pub mod queue;
mod runner;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::watch;

pub use digest::{Digest, Speaker};
pub use queue::Room;
pub use runner::{Jobs, Rules, Settings};

use super::store::{Store, StoreError, jobs::Owner};
use crate::wire::Topic;

/// Every kind of job there is.
pub const KINDS: &[&dyn Kind] = &[&export::Export, &digest::DigestOfRoom];

/// A kind of job: what its input has to be, and how it is done.
pub trait Kind: Sync + fmt::Debug {
    /// What it is called on the wire.
    fn name(&self) -> &'static str;

    /// Looks at an input before the job is taken on.
    ///
    /// # Errors
    /// Names the field that is wrong.
    fn check(&self, input: &Value) -> Result<Checked, InputError>;

    /// What an input in order asks for, for people. `about` is what the thing is called that it is about.
    fn title(&self, input: &Value, about: &str) -> String;

    /// Does it. Dropping the future stops it; whatever it has written until then is its own to overwrite, because it may
    /// be begun again from the start, in another process too.
    fn run<'r>(&'r self, run: &'r Run) -> BoxFuture<'r, Result<Made, Failure>>;

    /// After so long it is taken for stuck.
    fn timeout(&self) -> Duration {
        Duration::from_secs(10 * 60)
    }
}

/// An input that is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// As it is stored: complete, defaults filled in.
    pub input: Value,
    /// What whoever asks has to be allowed to read, when it is asked for and when it begins, and the field that says so.
    pub reads: Vec<(Topic, &'static str)>,
}

/// Why an input is not in order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {words}")]
pub struct InputError {
    /// `kind`, or the path of a field: `input.format`.
    pub field: String,
    pub words: String,
}

/// What a language model makes of what was said in a room, for the owner of a job. Nothing where there is none, or where it
/// does not want to, or may not: a job is none the worse for that. `features/summaries.rs` does it.
pub type Summarise = Arc<dyn Fn(Owner, Said) -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// What was said in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub title: String,
    /// Who and what, oldest first.
    pub lines: Vec<String>,
}

/// A job being done.
pub struct Run {
    pub store: Store,
    pub id: String,
    pub input: Value,
    /// This run's own name.
    pub name: String,
    /// A file of this run alone, which becomes the result.
    pub file: PathBuf,
    summarise: Summarise,
    owner: Owner,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub percent: u8,
    pub doing: String,
}

/// What came of a job; stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Made {
    /// [`Run::file`], to be downloaded under this name. `run` is the run that made it: see [`Jobs::file`].
    File { name: String, media_type: String, bytes: u64, run: String },
    /// Something to look at.
    Digest(Box<Digest>),
}

#[derive(Debug, Error)]
pub enum Failure {
    /// It may succeed another time.
    #[error("The server could not reach its data.")]
    Store(#[from] StoreError),
    #[error("The file could not be written.")]
    File(#[from] std::io::Error),
    /// It cannot succeed.
    #[error("{0}")]
    Final(String),
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Run {
    /// In a language model's words, at the expense of whoever owns the job.
    pub async fn summarise(&self, said: Said) -> Option<String> {
        (self.summarise)(self.owner.clone(), said).await
    }

    /// Says how far it is: `done` of `total`, and what it is doing. Cheap: what is stored of it is stored now and then.
    pub fn tell(&self, done: u64, total: u64, doing: &str) {
        // Complete is what is complete.
        let percent = (done * 100 / total.max(1)).min(99) as u8;
        self.progress.send_if_modified(|progress| {
            let new = Progress { percent, doing: doing.to_owned() };
            let changed = *progress != new;
            *progress = new;
            changed
        });
    }
}

impl Made {
    /// Of its file.
    fn bytes(&self) -> u64 {
        match self {
            Self::File { bytes, .. } => *bytes,
            Self::Digest(_) => 0,
        }
    }
}

impl Failure {
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Final(_))
    }
}

impl InputError {
    pub fn new(field: impl Into<String>, words: impl Into<String>) -> Self {
        Self { field: field.into(), words: words.into() }
    }
}
