//! Turns as they are written down, each with the event that tells of it; and where an answer is kept while it is written.

use futures::future::BoxFuture;

use super::{
    CONVERSATIONS_A_PERSON, ConversationError, NOBODYS_CONVERSATIONS, list_topic, topic,
    tree::{newest_below, title_of},
};
use crate::{
    server::{
        features::{
            answer::{self, Kept},
            runs::{Ended, Go, Keep, LEASE_MS},
        },
        store::{
            Store, StoreError, Tx,
            conversations::{ConversationRow, TurnRow},
            jobs::Owner,
        },
    },
    wire::{
        assistant::{ConversationEvent, ConversationEventKind, Cost, ListEvent, Status},
        topic::Segment,
    },
};

/// What is about to write an answer.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub run: Segment,
    pub model: String,
}

/// An answer that is about to be written.
#[derive(Debug)]
pub(super) struct Place {
    pub turn: u64,
    pub run: Segment,
    /// What is there of it already, and what that has cost.
    pub earlier: Vec<Kept>,
    pub spent: Cost,
}

/// An answer's place in a conversation.
#[derive(Debug)]
pub(super) struct InConversation {
    pub store: Store,
    pub turn: u64,
    pub run: Segment,
}

impl Keep for InConversation {
    fn add(&self, added: Option<String>) -> BoxFuture<'_, Result<Go, StoreError>> {
        let (turn, run) = (self.turn, self.run.clone());
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
        let (turn, run) = (self.turn, self.run.clone());
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
    match &owner {
        Some(owner) if tx.conversations_owned(owner).await? >= CONVERSATIONS_A_PERSON => {
            return Err(ConversationError::TooMany);
        }
        Some(_) => {}
        // Nobody is refused because of what others did: the oldest give way.
        None => tx.forget_nobodys_conversations_beyond(NOBODYS_CONVERSATIONS).await?,
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
    Writing { run, model }: Writing,
    existing: Option<u64>,
) -> Result<Place, ConversationError> {
    let row = match existing {
        None => TurnRow::complete(conversation, true),
        Some(turn) => tx.turn(turn).await?.ok_or(ConversationError::Message)?,
    };
    // Which model it is has to be known though its process dies.
    let spent = Cost { model, ..cost_of(&row).unwrap_or_default() };
    let earlier = answer::from_json(&row.parts, &[]);
    let begun = TurnRow {
        parent,
        status: Status::Running.name().to_owned(),
        error: None,
        run: Some(run.to_string()),
        lease_ms: tx.now_ms + LEASE_MS,
        stopping: false,
        cost: serde_json::to_string(&spent).ok(),
        ..row
    };
    let (turn, leaf) = match existing {
        None => {
            let turn = tx.add_turn(&begun).await?;
            (turn, turn)
        }
        Some(turn) => {
            tx.set_turn(&begun).await?;
            // What was said after it is shown as before.
            (turn, newest_below(&tx.turns(conversation).await?, turn))
        }
    };
    tx.set_leaf(conversation, leaf).await?;
    tell(tx, conversation, ConversationEventKind::AnswerBegun, Some(turn)).await?;
    Ok(Place { turn, run, earlier, spent })
}

/// What has answered, and what that took.
pub(super) fn cost_of(row: &TurnRow) -> Option<Cost> {
    row.cost.as_deref().and_then(|cost| serde_json::from_str(cost).ok())
}

pub(super) async fn tell(
    tx: &mut Tx,
    conversation: &str,
    kind: ConversationEventKind,
    message: Option<u64>,
) -> Result<(), ConversationError> {
    tx.publish(&topic(conversation)?, &ConversationEvent { kind, message }).await?;
    // The list beside it says what it is called, and how new it is.
    let owner = tx.conversation(conversation).await?.and_then(|row| row.owner);
    if let Some(Owner::Person(person)) = owner
        && let Some(list) = list_topic(&person)
    {
        tx.publish(&list, &ListEvent { kind, conversation: conversation.to_owned() }).await?;
    }
    Ok(())
}
