//! The shell that lets hyper pull a stream's bytes. hyper asks for more only when the socket takes it, so a slow
//! reader lags in its cursor and not in our memory.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

use super::stream::{Step, Stream};
use crate::server::connections::Permit;

pub struct StreamBody {
    /// Shared with whoever changes the stream's topics; never contended for longer than a step.
    stream: Arc<Mutex<Stream>>,
    heartbeat: Pin<Box<Sleep>>,
    /// Counts this connection while it lasts.
    permit: Permit,
}

impl StreamBody {
    pub fn new(stream: Arc<Mutex<Stream>>, permit: Permit) -> Self {
        Self { stream, heartbeat: Box::pin(tokio::time::sleep(std::time::Duration::ZERO)), permit }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        loop {
            let mut stream = this.stream.lock().unwrap_or_else(PoisonError::into_inner);
            // First the waker, then the look: a publish in between is seen or wakes us.
            stream.carried.mailbox.register(cx.waker());
            let step = stream.step(Instant::now());
            let delivered = stream.take_delivered();
            drop(stream);
            match step {
                Step::Write(bytes) => {
                    this.permit.wrote(delivered, bytes.len() as u64);
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Step::End => return Poll::Ready(None),
                Step::WaitUntil(at) => {
                    let at = tokio::time::Instant::from_std(at);
                    // The timer is moved only when it fires, not with each write: a write a second would otherwise
                    // touch the timer wheel a second. It wakes once too early and then sleeps on.
                    if this.heartbeat.is_elapsed() {
                        this.heartbeat.as_mut().reset(at);
                    }
                    if this.heartbeat.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
