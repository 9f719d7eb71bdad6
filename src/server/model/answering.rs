//! An answer that is being read from a provider: asked for, its events read with patience, its pieces handed on one by one.
//! What the events mean is each provider's `Reading`.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use reqwest::Response;
use tokio::time::{Instant, Sleep};

use super::{ModelError, Patience, Piece, Stop, sse::Events};

/// After the last piece the end of the provider's response is waited for so long: then the connection is free for the next
/// question, and need not be made anew.
const FAREWELL: Duration = Duration::from_millis(250);

/// Reads the events of one answer. Pure.
pub trait Reading: Send + Unpin + 'static {
    /// Reads an event, and adds the pieces that it is. What was added before an error counts.
    fn read(&mut self, data: &str, pieces: &mut VecDeque<Piece>) -> Result<(), ModelError>;

    /// No more events come, and the end was not told. If the answer is whole all the same: why it ended.
    fn end(&self) -> Option<Stop>;
}

pub struct Answering<R> {
    reading: R,
    events: Events,
    pieces: VecDeque<Piece>,
    state: State,
    /// What ends it once the pieces are handed out.
    error: Option<ModelError>,
    patience: Patience,
    /// So many bytes of events are read yet.
    bytes: usize,
}

enum State {
    Asking(BoxFuture<'static, Result<Response, ModelError>>),
    Reading(Body),
    /// All was said.
    Leaving(Body),
    Over,
}

impl<R: Reading> Answering<R> {
    pub fn new(
        asking: BoxFuture<'static, Result<Response, ModelError>>,
        reading: R,
        patience: Patience,
        bytes: usize,
    ) -> Self {
        let state = State::Asking(asking);
        Self { reading, events: Events::default(), pieces: VecDeque::new(), state, error: None, patience, bytes }
    }

    fn poll_state(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            State::Asking(asking) => match ready!(asking.poll_unpin(context)) {
                Ok(response) => self.state = State::Reading(Body::new(response, self.patience.first)),
                Err(error) => self.error = Some(error),
            },
            State::Reading(body) => match ready!(body.poll(context)) {
                Some(Ok(bytes)) => {
                    body.heard(&self.patience);
                    self.error = self.events.push(&bytes).err().map(|_| ModelError::Broken);
                }
                Some(Err(error)) => self.error = Some(error),
                None => match self.reading.end() {
                    Some(stop) => {
                        self.pieces.push_back(Piece::Stopped(stop));
                        self.state = State::Over;
                    }
                    None => self.error = Some(ModelError::Broken),
                },
            },
            State::Leaving(body) => match ready!(body.poll(context)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => self.state = State::Over,
            },
            State::Over => {}
        }
        Poll::Ready(())
    }

    fn leave(&mut self) {
        self.pieces.clear();
        self.error = None;
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Reading(mut body) => {
                body.until = Instant::now() + FAREWELL;
                body.sleep.as_mut().reset(body.until);
                State::Leaving(body)
            }
            _ => State::Over,
        };
    }
}

impl<R: Reading> Stream for Answering<R> {
    type Item = Result<Piece, ModelError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(piece) = this.pieces.pop_front() {
                if matches!(piece, Piece::Stopped(_)) {
                    this.leave();
                }
                return Poll::Ready(Some(Ok(piece)));
            }
            if let Some(error) = this.error.take() {
                this.state = State::Over;
                return Poll::Ready(Some(Err(error)));
            }
            if let (State::Reading(body), Some(data)) = (&mut this.state, this.events.next()) {
                let Some(left) = this.bytes.checked_sub(data.len()) else {
                    // Whatever it was told, it does not stop.
                    this.state = State::Over;
                    return Poll::Ready(Some(Ok(Piece::Stopped(Stop::TooLong))));
                };
                this.bytes = left;
                this.error = this.reading.read(data, &mut this.pieces).err();
                if this.pieces.iter().any(|piece| !matches!(piece, Piece::Usage(_))) {
                    body.said(&this.patience);
                }
                continue;
            }
            if matches!(this.state, State::Over) {
                return Poll::Ready(None);
            }
            ready!(this.poll_state(context));
        }
    }
}

/// What a provider sends, and our patience with it.
struct Body {
    bytes: BoxStream<'static, reqwest::Result<Bytes>>,
    until: Instant,
    /// Signs of life count until then: to the first piece, and from each to the next. What was counted is none.
    piece_until: Instant,
    has_said: bool,
    /// Set again when it goes off, not at every event: that would be most of the work.
    sleep: Pin<Box<Sleep>>,
}

impl Body {
    fn new(response: Response, first: Duration) -> Self {
        let until = Instant::now() + first;
        let sleep = Box::pin(tokio::time::sleep_until(until));
        Self { bytes: response.bytes_stream().boxed(), until, piece_until: until, has_said: false, sleep }
    }

    /// Anything came.
    fn heard(&mut self, patience: &Patience) {
        if self.has_said {
            self.until = self.piece_until.min(Instant::now() + patience.silence);
            self.hurry();
        }
    }

    /// A piece came.
    fn said(&mut self, patience: &Patience) {
        let now = Instant::now();
        self.has_said = true;
        self.piece_until = now + patience.thought;
        self.until = now + patience.silence;
        self.hurry();
    }

    /// The first piece is waited for longer than the others.
    fn hurry(&mut self) {
        if self.sleep.deadline() > self.until {
            self.sleep.as_mut().reset(self.until);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ModelError>>> {
        if let Poll::Ready(next) = self.bytes.poll_next_unpin(context) {
            return Poll::Ready(next.map(|bytes| {
                bytes.map_err(|error| {
                    tracing::warn!(error = %error.without_url(), "a model's answer broke off");
                    ModelError::Broken
                })
            }));
        }
        while self.sleep.as_mut().poll(context).is_ready() {
            if Instant::now() >= self.until {
                return Poll::Ready(Some(Err(ModelError::Silent)));
            }
            self.sleep.as_mut().reset(self.until);
        }
        Poll::Pending
    }
}
