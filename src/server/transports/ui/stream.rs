//! A run as a UI message stream: a cursor on its topic, from its beginning. The reader may leave: the run goes on.

use std::{collections::VecDeque, future::poll_fn, sync::Arc, task::Poll, time::Duration};

use axum::body::Bytes;
use futures::{Stream, stream};

use super::Frames;
use crate::{
    server::{
        features::{conversations::Watched, runs::Running},
        topics::{Access, Cursor, From, Mailbox, Read, Topics},
    },
    wire::assistant::{RunEvent, RunEventKind},
};

/// One write takes so much, in bytes.
const WRITE_BYTES: usize = 64 * 1024;

struct Reading {
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
    let mut frames = Frames::default();
    // What is there, and the position at which that is true.
    let (parts, position) = running.parts();
    let begun = [frames.start(&message), frames.catch_up(&parts)].concat();
    let mailbox = Arc::<Mailbox>::default();
    let cursor = topics.subscribe(running.topic(), From::After(position), &mailbox, 0, 0);
    let cursor = match access {
        Some(access) => cursor.with_access(access),
        None => cursor,
    };
    let ready = VecDeque::from([begun.into()]);
    let reading = Reading { frames, cursor, mailbox, running, heartbeat, ready, ended: false };
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
            // It read more slowly than the answer was written. What is missing is in the run itself.
            Read::Reset(_) => {
                let frames = self.frames.catch_up(&self.running.parts().0);
                self.ready.extend((!frames.is_empty()).then(|| frames.into()));
            }
            Read::Revoked | Read::Lost => self.ended = true,
        }
    }
}
