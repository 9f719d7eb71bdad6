//! Conversations that a program keeps by itself and shows whole with each question, as the clients of Vercel's AI SDK do.
//! It gives them a name; what is new in them is stored, and the answer is a run like any other.

use std::sync::Arc;

use super::{
    Asker, Assistant, ConversationError, check_client,
    place::{Writing, add_answer, add_question, create, tell},
    tree::{check_free, is_running, path, question_of},
};
use crate::{
    server::{
        features::{
            answer::{self, Kept},
            runs::Running,
        },
        model::Turn,
        store::{
            StoreError, Tx,
            conversations::{self as rows, TurnRow},
        },
    },
    wire::assistant::ConversationEventKind,
};

/// A message as its client shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What the client calls it.
    pub id: String,
    pub answer: bool,
    pub text: String,
}

/// An answer that is being written, and what its client is to call it.
#[derive(Clone, Debug)]
pub struct Watched {
    pub message: String,
    pub running: Arc<Running>,
}

impl Assistant {
    /// Has the last of these messages answered, a person's. What is known of them stays as it is; what is new and says nothing
    /// is passed over.
    pub async fn answer_in(
        &self,
        asker: &Asker,
        chat: &str,
        given: Vec<Given>,
        model: Option<&str>,
    ) -> Result<Watched, ConversationError> {
        check_client(chat)?;
        // Before anything is done with them: they are looked up in one write, which all others wait for.
        self.chats.check_count(given.len())?;
        let asks = |last: &&Given| !last.answer && !last.text.trim().is_empty();
        let last = given.last().filter(asks).ok_or(ConversationError::Text)?.text.clone();
        let turns: Vec<_> = given
            .iter()
            .filter(|message| !message.text.trim().is_empty())
            .map(|message| if message.answer { Turn::assistant(&message.text) } else { Turn::user(&message.text) })
            .collect();
        let admission = asker.admitted(&self.chats, model, &turns).await?;
        let (owner, chat, writing) = (asker.owner.clone(), chat.to_owned(), Writing::by(&admission));
        let written = self.begin(asker, Some((admission, turns)), move |tx| {
            Box::pin(async move {
                let id = match tx.conversation_named(owner.as_ref(), &chat).await? {
                    Some(row) => row.id,
                    None => {
                        let id = format!("{:032x}", rand::random::<u128>());
                        create(tx, &id, owner, Some(chat), &last).await?;
                        id
                    }
                };
                let mut known = tx.turns(&id).await?;
                // Its program sees one: another could be neither resumed nor stopped.
                if known.iter().any(is_running) {
                    return Err(ConversationError::Busy);
                }
                let mut parent = None;
                for message in &given {
                    parent = place(tx, &id, &mut known, parent, message).await?;
                }
                check_free(&known, parent)?;
                add_answer(tx, &id, parent, writing, None).await.map(Some)
            })
        });
        let (turn, running) = written.await?.ok_or(ConversationError::Message)?;
        Ok(Watched { message: message_name(turn), running })
    }

    /// The answer that is being written in this chat.
    pub async fn watch(&self, asker: &Asker, chat: &str) -> Result<Option<Watched>, ConversationError> {
        let Some(row) = self.newest(asker, chat).await? else { return Ok(None) };
        let running = row.run.as_deref().filter(|_| is_running(&row));
        let running = running.and_then(|run| self.runs.find(run));
        Ok(running.map(|running| Watched { message: message_name(row.id), running }))
    }

    /// Stops it. Whether there was one.
    pub async fn stop_chat(&self, asker: &Asker, chat: &str) -> Result<bool, ConversationError> {
        let row = self.newest(asker, chat).await?.filter(is_running);
        match row {
            Some(row) => self.stop_turn(&row).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// The newest answer of a chat: by the name that its client gave it, or by its id.
    async fn newest(&self, asker: &Asker, chat: &str) -> Result<Option<TurnRow>, ConversationError> {
        check_client(chat)?;
        let named = self.store.conversation_named(asker.owner.as_ref(), chat).await?;
        let by_id = || async {
            let row = self.store.conversation(chat).await?;
            Ok::<_, StoreError>(row.filter(|row| asker.owner.is_some() && row.owner == asker.owner))
        };
        let found = match named {
            Some(row) => Some(row),
            None => by_id().await?,
        };
        let Some(row) = found else { return Ok(None) };
        let turns = rows::turns(&mut *self.store.read().await?, &row.id).await?;
        Ok(path(&turns, row.leaf).last().map(|turn| (*turn).clone()))
    }
}

/// The turn that this message is, added if it is not there and says something; else the one before.
async fn place(
    tx: &mut Tx,
    conversation: &str,
    known: &mut Vec<TurnRow>,
    parent: Option<u64>,
    message: &Given,
) -> Result<Option<u64>, ConversationError> {
    let is_it = |turn: &&TurnRow| turn.parent == parent && turn.answer == message.answer;
    let called = |turn: &&TurnRow| {
        turn.client.as_deref() == Some(&message.id) || turn.answer && message_name(turn.id) == message.id
    };
    // A question whose text is another is another version of it.
    let same = |turn: &&TurnRow| turn.answer || question_of(turn) == message.text;
    if let Some(turn) = known.iter().filter(is_it).filter(called).find(same) {
        return Ok(Some(turn.id));
    }
    if message.text.trim().is_empty() {
        return Ok(parent);
    }
    let free = check_client(&message.id).is_ok() && known.iter().all(|turn| turn.client.as_ref() != Some(&message.id));
    let client = free.then(|| message.id.clone());
    let id = if message.answer {
        let parts = answer::to_json(&[Kept::Text { text: message.text.clone() }]);
        let answered = TurnRow { parent, client, parts, ..TurnRow::complete(conversation, true) };
        let id = tx.add_turn(&answered).await?;
        tell(tx, conversation, ConversationEventKind::AnswerEnded, Some(id)).await?;
        id
    } else {
        add_question(tx, conversation, parent, client, &message.text).await?
    };
    known.extend(tx.turn(id).await?);
    Ok(Some(id))
}

/// What clients call an answer of ours.
fn message_name(turn: u64) -> String {
    format!("answer-{turn}")
}
