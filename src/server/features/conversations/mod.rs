//! Conversations with the assistant: who may read and change them, and what is asked in them. A conversation is a tree of
//! which one path is shown; nothing that was asked or answered is lost when it is asked or answered anew.
//!
//! `tree.rs` finds one's way in it, `place.rs` writes turns, `asking.rs` has them answered (`runs/` writes the answers),
//! `keeping.rs` is what else is done to a conversation, `view.rs` shows it, `named.rs` is for programs that keep their own.

mod asking;
mod keeping;
mod named;
mod place;
mod tree;
mod view;

use std::sync::Arc;

use thiserror::Error;

use super::{
    chat::{Admission, ChatError, Chats, Payer},
    runs::Runs,
    text::{is_harmful, is_visible},
};
use crate::{
    server::{
        door::Door,
        model::Turn,
        store::{
            Store, StoreError,
            conversations::{self as rows, ConversationRow, TurnRow},
            jobs::Owner,
        },
        tools::Toolbox,
    },
    wire::{Topic, topic::Segment},
};

pub use keeping::tidy;
pub use named::{Given, Watched};

/// A conversation's title is at most this long, in characters.
pub const TITLE_CHARS: usize = 80;

/// A client id is at most this long, in bytes.
const CLIENT_BYTES: usize = 64;

/// A conversation's id, in hexadecimal digits.
const ID_DIGITS: usize = 32;

/// Nobody keeps more conversations than this, nor more turns in one of them.
const CONVERSATIONS_A_PERSON: u32 = 2_000;
const TURNS_KEPT: usize = 1_000;

/// Of conversations that are nobody's so many are kept, each for a day.
const NOBODYS_CONVERSATIONS: u32 = 10_000;

#[derive(Debug, Error)]
pub enum ConversationError {
    #[error("there is no such conversation, or it is not yours")]
    Unknown,
    #[error("this conversation was deleted")]
    Deleted,
    #[error("a conversation's id is {ID_DIGITS} hexadecimal digits")]
    Malformed,
    #[error("there is no such message in this conversation")]
    Message,
    #[error("a question has at least one letter to be seen")]
    Text,
    #[error("a question's client id is 1 to {CLIENT_BYTES} letters, digits, dashes and underscores")]
    Client,
    #[error("an answer is being written here; stop it, or wait for its end")]
    Busy,
    #[error("this answer has not broken off")]
    Whole,
    #[error("this was decided already")]
    Decided,
    #[error("you keep {CONVERSATIONS_A_PERSON} conversations already; delete some of them")]
    TooMany,
    #[error("this conversation has become too long; begin another")]
    TooLong,
    #[error("a title has one to {TITLE_CHARS} characters, none of them invisible")]
    Title,
    #[error(transparent)]
    Chat(#[from] ChatError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Conversations, and the answers that are written in them.
#[derive(Debug)]
pub struct Assistant {
    pub(super) store: Store,
    pub(super) runs: Arc<Runs>,
    pub chats: Arc<Chats>,
    door: Arc<Door>,
    /// Answers in rooms are begun one after the other.
    pub(super) beginning: tokio::sync::Mutex<()>,
}

/// Who asks, who pays, and what the answer may use.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Nobody's conversations are found by the name that their client gave them, and by nothing else.
    pub owner: Option<Owner>,
    pub payer: Payer,
    pub tools: Toolbox,
}

#[derive(Clone, Debug)]
pub struct Question {
    pub conversation: String,
    pub text: String,
    pub client: String,
    pub model: Option<String>,
    /// The question that it replaces.
    pub instead_of: Option<u64>,
}

/// The topic of what changes in a conversation.
pub fn topic(id: &str) -> Result<Topic, ConversationError> {
    Segment::new(id).map(|id| Topic::Conversation { id }).map_err(|_| ConversationError::Malformed)
}

/// The topic of what changes in the list of somebody's conversations.
pub fn list_topic(person: &str) -> Option<Topic> {
    Segment::new(person).map(|person| Topic::Conversations { person }).ok()
}

/// The name at the door of the right to read what somebody shares.
pub fn access(conversation: &str) -> String {
    format!("shared {conversation}")
}

impl Assistant {
    pub fn new(store: Store, chats: Arc<Chats>, runs: Arc<Runs>, door: Arc<Door>) -> Arc<Self> {
        Arc::new(Self { store, runs, chats, door, beginning: tokio::sync::Mutex::default() })
    }

    pub fn models(&self) -> Vec<String> {
        self.chats.models().names().map(str::to_owned).collect()
    }

    async fn known(&self, id: &str) -> Result<(Option<ConversationRow>, Vec<TurnRow>), StoreError> {
        let mut read = self.store.read().await?;
        let row = rows::conversation_in(&mut read, id).await?;
        let turns = rows::turns(&mut read, id).await?;
        Ok((row, turns))
    }

    /// The turns of one's own conversation.
    async fn own(&self, asker: &Asker, id: &str) -> Result<Vec<TurnRow>, ConversationError> {
        check_id(id)?;
        let (row, turns) = self.known(id).await?;
        let owned = asker.owner.is_some() && row.is_some_and(|row| row.owner == asker.owner);
        if owned { Ok(turns) } else { Err(ConversationError::Unknown) }
    }
}

impl Asker {
    pub(super) async fn admitted(
        &self,
        chats: &Arc<Chats>,
        model: Option<&str>,
        turns: &[Turn],
    ) -> Result<Admission, ChatError> {
        chats.admit(&self.payer, model.filter(|model| !model.is_empty()), turns).await
    }
}

fn check_id(id: &str) -> Result<(), ConversationError> {
    let hex = id.len() == ID_DIGITS && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if hex { Ok(()) } else { Err(ConversationError::Malformed) }
}

pub(super) fn check_client(client: &str) -> Result<(), ConversationError> {
    let harmless = client.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if (1..=CLIENT_BYTES).contains(&client.len()) && harmless { Ok(()) } else { Err(ConversationError::Client) }
}

/// How long it may be is said by the ceilings.
pub(super) fn checked(text: &str) -> Result<String, ConversationError> {
    let text = text.replace("\r\n", "\n");
    let harmless = |c: &char| *c == '\n' || *c == '\t' || !is_harmful(*c);
    let text: String = text.trim_end().trim_start_matches('\n').chars().filter(harmless).collect();
    if is_visible(&text) { Ok(text) } else { Err(ConversationError::Text) }
}
