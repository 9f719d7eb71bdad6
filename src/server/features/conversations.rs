//! Conversations with the assistant: who may read and change them, and what is asked in them. A conversation is a tree of
//! which one path is shown; nothing that was asked or answered is lost when it is asked or answered anew. `runs.rs` writes
//! the answers, `conversation_view.rs` shows them.

use std::sync::Arc;

use futures::future::BoxFuture;
use thiserror::Error;

use super::{
    answer::{self, Kept},
    chat::{Admission, ChatError, Chats, Payer},
    runs::{Begin, Ended, Go, Keep, LEASE_MS, Runs},
    text::{is_harmful, is_visible},
};
use crate::{
    server::{
        door::Door,
        model::Turn,
        store::{
            Store, StoreError, Tx,
            conversations::{self as rows, ConversationRow, TurnRow},
            jobs::Owner,
        },
        tools::Toolbox,
        topics::Topics,
    },
    wire::{
        Topic,
        assistant::{ConversationEvent, ConversationEventKind, Status, ToolState},
        topic::Segment,
    },
};

/// A conversation's title is at most this long, in characters.
pub const TITLE_CHARS: usize = 80;

/// A client id is at most this long, in bytes.
const CLIENT_BYTES: usize = 64;

/// A conversation's id, in hexadecimal digits.
const ID_DIGITS: usize = 32;

/// Nobody keeps more conversations than this, nor more turns in one of them.
const CONVERSATIONS_A_PERSON: u32 = 2_000;
const TURNS_KEPT: usize = 1_000;

#[derive(Debug, Error)]
pub enum ConversationError {
    #[error("there is no such conversation, or it is not yours")]
    Unknown,
    #[error("a conversation's id is {ID_DIGITS} hexadecimal digits")]
    Malformed,
    #[error("there is no such message in this conversation")]
    Message,
    #[error("a question has at least one letter to be seen")]
    Text,
    #[error("a question's client id is 1 to {CLIENT_BYTES} letters, digits, dashes and underscores")]
    Client,
    #[error("this client id was used for another question")]
    Reused,
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
    pub(super) topics: Arc<Topics>,
    pub(super) runs: Arc<Runs>,
    pub chats: Arc<Chats>,
    door: Arc<Door>,
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

/// An answer that is about to be written.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub conversation: String,
    pub turn: u64,
    pub run: Segment,
}

/// The topic of what changes in a conversation.
pub fn topic(id: &str) -> Result<Topic, ConversationError> {
    Segment::new(id).map(|id| Topic::Conversation { id }).map_err(|_| ConversationError::Malformed)
}

/// The name at the door of the right to read what somebody shares.
pub fn access(conversation: &str) -> String {
    format!("shared {conversation}")
}

impl Assistant {
    pub fn new(store: Store, topics: Arc<Topics>, chats: Arc<Chats>, runs: Arc<Runs>, door: Arc<Door>) -> Arc<Self> {
        Arc::new(Self { store, topics, runs, chats, door })
    }

    pub fn models(&self) -> Vec<String> {
        self.chats.models().names()
    }

    /// Asks something and has it answered. The conversation's id.
    pub async fn ask(&self, asker: &Asker, question: Question) -> Result<String, ConversationError> {
        let Question { conversation: id, text, client, model, instead_of } = question;
        let owner = asker.owner.clone().ok_or(ConversationError::Unknown)?;
        check_id(&id)?;
        check_client(&client)?;
        let text = checked(&text)?;
        let (known, turns) = self.known(&id).await?;
        if known.as_ref().is_some_and(|row| row.owner.as_ref() != Some(&owner)) {
            return Err(ConversationError::Unknown);
        }
        // One that arrives again costs nothing.
        if let Some(before) = turns.iter().find(|turn| turn.client.as_deref() == Some(&client)) {
            return if question_of(before) == text { Ok(id) } else { Err(ConversationError::Reused) };
        }
        let leaf = known.and_then(|row| row.leaf);
        let parent = place_of(&turns, leaf, instead_of)?;
        let mut said = turns_to(&turns, parent);
        said.push(Turn::user(&text));
        let admission = asker.admitted(&self.chats, model.as_deref(), &said).await?;
        let (conversation, run) = (id.clone(), new_run());
        let place = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let now = tx.turns(&id).await?;
                    // It has arrived twice at the same time.
                    if now.iter().any(|turn| turn.client.as_deref() == Some(&client)) {
                        return Ok(None);
                    }
                    match tx.conversation(&id).await? {
                        None => create(tx, &id, Some(owner), None, &text).await?,
                        // Somebody asked something else meanwhile: another tab.
                        Some(row) if row.leaf != leaf => return Err(ConversationError::Busy),
                        Some(_) => check_free(&now, parent)?,
                    }
                    let question = add_question(tx, &id, parent, Some(client), &text).await?;
                    add_answer(tx, &id, Some(question), run, None).await.map(Some)
                })
            })
            .await?;
        if let Some(place) = place {
            self.begin(asker, admission, place, Vec::new(), said);
        }
        Ok(conversation)
    }

    /// Has a question answered once more, beside the answers that there are. `message` is one of those.
    pub async fn again(
        &self,
        asker: &Asker,
        id: &str,
        message: u64,
        model: Option<String>,
    ) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let parent = find_answer(&turns, message)?.parent;
        let said = turns_to(&turns, parent);
        let admission = asker.admitted(&self.chats, model.as_deref(), &said).await?;
        let (id, run) = (id.to_owned(), new_run());
        let place = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    check_free(&tx.turns(&id).await?, parent)?;
                    add_answer(tx, &id, parent, run, None).await
                })
            })
            .await?;
        self.begin(asker, admission, place, Vec::new(), said);
        Ok(())
    }

    /// Has an answer that broke off go on where it ended.
    pub async fn go_on(&self, asker: &Asker, id: &str, message: u64) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let broken = find_answer(&turns, message)?;
        if !matches!(
            Status::named(&broken.status),
            Status::Interrupted | Status::Stopped | Status::TooLong | Status::Failed
        ) {
            return Err(ConversationError::Whole);
        }
        self.resume(asker, &turns, broken, answer::from_json(&broken.parts, &[])).await
    }

    /// Says yes or no to what a tool is to change. When nothing waits any more, the answer goes on.
    pub async fn decide(
        &self,
        asker: &Asker,
        id: &str,
        message: u64,
        call: &str,
        yes: bool,
    ) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let waiting = find_answer(&turns, message)?;
        let (turn, call) = (waiting.id, call.to_owned());
        let decided = self.store.write(move |tx| {
            Box::pin(async move {
                let mut row = tx.turn(turn).await?.ok_or(ConversationError::Message)?;
                let mut parts = answer::from_json(&row.parts, &[]);
                let tool = parts.iter_mut().find_map(|part| match part {
                    Kept::Tool { tool } if tool.id == call && tool.state == ToolState::Waiting => Some(tool),
                    _ => None,
                });
                // A run that is begun uses what was allowed: only then does it count as running.
                tool.ok_or(ConversationError::Decided)?.state =
                    if yes { ToolState::Running } else { ToolState::Declined };
                row.parts = answer::to_json(&parts);
                tx.set_turn(&row).await?;
                tell(tx, &row.conversation, ConversationEventKind::AnswerBegun, Some(row.id)).await?;
                Ok::<_, ConversationError>(parts)
            })
        });
        let parts = decided.await?;
        if answer::tools(&parts).any(|tool| tool.state == ToolState::Waiting) {
            return Ok(());
        }
        self.resume(asker, &turns, waiting, parts).await
    }

    /// Stops an answer: the model too.
    pub async fn stop(&self, asker: &Asker, id: &str, message: u64) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let row = find_answer(&turns, message)?;
        self.stop_turn(row).await
    }

    pub(super) async fn stop_turn(&self, row: &TurnRow) -> Result<(), ConversationError> {
        if row.status != Status::Running.name() || row.run.as_deref().is_some_and(|run| self.runs.stop(run)) {
            return Ok(());
        }
        // Another process writes it, which looks at this once a second.
        let turn = row.id;
        let written = self.store.write(move |tx| {
            Box::pin(async move {
                if let Some(mut row) = tx.turn(turn).await?
                    && row.status == Status::Running.name()
                {
                    row.stopping = true;
                    tx.set_turn(&row).await?;
                }
                Ok::<_, ConversationError>(())
            })
        });
        written.await
    }

    /// Shows another version of a question or an answer, and what followed it.
    pub async fn choose(&self, asker: &Asker, id: &str, message: u64) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let chosen = turns.iter().find(|turn| turn.id == message).ok_or(ConversationError::Message)?;
        let leaf = newest_below(&turns, chosen.id);
        let id = id.to_owned();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.set_leaf(&id, leaf).await?;
                    tell(tx, &id, ConversationEventKind::VersionChosen, Some(leaf)).await
                })
            })
            .await
    }

    pub async fn rename(&self, asker: &Asker, id: &str, title: &str) -> Result<(), ConversationError> {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.chars().count() > TITLE_CHARS || !is_visible(&title) || title.chars().any(is_harmful) {
            return Err(ConversationError::Title);
        }
        self.set(asker, id, ConversationEventKind::ConversationRenamed, move |row| row.title = title).await
    }

    /// Lets whoever knows a conversation's address read it, or ends that.
    pub async fn share(&self, asker: &Asker, id: &str, shared: bool) -> Result<(), ConversationError> {
        self.set(asker, id, ConversationEventKind::ConversationShared, move |row| row.shared = shared).await?;
        if !shared {
            self.door.close(&[access(id)]);
        }
        Ok(())
    }

    /// Removes a conversation for good.
    pub async fn delete(&self, asker: &Asker, id: &str) -> Result<(), ConversationError> {
        for turn in self.own(asker, id).await? {
            self.stop_turn(&turn).await?;
        }
        let gone = id.to_owned();
        let deleted = self.store.write(move |tx| {
            Box::pin(async move {
                tx.delete_conversation(&gone).await?;
                tell(tx, &gone, ConversationEventKind::ConversationDeleted, None).await
            })
        });
        deleted.await?;
        self.door.close(&[access(id)]);
        Ok(())
    }

    /// Ends the answers whose process has died: what was stored of them stays.
    pub async fn end_abandoned(&self) -> Result<(), StoreError> {
        for turn in self.store.abandoned_turns(crate::server::store::now_ms()).await? {
            let ended = self.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let Some(mut row) = tx.turn(turn).await?.filter(|row| row.lease_ms < tx.now_ms) else {
                        return Ok(());
                    };
                    if row.status != Status::Running.name() {
                        return Ok(());
                    }
                    row.parts = answer::to_json(&answer::from_json(&row.parts, &tx.take_chunks(turn).await?));
                    row.status = Status::Interrupted.name().to_owned();
                    tx.set_turn(&row).await?;
                    tell(tx, &row.conversation, ConversationEventKind::AnswerEnded, Some(turn))
                        .await
                        .map_err(|_| StoreError::Broken)
                })
            });
            ended.await?;
        }
        Ok(())
    }

    async fn set(
        &self,
        asker: &Asker,
        id: &str,
        kind: ConversationEventKind,
        change: impl FnOnce(&mut ConversationRow) + Send + 'static,
    ) -> Result<(), ConversationError> {
        self.own(asker, id).await?;
        let id = id.to_owned();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let mut row = tx.conversation(&id).await?.ok_or(ConversationError::Unknown)?;
                    change(&mut row);
                    tx.set_conversation(&id, &row.title, row.shared).await?;
                    tell(tx, &id, kind, None).await
                })
            })
            .await
    }

    /// Has an answer go on after what there is of it.
    async fn resume(
        &self,
        asker: &Asker,
        turns: &[TurnRow],
        row: &TurnRow,
        earlier: Vec<Kept>,
    ) -> Result<(), ConversationError> {
        let said = turns_to(turns, row.parent);
        let model = row.cost.as_deref().and_then(|cost| serde_json::from_str::<crate::wire::assistant::Cost>(cost).ok());
        let model = model.map(|cost| cost.model).filter(|model| self.chats.models().find(model).is_some());
        let admission = asker.admitted(&self.chats, model.as_deref(), &said).await?;
        let (id, parent, turn, run) = (row.conversation.clone(), row.parent, row.id, new_run());
        let place = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    check_free(&tx.turns(&id).await?, parent)?;
                    add_answer(tx, &id, parent, run, Some(turn)).await
                })
            })
            .await?;
        self.begin(asker, admission, place, earlier, said);
        Ok(())
    }

    pub(super) fn begin(
        &self,
        asker: &Asker,
        admission: Admission,
        place: Place,
        earlier: Vec<Kept>,
        turns: Vec<Turn>,
    ) {
        let id = place.run.clone();
        let keep = Arc::new(InConversation { store: self.store.clone(), place });
        self.runs.begin(Begin { id, earlier, turns, admission, tools: asker.tools.clone(), keep });
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

/// Forgets what nobody can be shown any more.
pub async fn tidy(store: &Store) -> Result<(), StoreError> {
    /// A conversation of nobody's is remembered for so long: a day.
    const NOBODYS_MS: i64 = 24 * 60 * 60 * 1_000;
    /// In one write.
    const BATCH: u64 = 200;
    loop {
        let removed = store.write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                let conversations = tx.forget_nobodys_conversations(tx.now_ms - NOBODYS_MS, BATCH).await?;
                Ok(conversations.max(tx.forget_stray_conversation_topics(BATCH).await?))
            })
        });
        if removed.await? < BATCH {
            return Ok(());
        }
    }
}

/// An answer's place in a conversation.
#[derive(Debug)]
struct InConversation {
    store: Store,
    place: Place,
}

impl Keep for InConversation {
    fn add(&self, added: Option<String>) -> BoxFuture<'_, Result<Go, StoreError>> {
        let Place { turn, run, .. } = self.place.clone();
        Box::pin(self.store.write(move |tx| {
            Box::pin(async move {
                let lease = tx.now_ms + LEASE_MS;
                Ok(match tx.add_chunk(turn, run.as_str(), added.as_deref(), lease).await? {
                    Some(false) => Go::On,
                    Some(true) => Go::Stop,
                    None => Go::Gone,
                })
            })
        }))
    }

    fn end(&self, ended: Ended) -> BoxFuture<'_, Result<(), StoreError>> {
        let Place { turn, run, .. } = self.place.clone();
        Box::pin(self.store.write(move |tx| {
            Box::pin(async move {
                let Some(mut row) = tx.turn(turn).await?.filter(|row| row.run.as_deref() == Some(run.as_str())) else {
                    return Ok(());
                };
                tx.take_chunks(turn).await?;
                row.parts = answer::to_json(&ended.parts);
                row.status = ended.status.name().to_owned();
                row.error = ended.error;
                row.cost = serde_json::to_string(&ended.cost).ok();
                row.stopping = false;
                tx.set_turn(&row).await?;
                tell(tx, &row.conversation, ConversationEventKind::AnswerEnded, Some(turn))
                    .await
                    .map_err(|_| StoreError::Broken)
            })
        }))
    }
}

/// Makes a conversation, called by what is asked first.
pub(super) async fn create(
    tx: &mut Tx,
    id: &str,
    owner: Option<Owner>,
    chat: Option<String>,
    question: &str,
) -> Result<(), ConversationError> {
    if tx.conversations_owned(owner.as_ref()).await? >= CONVERSATIONS_A_PERSON {
        return Err(ConversationError::TooMany);
    }
    let row = ConversationRow {
        id: id.to_owned(),
        owner,
        chat,
        title: title_of(question),
        shared: false,
        leaf: None,
        updated_ms: tx.now_ms,
    };
    Ok(tx.add_conversation(&row).await?)
}

pub(super) async fn add_question(
    tx: &mut Tx,
    conversation: &str,
    parent: Option<u64>,
    client: Option<String>,
    text: &str,
) -> Result<u64, ConversationError> {
    let parts = answer::to_json(&[Kept::Text { text: text.to_owned() }]);
    let question = TurnRow { parent, client, parts, ..TurnRow::complete(conversation, false) };
    let id = tx.add_turn(&question).await?;
    tell(tx, conversation, ConversationEventKind::QuestionAsked, Some(id)).await?;
    Ok(id)
}

/// Makes room for an answer after its question, or in the one there is, and shows it.
pub(super) async fn add_answer(
    tx: &mut Tx,
    conversation: &str,
    parent: Option<u64>,
    run: Segment,
    existing: Option<u64>,
) -> Result<Place, ConversationError> {
    let begun = TurnRow {
        parent,
        status: Status::Running.name().to_owned(),
        run: Some(run.to_string()),
        lease_ms: tx.now_ms + LEASE_MS,
        ..TurnRow::complete(conversation, true)
    };
    let turn = match existing {
        None => tx.add_turn(&begun).await?,
        Some(turn) => {
            let row = tx.turn(turn).await?.ok_or(ConversationError::Message)?;
            let parts = row.parts;
            tx.set_turn(&TurnRow { id: turn, parts, cost: row.cost, ..begun }).await?;
            turn
        }
    };
    tx.set_leaf(conversation, turn).await?;
    tell(tx, conversation, ConversationEventKind::AnswerBegun, Some(turn)).await?;
    Ok(Place { conversation: conversation.to_owned(), turn, run })
}

pub(super) async fn tell(
    tx: &mut Tx,
    conversation: &str,
    kind: ConversationEventKind,
    message: Option<u64>,
) -> Result<(), ConversationError> {
    tx.publish(&topic(conversation)?, &ConversationEvent { kind, message }).await?;
    Ok(())
}

pub(super) fn new_run() -> Segment {
    // Hexadecimal digits are a segment.
    Segment::new(&format!("{:032x}", rand::random::<u128>())).unwrap_or_else(|_| unreachable!("digits"))
}

/// The turns from the first to this one, in order.
pub(super) fn path(turns: &[TurnRow], leaf: Option<u64>) -> Vec<&TurnRow> {
    let mut path = Vec::new();
    let mut next = leaf;
    // Parents are older: this comes to an end.
    while let Some(turn) = next.and_then(|id| turns.binary_search_by_key(&id, |turn| turn.id).ok()).map(|at| &turns[at])
    {
        path.push(turn);
        next = turn.parent.filter(|parent| *parent < turn.id);
    }
    path.reverse();
    path
}

/// The same, as a model is asked.
pub(super) fn turns_to(turns: &[TurnRow], leaf: Option<u64>) -> Vec<Turn> {
    let said = |turn: &&TurnRow| match turn.answer {
        true => answer::turns(&answer::from_json(&turn.parts, &[])),
        false => vec![Turn::user(&question_of(turn))],
    };
    path(turns, leaf).iter().flat_map(said).collect()
}

pub(super) fn question_of(turn: &TurnRow) -> String {
    answer::text(&answer::from_json(&turn.parts, &[]))
}

/// After which turn a question comes: at the end, or where the one is that it replaces.
fn place_of(turns: &[TurnRow], leaf: Option<u64>, instead_of: Option<u64>) -> Result<Option<u64>, ConversationError> {
    if turns.len() >= TURNS_KEPT {
        return Err(ConversationError::TooLong);
    }
    let Some(replaced) = instead_of else { return Ok(leaf) };
    let replaced = turns.iter().find(|turn| turn.id == replaced && !turn.answer).ok_or(ConversationError::Message)?;
    Ok(replaced.parent)
}

fn find_answer(turns: &[TurnRow], id: u64) -> Result<&TurnRow, ConversationError> {
    turns.iter().find(|turn| turn.id == id && turn.answer).ok_or(ConversationError::Message)
}

/// Nothing follows an answer that is not whole, and one place has one answer at a time that is being written.
pub(super) fn check_free(turns: &[TurnRow], parent: Option<u64>) -> Result<(), ConversationError> {
    if turns.len() >= TURNS_KEPT {
        return Err(ConversationError::TooLong);
    }
    let running = |turn: &TurnRow| turn.status == Status::Running.name();
    let before = parent.is_some_and(|parent| turns.iter().any(|turn| turn.id == parent && running(turn)));
    let beside = turns.iter().any(|turn| turn.answer && turn.parent == parent && running(turn));
    if before || beside { Err(ConversationError::Busy) } else { Ok(()) }
}

/// The end of what followed a turn last.
fn newest_below(turns: &[TurnRow], from: u64) -> u64 {
    let mut leaf = from;
    while let Some(next) = turns.iter().rev().find(|turn| turn.parent == Some(leaf)) {
        leaf = next.id;
    }
    leaf
}

fn title_of(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TITLE_CHARS - 1) {
        Some((end, _)) => [line[..end].trim_end(), "…"].concat(),
        None => line,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(id: u64, parent: Option<u64>, answer: bool) -> TurnRow {
        TurnRow { id, parent, ..TurnRow::complete("c", answer) }
    }

    /// A question, its answer and another answer to it; after that a question, asked anew.
    fn tree() -> Vec<TurnRow> {
        vec![
            turn(1, None, false),
            turn(2, Some(1), true),
            turn(3, Some(1), true),
            turn(4, Some(2), false),
            turn(5, Some(4), true),
            turn(6, Some(2), false),
        ]
    }

    #[test]
    fn a_path_leads_from_the_first_question_to_the_newest_below() {
        let ids = |leaf| path(&tree(), leaf).iter().map(|turn| turn.id).collect::<Vec<_>>();
        assert_eq!(ids(Some(5)), [1, 2, 4, 5]);
        assert_eq!(ids(Some(3)), [1, 3]);
        assert!(ids(None).is_empty());
        assert_eq!((newest_below(&tree(), 1), newest_below(&tree(), 2), newest_below(&tree(), 4)), (3, 6, 5));
    }

    #[test]
    fn a_question_comes_at_the_end_or_where_the_replaced_one_is() {
        assert!(matches!(place_of(&tree(), Some(5), None), Ok(Some(5))));
        assert!(matches!(place_of(&tree(), Some(5), Some(4)), Ok(Some(2))));
        assert!(matches!(place_of(&tree(), Some(5), Some(1)), Ok(None)));
        assert!(matches!(place_of(&tree(), Some(5), Some(2)), Err(ConversationError::Message)));
    }

    #[test]
    fn one_place_has_one_answer_at_a_time_being_written() {
        let mut turns = tree();
        assert!(check_free(&turns, Some(1)).is_ok());
        turns[2].status = "running".into();
        assert!(matches!(check_free(&turns, Some(1)), Err(ConversationError::Busy)), "beside it");
        assert!(matches!(check_free(&turns, Some(3)), Err(ConversationError::Busy)), "after it");
        assert!(check_free(&turns, Some(4)).is_ok(), "elsewhere");
    }

    #[test]
    fn a_title_is_one_line_and_not_too_long() {
        assert_eq!(title_of(" What\n is  this? "), "What is this?");
        assert_eq!(title_of(&"ä".repeat(200)).chars().count(), TITLE_CHARS);
    }
}
