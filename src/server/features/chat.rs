//! Answers of a language model: who may have how many, what they cost, and that they stop when nobody reads them.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures::{Stream, StreamExt, stream::Peekable};
use thiserror::Error;
use tokio_util::task::TaskTracker;

use crate::server::{
    model::{Answer, Model, ModelError, Piece, Prompt, Role, Turn, Usage},
    store::{Store, StoreError, now_ms},
};

/// A conversation has at most so many turns, and so many characters in all.
pub const TURNS: usize = 100;
pub const CHARS: usize = 100_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A token is about this long, in characters: for answers whose provider did not come to count them.
const TOKEN_CHARS: usize = 4;

#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    /// Of one answer.
    pub output_tokens: u32,
    pub answers_at_once_per_person: u32,
    pub answers_at_once: u32,
    /// In and out. Of paid models only.
    pub tokens_a_day_per_person: u64,
    pub tokens_a_day: u64,
}

#[derive(Debug, Error)]
pub enum ChatError {
    #[error(
        "a conversation has 1 to {TURNS} messages, of which the last is the user's, and at most {CHARS} characters"
    )]
    Conversation,
    #[error("{0} answers are being written for you already; wait for one to end")]
    AtOnce(u32),
    #[error("as many answers are being written as the server writes at once; try again in a moment")]
    Full,
    #[error("you have used as many tokens today as one may; there are new ones at midnight (UTC)")]
    Spent,
    #[error("all tokens of the day are used; there are new ones at midnight (UTC)")]
    AllSpent,
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The model, and the answers that are being written.
#[derive(Debug)]
pub struct Chats {
    model: Arc<dyn Model>,
    system: String,
    ceilings: Ceilings,
    store: Store,
    writing: Mutex<HashMap<String, u32>>,
    /// Owns the notes of what was used.
    tasks: TaskTracker,
}

impl Chats {
    pub fn new(model: Arc<dyn Model>, system: String, ceilings: Ceilings, store: Store) -> Arc<Self> {
        Arc::new(Self { model, system, ceilings, store, writing: Mutex::default(), tasks: TaskTracker::new() })
    }

    pub fn model(&self) -> &dyn Model {
        &*self.model
    }

    /// Begins an answer for whoever this is. It has begun when it is returned: what is wrong before its first piece is an
    /// error here. Dropping it stops the model.
    pub async fn answer(self: &Arc<Self>, who: &str, turns: Vec<Turn>) -> Result<Written, ChatError> {
        let chars: usize = turns.iter().map(|turn| turn.text.chars().count()).sum();
        let in_order = turns.last().is_some_and(|turn| turn.role == Role::User && !turn.text.trim().is_empty());
        if !in_order || turns.len() > TURNS || chars > CHARS {
            return Err(ChatError::Conversation);
        }
        let place = self.take_place(who)?;
        if self.model.is_paid() {
            let (own, all) = self.store.model_usage(now_ms() / DAY_MS, who).await?;
            if all >= self.ceilings.tokens_a_day {
                return Err(ChatError::AllSpent);
            }
            if own >= self.ceilings.tokens_a_day_per_person {
                return Err(ChatError::Spent);
            }
        }
        let prompt = Prompt { system: self.system.clone(), turns, max_tokens: self.ceilings.output_tokens };
        let mut pieces = self.model.answer(prompt).peekable();
        // Usage alone is no answer yet, but the provider is at work.
        if let Some(Err(error)) = Pin::new(&mut pieces).peek().await {
            return Err(error.clone().into());
        }
        let guess = Usage { input_tokens: (chars / TOKEN_CHARS) as u32, output_tokens: 0 };
        Ok(Written { pieces, spent: Spent { place, usage: guess, chars: 0, is_counted: false } })
    }

    /// Returns when what was used is noted. No answers are begun any more.
    pub async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn take_place(self: &Arc<Self>, who: &str) -> Result<Place, ChatError> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if writing.values().sum::<u32>() >= self.ceilings.answers_at_once {
            return Err(ChatError::Full);
        }
        let own = writing.entry(who.to_owned()).or_default();
        if *own >= self.ceilings.answers_at_once_per_person {
            return Err(ChatError::AtOnce(*own));
        }
        *own += 1;
        Ok(Place { chats: self.clone(), who: who.to_owned() })
    }
}

/// An answer being written.
pub struct Written {
    pieces: Peekable<Answer>,
    spent: Spent,
}

impl Stream for Written {
    type Item = Result<Piece, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.pieces.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(Ok(Piece::Usage(usage)))) => {
                // Some providers count on the way, some at the end: the newest is the truest.
                self.spent.usage = *usage;
                self.spent.is_counted = usage.output_tokens > 1;
            }
            Poll::Ready(Some(Ok(Piece::Text(text) | Piece::Thinking(text)))) => {
                self.spent.chars += text.chars().count();
                self.spent.is_counted = false;
            }
            _ => {}
        }
        polled
    }
}

/// What an answer has cost, to be noted when it is over, however it ends.
struct Spent {
    place: Place,
    usage: Usage,
    chars: usize,
    is_counted: bool,
}

impl Drop for Spent {
    fn drop(&mut self) {
        let chats = &self.place.chats;
        if !chats.model.is_paid() {
            return;
        }
        let guessed = u32::try_from(self.chars.div_ceil(TOKEN_CHARS)).unwrap_or(u32::MAX);
        let output = if self.is_counted { self.usage.output_tokens } else { self.usage.output_tokens.max(guessed) };
        let (store, who, input) = (chats.store.clone(), self.place.who.clone(), self.usage.input_tokens);
        chats.tasks.spawn(async move {
            let noted = store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { tx.add_model_usage(tx.now_ms / DAY_MS, &who, input, output).await })
            });
            if let Err(error) = noted.await {
                tracing::error!(%error, "what an answer has cost could not be noted");
            }
        });
    }
}

/// One of the places for answers.
struct Place {
    chats: Arc<Chats>,
    who: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut writing = self.chats.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = writing.get_mut(&self.who) {
            *own -= 1;
            if *own == 0 {
                writing.remove(&self.who);
            }
        }
    }
}

/// Forgets what was used long ago.
pub async fn tidy(store: &Store) -> Result<(), StoreError> {
    const REMEMBERED_DAYS: i64 = 400;
    let forgotten = store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move { tx.forget_model_usage(tx.now_ms / DAY_MS - REMEMBERED_DAYS).await })
    });
    forgotten.await
}
