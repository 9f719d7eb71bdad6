//! A model whose answers the test writes, piece by piece.
#![allow(dead_code)] // Each of the test programs uses a part of it.

use std::sync::{Arc, Mutex};

use futures::{StreamExt, channel::mpsc, stream};
use tidemark::server::model::{Answer, Model, ModelError, Piece, Prompt, Stop};

#[derive(Debug, Default)]
pub struct Script {
    name: Option<&'static str>,
    asked: Mutex<Vec<(Prompt, Option<Pen>)>>,
    pub asked_once: tokio::sync::Notify,
}

/// Writes one answer. Who drops it cuts the answer off.
#[derive(Debug)]
pub struct Pen(mpsc::UnboundedSender<Result<Piece, ModelError>>);

impl Pen {
    pub fn write(&self, text: &str) {
        self.piece(Piece::Text(text.to_owned()));
    }

    pub fn piece(&self, piece: Piece) {
        self.0.unbounded_send(Ok(piece)).expect("somebody reads");
    }

    pub fn fail(self, error: ModelError) {
        self.0.unbounded_send(Err(error)).expect("somebody reads");
    }

    pub fn end(self) {
        self.piece(Piece::Stopped(Stop::Done));
    }

    /// Returns when nobody reads the answer any more.
    pub async fn is_let_go(&self) {
        let gone = async {
            while !self.0.is_closed() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.expect("the model is let go");
    }
}

impl Script {
    pub fn called(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name: Some(name), ..Self::default() })
    }

    /// The next answer that is asked for, and what was asked.
    pub async fn next(self: &Arc<Self>) -> (Prompt, Pen) {
        let next = async {
            loop {
                let asked = self.asked_once.notified();
                let taken = {
                    let mut all = self.asked.lock().expect("unpoisoned");
                    let next = all.iter_mut().find(|(_, pen)| pen.is_some());
                    next.and_then(|(prompt, pen)| Some((prompt.clone(), pen.take()?)))
                };
                match taken {
                    Some(taken) => return taken,
                    None => asked.await,
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(5), next).await.expect("the model is asked")
    }

    pub fn times_asked(&self) -> usize {
        self.asked.lock().expect("unpoisoned").len()
    }
}

impl Model for Script {
    fn name(&self) -> &str {
        self.name.unwrap_or("script")
    }

    fn is_paid(&self) -> bool {
        true
    }

    fn takes_tools(&self) -> bool {
        true
    }

    fn window(&self) -> u32 {
        100_000
    }

    fn answer(&self, prompt: Prompt) -> Answer {
        let (pen, pieces) = mpsc::unbounded();
        self.asked.lock().expect("unpoisoned").push((prompt, Some(Pen(pen))));
        self.asked_once.notify_waiters();
        Box::pin(stream::iter([]).chain(pieces))
    }
}
