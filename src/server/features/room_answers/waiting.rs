//! Questions wait in their room, in order, while another is answered. Each is a row that is written with the message that
//! asks it, so that it outlives the process; taken by the write that begins its answer, so that it is answered once.
//!
//! Whoever posts one looks at once whether it can be answered, and whoever ends an answer looks for the next. Where their
//! process has died, any other finds out ([`Store::rooms_that_wait`](crate::server::store::Store::rooms_that_wait)).

use std::sync::Arc;

use super::{answer_to, kept::InRoom, mention, plain, shown};
use crate::{
    server::{
        features::{
            chat::{Admission, ChatError, Payer},
            conversations::Assistant,
            rooms::{RoomError, say},
            runs::{Begin, LEASE_MS, new_run},
        },
        model::Turn,
        store::{
            Connection, StoreError, Tx, answers, messages as rows, now_ms,
            questions::{self, QuestionRow},
            rooms::{self as room_rows, RoomRow},
        },
        tools::Toolbox,
    },
    wire::{Topic, assistant::Cost, room::Message, topic::Mark},
};

/// In a room so many questions wait: a few minutes of answers. Whoever asks one more would have forgotten it by its turn.
const WAITING: u32 = 5;

/// A question that was asked longer ago than this is not answered any more: the room talks of something else.
const LATE_MS: i64 = 10 * 60 * 1_000;

const CROWDED: &str = "Five questions are waiting for me here already. Ask me again when they are answered.";
const LATE: &str = "I did not come to your question within ten minutes; if it still matters, ask me again";

/// The first question of a room that is still to be answered.
struct First {
    row: QuestionRow,
    room: RoomRow,
    question: Message,
    /// What was said besides, oldest first.
    said: Vec<Message>,
    /// Its answer will not stand right beneath it.
    passed: bool,
}

/// Notes that a message asks the assistant, or says that too many do.
pub async fn note(tx: &mut Tx, room: &str, message: u64, payer: &Payer) -> Result<(), StoreError> {
    if tx.questions_in(room).await? >= WAITING {
        return say(tx, room, answer_to(message, CROWDED.to_owned())).await.map(drop);
    }
    let Payer { who, address } = payer.clone();
    let row = QuestionRow { message, payer: who, address, asked_ms: tx.now_ms };
    tx.add_question(room, &row, tx.now_ms + LEASE_MS).await
}

impl Assistant {
    /// Begins the answer to what has waited longest in a room, unless one is being written there. Whoever cannot be answered
    /// is told why, and the next has their turn.
    pub async fn answer_waiting(self: &Arc<Self>, room: &str, tools: &Toolbox) -> Result<(), RoomError> {
        // Two that look at the same question would both take a place for it, and the second might be refused one.
        let _alone = self.beginning.lock().await;
        while !self.runs.is_closing() && self.answer_first(room, tools).await? {}
        Ok(())
    }

    /// Whether there may be another to be looked at.
    async fn answer_first(self: &Arc<Self>, room: &str, tools: &Toolbox) -> Result<bool, RoomError> {
        let mut read = self.store.read().await?;
        let waiting = questions::waiting(&mut read, room).await?;
        let Some(row) = waiting.first().cloned() else { return Ok(false) };
        if answers::is_answering(&mut read, room, now_ms()).await? {
            return Ok(false);
        }
        let Some((found, question)) = asked(&mut read, room, row.message).await? else {
            drop(read);
            let write = self
                .store
                .write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.take_question(row.message).await }));
            write.await?;
            return Ok(true);
        };
        let (mut said, _) = rows::before(&mut read, room, None, shown::SHOWN + waiting.len() as u32).await?;
        drop(read);
        let passed = said.last().is_some_and(|newest| newest.id != row.message);
        // The others that wait have turns of their own.
        said.retain(|message| waiting.iter().all(|row| row.message != message.id));
        self.answer_in_room(First { row, room: found, question, said, passed }, tools).await?;
        Ok(true)
    }

    async fn answer_in_room(self: &Arc<Self>, first: First, tools: &Toolbox) -> Result<(), RoomError> {
        let name = plain(&first.question.author.name);
        if now_ms() - first.row.asked_ms > LATE_MS {
            return self.decline_in_room(&first, format!("{name}, {LATE}.")).await;
        }
        let turns = shown::turns(&first.said, &first.question);
        let payer = Payer { who: first.row.payer.clone(), address: first.row.address.clone() };
        match self.chats.admit(&payer, None, &turns).await {
            Ok(admission) => {
                let admission = admission.telling(shown::introduction(&first.room));
                self.begin_in_room(first, admission, turns, tools).await
            }
            Err(ChatError::Store(error)) => Err(error.into()),
            Err(error) => self.decline_in_room(&first, format!("{name}, {error}.")).await,
        }
    }

    /// Says why there is no answer.
    async fn decline_in_room(&self, first: &First, why: String) -> Result<(), RoomError> {
        let (room, message) = (first.room.id.clone(), answer_to(first.row.message, why));
        let question = first.row.message;
        let said = self.store.write::<_, RoomError, _>(move |tx| {
            Box::pin(async move {
                if is_its_turn(tx, &room, question).await? {
                    say(tx, &room, message).await?;
                }
                Ok(())
            })
        });
        said.await
    }

    async fn begin_in_room(
        self: &Arc<Self>,
        first: First,
        admission: Admission,
        turns: Vec<Turn>,
        tools: &Toolbox,
    ) -> Result<(), RoomError> {
        let id = new_run();
        let run = Mark { position: Some(self.runs.head(&id)), topic: Topic::Run { id: id.clone() } };
        let before = addressed(&first);
        let begun = Message { run: Some(run.to_string()), ..answer_to(first.row.message, before.clone()) };
        let (place, question) = (first.room.id.clone(), first.row.message);
        let written = self.store.write::<_, RoomError, _>(move |tx| {
            Box::pin(async move {
                if !is_its_turn(tx, &place, question).await? {
                    return Ok(None);
                }
                let (message, _) = say(tx, &place, begun).await?;
                tx.begin_message(message.id, &run, tx.now_ms + LEASE_MS).await?;
                Ok(Some(message.id))
            })
        });
        let Some(message) = written.await? else { return Ok(()) };
        let keep = InRoom {
            assistant: self.clone(),
            tools: tools.clone(),
            room: first.room.id,
            message,
            run: id.clone(),
            before: before.clone(),
            chunks: Default::default(),
        };
        let (keep, tools) = (Arc::new(keep), tools.clone());
        let (earlier, spent) = (Vec::new(), Cost::default());
        self.runs.begin(Begin { id, earlier, spent, turns, admission, tools, keep, whole: Some(before) });
        Ok(())
    }
}

/// Takes a question out of what waits, unless another process has done so or answers in this room.
async fn is_its_turn(tx: &mut Tx, room: &str, question: u64) -> Result<bool, StoreError> {
    Ok(!answers::is_answering(&mut tx.connection, room, tx.now_ms).await? && tx.take_question(question).await?)
}

/// The question and its room, if it still is one: neither taken back nor changed into something else.
async fn asked(read: &mut Connection, room: &str, message: u64) -> Result<Option<(RoomRow, Message)>, StoreError> {
    let found = room_rows::room(read, room).await?.filter(|found| !found.archived);
    let (said, _) = rows::before(read, room, Some(message + 1), 1).await?;
    let question = said.into_iter().next_back().filter(|last| last.id == message && !last.deleted);
    Ok(found.zip(question.filter(|question| mention(&question.text).is_some())))
}

/// An answer that does not stand beneath its question says whose that is. It quotes nothing: what is taken back is gone.
fn addressed(first: &First) -> String {
    if !first.passed {
        return String::new();
    }
    let First { room, question, .. } = first;
    format!("[@{}](/rooms/{}#m{})\n\n", plain(&question.author.name), room.id, question.id)
}
