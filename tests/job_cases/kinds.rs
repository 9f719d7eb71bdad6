//! Kinds of jobs that do what a test needs: wait, fail, panic.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::future::BoxFuture;
use serde_json::Value;
use tidemark::{
    server::jobs::{Checked, Failure, InputError, Kind, Made, Run},
    wire::{Topic, topic::Segment},
};

/// How often a job of these kinds was begun, over all tests of a kind of its own.
#[derive(Debug)]
pub struct Counted {
    name: &'static str,
    begun: AtomicU32,
    does: Does,
}

#[derive(Debug)]
pub enum Does {
    Wait,
    Fail,
    Panic,
    FailForGood,
    /// Waits longer than it may.
    Dawdle,
    /// Reads the room that it is about, and makes a file.
    Write,
}

impl Counted {
    pub const fn new(name: &'static str, does: Does) -> Self {
        Self { name, begun: AtomicU32::new(0), does }
    }

    pub fn begun(&self) -> u32 {
        self.begun.load(Ordering::SeqCst)
    }
}

impl Kind for Counted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&self, input: &Value) -> Result<Checked, InputError> {
        let room = input.get("room").and_then(Value::as_str).map(|room| Segment::new(room).expect("a room"));
        let reads = room.map(|room| (Topic::Room { room }, "input.room"));
        Ok(Checked { input: input.clone(), reads: reads.into_iter().collect() })
    }

    fn title(&self, _: &Value, _: &str) -> String {
        format!("Something that is called {}", self.name)
    }

    fn run<'r>(&'r self, run: &'r Run) -> BoxFuture<'r, Result<Made, Failure>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            run.tell(1, 2, "Halfway");
            match self.does {
                Does::Wait | Does::Dawdle => std::future::pending().await,
                Does::Fail => Err(Failure::File(std::io::Error::other("no luck"))),
                Does::FailForGood => Err(Failure::Final("It cannot be done".into())),
                Does::Panic => panic!("on purpose"),
                Does::Write => {
                    tokio::fs::write(&run.file, "made").await?;
                    Ok(Made::File {
                        name: "made \"é\".txt".into(),
                        media_type: "text/plain".into(),
                        bytes: 4,
                        run: run.name.clone(),
                    })
                }
            }
        })
    }

    fn timeout(&self) -> Duration {
        match self.does {
            Does::Dawdle => Duration::from_millis(50),
            _ => Duration::from_secs(60),
        }
    }
}
