//! The fake of a language model's provider for tests in Rust: on a port of its own, asked over one of its wires. What it
//! does is chosen by markers in the question (see `fake_model.rs`), or, where there are none, by what the test says.
#![allow(dead_code)] // Each of the test programs uses a part of it.

mod anthropic;
mod openai;
mod script;
mod serve;
mod wire;
mod words;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use serve::Shared;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Anthropic,
    OpenAi,
}

/// What it does where a question has no marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// The text of [`ANSWER`], in pieces that end inside of characters, after a thought; it counts 9 tokens in and 12 out.
    Answer,
    BusyTwice,
    Busy,
    BreakInTheMiddle,
    Refuse,
    KeyIsWrong,
    SayNothing,
    Garbage,
    EndAtOnce,
    FallSilent,
    /// "on on on …"
    Endless,
    /// As the program does: quotes the question.
    Quote,
}

pub const ANSWER: &str = "Guten Morgen ☀️, 世界";

pub struct Provider {
    pub kind: Kind,
    pub url: String,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Does {
    fn markers(self) -> String {
        let answer = format!("[say {ANSWER}][split][think][usage 9 12]");
        let first = match self {
            Self::Quote => return String::new(),
            Self::Answer => "",
            Self::BusyTwice => "[429]",
            Self::Busy => "[529]",
            Self::BreakInTheMiddle => "[cut]",
            Self::Refuse => "[400]",
            Self::KeyIsWrong => "[401]",
            Self::SayNothing => "[silence]",
            Self::Garbage => "[garbage]",
            Self::EndAtOnce => "[nothing]",
            Self::FallSilent => "[silence-mid]",
            Self::Endless => return "[endless][usage 9 12]".to_owned(),
        };
        first.to_owned() + &answer
    }
}

impl Provider {
    pub async fn new(kind: Kind, does: Does) -> Self {
        let shared = Shared::new(does.markers());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stop = CancellationToken::new();
        let (service, stopped) = (serve::service(shared.clone()), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, service).into_future() => served.expect("served"),
                () = stopped.cancelled() => {}
            }
        });
        Self { kind, url, shared, stop }
    }

    /// The bodies of what it was asked.
    pub fn requests(&self) -> Vec<Value> {
        self.shared.recorded().into_iter().map(|request| request.body).collect()
    }

    /// Over how many connections it was asked.
    pub fn connections(&self) -> usize {
        self.shared.recorded().iter().map(|request| request.peer).collect::<BTreeSet<_>>().len()
    }

    /// How many answers are being read.
    pub fn open(&self) -> usize {
        self.shared.open()
    }

    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until nobody reads an answer any more.
    pub async fn all_are_gone(&self) {
        let gone = async {
            while self.open() > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("they stop");
    }
}
