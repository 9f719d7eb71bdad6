//! An answer being written, and what it has cost: noted when it is over, however it ends.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt};
use tokio::task::JoinHandle;

use super::{ALL, Chats, day, places::Place};
use crate::server::{
    model::{Answer, ModelError, Piece, Usage},
    store::StoreError,
};

/// A token is about this long, in characters: for answers whose provider did not come to count them.
const TOKEN_CHARS: usize = 4;

/// Dropping it stops the model.
pub struct Written {
    pub(super) pieces: Answer,
    pub(super) left_out: usize,
    pub(super) spent: Spent,
}

impl Written {
    /// So far, as the provider counts, or a guess until it does.
    pub fn usage(&self) -> Usage {
        self.spent.usage()
    }

    /// Notes what it has cost, and returns when that is done. Without this it is noted soon after it is dropped.
    pub async fn note(mut self) {
        if let Some(noted) = self.spent.note() {
            let _ = noted.await;
        }
    }

    /// How many turns did not fit into the model's window.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl Stream for Written {
    type Item = Result<Piece, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.pieces.poll_next_unpin(context);
        self.spent.see(&polled);
        polled
    }
}

/// What an answer has cost.
pub(super) struct Spent {
    chats: Arc<Chats>,
    place: Arc<Place>,
    /// Whether it costs anything.
    is_paid: bool,
    usage: Usage,
    chars: usize,
    /// Whether the provider has counted all that came.
    is_counted: bool,
    /// Whether it was asked for, and not refused.
    is_begun: bool,
}

impl Spent {
    pub fn new(chats: Arc<Chats>, place: Arc<Place>, is_paid: bool, input_tokens: usize) -> Self {
        let input_tokens = u32::try_from(input_tokens).unwrap_or(u32::MAX);
        let usage = Usage { input_tokens: if is_paid { input_tokens } else { 0 }, output_tokens: 0 };
        Self { chats, place, is_paid, usage, chars: 0, is_counted: false, is_begun: false }
    }

    fn see(&mut self, polled: &Poll<Option<Result<Piece, ModelError>>>) {
        match polled {
            Poll::Ready(Some(Ok(Piece::Usage(usage)))) => {
                // Some providers count on the way, some at the end: the newest is the truest.
                self.usage = *usage;
                self.is_counted = usage.output_tokens > 1;
            }
            Poll::Ready(Some(Ok(Piece::Text(text) | Piece::Thinking(text)))) => {
                self.chars += text.chars().count();
                self.is_counted = false;
            }
            Poll::Ready(Some(Ok(Piece::Call(call)))) => {
                self.chars += call.name.len() + call.input.to_string().len();
                self.is_counted = false;
            }
            // Refused before anything was said: providers take nothing for that.
            Poll::Ready(Some(Err(_))) if self.chars == 0 && !self.is_counted => {
                self.is_begun = false;
                return;
            }
            _ => {}
        }
        self.is_begun = true;
    }

    fn usage(&self) -> Usage {
        if !self.is_paid {
            return self.usage;
        }
        let guessed = u32::try_from(self.chars.div_ceil(TOKEN_CHARS)).unwrap_or(u32::MAX);
        let output_tokens =
            if self.is_counted { self.usage.output_tokens } else { self.usage.output_tokens.max(guessed) };
        Usage { output_tokens, ..self.usage }
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        self.note();
    }
}

impl Spent {
    /// Once.
    fn note(&mut self) -> Option<JoinHandle<()>> {
        if !self.is_paid || !std::mem::take(&mut self.is_begun) {
            return None;
        }
        let Usage { input_tokens, output_tokens } = self.usage();
        let (store, payer) = (self.chats.store.clone(), self.place.payer.clone());
        Some(self.chats.tasks.spawn(async move {
            let noted = store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let day = day(tx.now_ms);
                    if !payer.is_address() {
                        tx.add_model_usage(day, &payer.who, input_tokens, output_tokens).await?;
                    }
                    tx.add_model_usage(day, &payer.address, input_tokens, output_tokens).await?;
                    tx.add_model_usage(day, ALL, input_tokens, output_tokens).await
                })
            });
            if let Err(error) = noted.await {
                tracing::error!(%error, "what an answer has cost could not be noted");
            }
        }))
    }
}
