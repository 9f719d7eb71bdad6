//! Answers being written. A run belongs to the server: whoever watches it reads its topic, and nobody has to. What is
//! written is told at once, stored about once a second, and stored whole when it ends.
//!
//! `keep.rs` is where an answer is kept, `running.rs` what one watches. `writer.rs` writes one, from its beginning to its end:
//! `rounds.rs` asks the model, `calls.rs` uses the tools that it asks for.

mod calls;
mod keep;
mod rounds;
mod running;
mod writer;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    answer::{Answer, Kept},
    chat::Admission,
};
use crate::{
    server::{model::Turn, tools::Toolbox, topics::Topics},
    wire::{Position, Topic, assistant::Cost, topic::Segment},
};
use running::Written;

pub use keep::{Ended, Go, Keep, LEASE_MS};
pub use running::{Running, Seen};

/// An answer to be written.
#[derive(Debug)]
pub struct Begin {
    pub id: Segment,
    /// What is there of it already, and what that has cost.
    pub earlier: Vec<Kept>,
    pub spent: Cost,
    /// What it answers: ends with a person's turn.
    pub turns: Vec<Turn>,
    pub admission: Admission,
    pub tools: Toolbox,
    pub keep: Arc<dyn Keep>,
    /// Where all of it is one text, as in a room: what that begins with.
    pub whole: Option<String>,
}

/// A name that no other run has.
pub fn new_run() -> Segment {
    // Hexadecimal digits are a segment.
    Segment::new(&format!("{:032x}", rand::random::<u128>())).unwrap_or_else(|_| unreachable!("digits"))
}

#[derive(Debug)]
pub struct Runs {
    topics: Arc<Topics>,
    tasks: TaskTracker,
    running: Mutex<HashMap<String, Arc<Running>>>,
    /// The process is about to end.
    interrupted: CancellationToken,
}

impl Runs {
    pub fn new(topics: Arc<Topics>) -> Arc<Self> {
        Arc::new(Self {
            topics,
            tasks: TaskTracker::new(),
            running: Mutex::default(),
            interrupted: CancellationToken::new(),
        })
    }

    /// Begins to write, and returns what one may watch.
    pub fn begin(self: &Arc<Self>, begin: Begin) -> Arc<Running> {
        let topic = Topic::Run { id: begin.id.clone() };
        let hold = self.topics.hold(&topic);
        let position = self.topics.head(&topic);
        let answer = match &begin.whole {
            Some(before) => Answer::whole(before),
            None => Answer::begun(begin.earlier.clone()),
        };
        let stop = CancellationToken::new();
        let written = Mutex::new(Written { answer, position, end: None });
        let running = Arc::new(Running { topics: self.topics.clone(), topic, written, stop, _hold: hold });
        self.lock().insert(begin.id.to_string(), running.clone());
        let (runs, writing) = (self.clone(), running.clone());
        let keep = begin.keep.clone();
        self.tasks.spawn(async move {
            runs.write(begin, &writing).await;
            keep.after().await;
        });
        running
    }

    /// Whether the process is about to end: then nothing should be begun.
    pub fn is_closing(&self) -> bool {
        self.tasks.is_closed()
    }

    /// Sees something through to its end, even where whoever asked for it leaves: a handler is dropped with its connection.
    /// Nothing if it panicked.
    pub async fn see_through<R: Send + 'static>(&self, work: impl Future<Output = R> + Send + 'static) -> Option<R> {
        self.tasks.spawn(work).await.ok()
    }

    /// Where the topic of a run stands that has not begun.
    pub fn head(&self, id: &Segment) -> Position {
        self.topics.head(&Topic::Run { id: id.clone() })
    }

    /// The answer of this run, if this process writes it.
    pub fn find(&self, id: &str) -> Option<Arc<Running>> {
        self.lock().get(id).cloned()
    }

    /// Stops a run of this process, and the provider's work with it.
    pub fn stop(&self, id: &str) -> bool {
        self.find(id).map(|running| running.stop.cancel()).is_some()
    }

    /// Gives what is being written so long to end, then interrupts it. Returns when all of it is stored.
    pub async fn close(&self, grace: Duration) {
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            self.interrupted.cancel();
            self.tasks.wait().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
