//! Conversations as they are shown: one path of the tree, with the answers that are being written as far as they have
//! come, and the positions at which all of it is true.

use std::collections::HashMap;

use super::{
    Assistant,
    place::cost_of,
    topic,
    tree::{is_running, path, question_of},
};
use crate::{
    server::{
        features::{answer, runs::Runs, search::words},
        markdown::Effort,
        store::{
            StoreError,
            conversations::{self as rows, ConversationRow, TurnRow},
            jobs::Owner,
        },
    },
    wire::{
        assistant::{Conversation, ConversationItem, Message, Run, Status},
        topic::Segment,
    },
};

impl Assistant {
    /// A conversation, if this person may read it: their own, or one that is shared.
    pub async fn view(&self, id: &str, person: Option<&str>) -> Result<Option<Conversation>, StoreError> {
        let seen = self.look(id, person).await?;
        // Rows are read first, and then what is written here. An answer that has ended in between is running to the first look
        // and nowhere to be found by the second. By now its end is stored; unless it is another process that writes it.
        let is_between = |message: &Message| message.status == Status::Running && message.run.is_none();
        match seen {
            Some(seen) if seen.messages.iter().any(is_between) => self.look(id, person).await,
            seen => Ok(seen),
        }
    }

    async fn look(&self, id: &str, person: Option<&str>) -> Result<Option<Conversation>, StoreError> {
        let (Ok(segment), Ok(topic)) = (Segment::new(id), topic(id)) else { return Ok(None) };
        let mut read = self.store.read().await?;
        let Some(row) = rows::conversation_in(&mut read, id).await? else { return Ok(None) };
        let mine = person.is_some_and(|person| row.owner == Some(Owner::Person(person.to_owned())));
        if !mine && !row.shared {
            return Ok(None);
        }
        let position = self.store.head(&mut read, &topic).await?;
        let turns = rows::turns(&mut read, id).await?;
        let mut chunks = HashMap::new();
        for turn in turns.iter().filter(|turn| turn.status == Status::Running.name()) {
            chunks.insert(turn.id, rows::chunks(&mut read, turn.id).await?);
        }
        drop(read);
        let (runs, leaf) = (self.runs.clone(), row.leaf);
        // Code is coloured here, for milliseconds a block: elsewhere than where everybody's streams are written. The newest
        // messages first: there is an end to what is coloured at each look.
        let shown = tokio::task::spawn_blocking(move || {
            let mut effort = Effort::default();
            let newest_first = path(&turns, leaf).into_iter().rev();
            let messages = newest_first.map(|turn| message(&runs, turn, &turns, chunks.get(&turn.id), &mut effort));
            let mut messages: Vec<_> = messages.collect();
            messages.reverse();
            messages
        });
        let messages = shown.await.map_err(|_| StoreError::Broken)?;
        let ConversationRow { title, shared, .. } = row;
        Ok(Some(Conversation { id: segment, title, position, mine, shared, messages }))
    }

    /// A person's conversations, the newest first; of those, where words are looked for, the ones that have all of them.
    pub async fn list(&self, person: &str, search: &str, most: u32) -> Result<Vec<ConversationItem>, StoreError> {
        let words = words(search);
        if words.is_empty() && !search.trim().is_empty() {
            return Ok(Vec::new());
        }
        let found = self.store.conversations_of(person, &words, most).await?;
        let item = |row: ConversationRow| ConversationItem {
            id: row.id,
            title: row.title,
            shared: row.shared,
            updated: row.updated_ms as u64,
        };
        Ok(found.into_iter().map(item).collect())
    }
}

fn message(
    runs: &Runs,
    turn: &TurnRow,
    turns: &[TurnRow],
    chunks: Option<&Vec<String>>,
    effort: &mut Effort,
) -> Message {
    let beside: Vec<_> = turns
        .iter()
        .filter(|other| other.parent == turn.parent && other.answer == turn.answer)
        .map(|other| other.id)
        .collect();
    let at = beside.iter().position(|id| *id == turn.id).unwrap_or(0);
    let message = Message {
        id: turn.id,
        answer: turn.answer,
        text: String::new(),
        parts: Vec::new(),
        status: Status::named(&turn.status),
        error: turn.error.clone(),
        run: None,
        version: at as u32 + 1,
        versions: beside.len() as u32,
        previous: at.checked_sub(1).and_then(|at| beside.get(at)).copied(),
        next: beside.get(at + 1).copied(),
        // Until it has ended, it is not known.
        cost: cost_of(turn).filter(|_| !is_running(turn)),
        time: turn.created_ms as u64,
    };
    if !turn.answer {
        return Message { text: question_of(turn), ..message };
    }
    let running = turn.run.as_deref().filter(|_| message.status == Status::Running);
    if let Some((parts, text, position)) = running.and_then(|run| runs.find(run)?.view())
        && let Some(id) = turn.run.as_deref().and_then(|run| Segment::new(run).ok())
    {
        return Message { parts, text, run: Some(Run { id, position }), ..message };
    }
    // Another process writes it, or it has just ended.
    let kept = answer::from_json(&turn.parts, chunks.map_or(&[], Vec::as_slice));
    Message { parts: answer::shown(&kept, effort), text: answer::text(&kept), ..message }
}
