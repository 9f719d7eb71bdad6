//! A run as a UI message stream: a cursor on its topic, from its beginning. The reader may leave: the run goes on.

use std::{collections::VecDeque, future::poll_fn, sync::Arc, task::Poll, time::Duration};

use axum::body::Bytes;
use futures::{Stream, stream};

use super::Frames;
use crate::{
    server::{
        features::{
            conversations::Watched,
            runs::{Running, Seen},
        },
        topics::{Access, Cursor, From, Mailbox, Read, Topics},
    },
    wire::assistant::{RunEvent, RunEventKind},
};

/// One write takes so much, in bytes.
const WRITE_BYTES: usize = 64 * 1024;

struct Reading {
    topics: Arc<Topics>,
    access: Option<Access>,
    frames: Frames,
    cursor: Cursor,
    mailbox: Arc<Mailbox>,
    running: Arc<Running>,
    /// So often a silent stream says that it is there.
    heartbeat: Duration,
    ready: VecDeque<Bytes>,
    ended: bool,
}

/// All of the answer from its first word on, until it ends.
pub fn of(
    topics: &Arc<Topics>,
    watched: Watched,
    access: Option<Access>,
    heartbeat: Duration,
) -> impl Stream<Item = Bytes> + Send + use<> {
    let Watched { message, running } = watched;
    let (topics, mailbox, frames) = (topics.clone(), Arc::<Mailbox>::default(), Frames::default());
    let cursor = topics.subscribe(running.topic(), From::Now, &mailbox, 0, 0);
    let ready = VecDeque::from([frames.start(&message).into()]);
    let mut reading = Reading { topics, access, frames, cursor, mailbox, running, heartbeat, ready, ended: false };
    reading.catch_up();
    stream::unfold(reading, |mut reading| async move {
        while reading.ready.is_empty() {
            if reading.ended {
                return None;
            }
            reading.read().await;
        }
        reading.ready.pop_front().map(|bytes| (bytes, reading))
    })
}

impl Reading {
    async fn read(&mut self) {
        match self.cursor.read(WRITE_BYTES, 0) {
            Read::UpToDate | Read::NotYet => {
                let marked = poll_fn(|context| {
                    self.mailbox.register(context.waker());
                    if self.mailbox.take() == 0 { Poll::Pending } else { Poll::Ready(()) }
                });
                if tokio::time::timeout(self.heartbeat, marked).await.is_err() {
                    self.ready.push_back(Bytes::from_static(b": heartbeat\n\n"));
                }
            }
            Read::Events(batch) => {
                let mut frames = String::new();
                for entry in batch.entries {
                    let Ok(event) = serde_json::from_slice::<RunEvent>(&entry.payload) else { continue };
                    frames.push_str(&self.frames.event(&event));
                    self.ended |= event.kind == RunEventKind::RunEnded;
                }
                self.ready.extend((!frames.is_empty()).then(|| frames.into()));
            }
            // It read more slowly than the answer was written.
            Read::Reset(_) => self.catch_up(),
            Read::Revoked | Read::Lost => self.ended = true,
        }
    }

    /// Takes what is missing from the run itself, and reads on from where that is true.
    fn catch_up(&mut self) {
        let Seen { parts, end, position } = self.running.seen();
        let mut frames = self.frames.catch_up(&parts);
        if let Some(end) = end {
            frames.push_str(&self.frames.event(&end));
            self.ended = true;
        }
        self.ready.extend((!frames.is_empty()).then(|| frames.into()));
        let cursor = self.topics.subscribe(self.running.topic(), From::After(position), &self.mailbox, 0, 0);
        self.cursor = match &self.access {
            Some(access) => cursor.with_access(access.clone()),
            None => cursor,
        };
    }
}
