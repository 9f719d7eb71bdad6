//! The body of an answer: hyper asks for bytes when the socket takes them, and gets all words that have come meanwhile in one
//! write. Little is read from the provider before they are taken, so the slower of the two decides.

use std::{
    convert::Infallible,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture};
use http_body::{Body, Frame};
use serde::Serialize;
use tokio::time::{Instant, Sleep};

use super::code;
use crate::server::{
    connections::Connections,
    features::chat::Written,
    model::{ModelError, Piece, Stop},
};

/// The first word is written at once, and from then on at most so often: 25 times a second is as fast as eyes read, and
/// models are faster. Each write costs more than all else that is done for a word.
const PACE: Duration = Duration::from_millis(40);

/// So many bytes do not wait.
const WAITING_BYTES: usize = 16 * 1024;

pub struct AnswerBody {
    /// What came before there was a body.
    first: Option<Result<Piece, ModelError>>,
    written: Written,
    drained: BoxFuture<'static, ()>,
    told: Told,
    /// What is to be written.
    events: Vec<u8>,
    /// Nothing is written earlier.
    next: Instant,
    heartbeat: Duration,
    timer: Pin<Box<Sleep>>,
}

/// How far the reader knows.
#[derive(PartialEq)]
enum Told {
    Part,
    /// All, and the provider's response is read to its end: its connection can then be used again.
    All,
    Over,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Event<'a> {
    Text(&'a str),
    Stopped(&'a str),
    Error { code: &'a str, message: &'a str },
}

impl AnswerBody {
    pub fn new(
        first: Result<Piece, ModelError>,
        written: Written,
        connections: Arc<Connections>,
        heartbeat: Duration,
    ) -> Self {
        Self {
            first: Some(first),
            written,
            drained: Box::pin(async move { connections.drained().await }),
            told: Told::Part,
            events: Vec::new(),
            next: Instant::now(),
            heartbeat,
            timer: Box::pin(tokio::time::sleep(heartbeat)),
        }
    }

    /// Takes what has come.
    fn read(&mut self, context: &mut Context<'_>) {
        while self.told == Told::Part && self.events.len() < WAITING_BYTES {
            let piece = match self.first.take() {
                Some(piece) => Poll::Ready(Some(piece)),
                None => self.written.poll_next_unpin(context),
            };
            match piece {
                Poll::Ready(Some(Ok(piece))) => self.hand_on(piece),
                Poll::Ready(Some(Err(error))) => {
                    let message = &error.to_string();
                    self.tell(&Event::Error { code: code(&error), message });
                    self.end();
                }
                Poll::Ready(None) => self.end(),
                Poll::Pending if self.told == Told::Part && self.drained.as_mut().poll(context).is_ready() => {
                    let message = "the server is going away before the answer is complete; ask again";
                    self.tell(&Event::Error { code: "going-away", message });
                    self.end();
                    // The provider has more to say, which nobody waits for.
                    self.told = Told::Over;
                }
                Poll::Pending => break,
            }
        }
    }

    fn hand_on(&mut self, piece: Piece) {
        match piece {
            Piece::Text(text) => self.tell(&Event::Text(&text)),
            // The article's reader knows texts only.
            Piece::Thinking(_) | Piece::Signature(_) | Piece::Call(_) | Piece::Usage(_) => {}
            Piece::Stopped(stop) => {
                match stop {
                    Stop::Done | Stop::Tools => {}
                    Stop::TooLong => self.tell(&Event::Stopped("too-long")),
                    Stop::Refused => self.tell(&Event::Stopped("refused")),
                }
                self.end();
            }
        }
    }

    fn tell(&mut self, event: &Event<'_>) {
        self.events.extend_from_slice(b"data: ");
        // Texts are always JSON, and memory takes whatever is written to it.
        let _ = serde_json::to_writer(&mut self.events, event);
        self.events.extend_from_slice(b"\n\n");
    }

    fn end(&mut self) {
        self.events.extend_from_slice(b"data: [DONE]\n\n");
        self.told = Told::All;
    }

    fn write(&mut self, now: Instant) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.next = now + PACE;
        Poll::Ready(Some(Ok(Frame::data(mem::take(&mut self.events).into()))))
    }

    /// Ready at this time, or earlier: moving the timer costs more than looking once too often.
    fn wait(&mut self, context: &mut Context<'_>, until: Instant) -> Poll<()> {
        if self.timer.is_elapsed() || self.timer.deadline() > until {
            self.timer.as_mut().reset(until);
        }
        self.timer.as_mut().poll(context)
    }

    /// What the provider sends after the end.
    fn leave(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.told == Told::All {
            if ready!(self.written.poll_next_unpin(context)).is_none() {
                self.told = Told::Over;
            }
        }
        Poll::Ready(())
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            this.read(context);
            let (now, nothing) = (Instant::now(), this.events.is_empty());
            if nothing && this.told != Told::Part {
                ready!(this.leave(context));
                return Poll::Ready(None);
            }
            let due = now >= this.next || this.told != Told::Part || this.events.len() >= WAITING_BYTES;
            if !nothing && due {
                return this.write(now);
            }
            if now >= this.next + this.heartbeat {
                // A comment, so that proxies do not take a thinking model for a dead one.
                this.events.extend_from_slice(b": heartbeat\n\n");
                return this.write(now);
            }
            let until = if now < this.next { this.next } else { this.next + this.heartbeat };
            ready!(this.wait(context, until));
        }
    }
}
