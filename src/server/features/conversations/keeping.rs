//! What is done to a conversation besides asking: other versions, names, sharing, its end.

use super::{
    Asker, Assistant, ConversationError, TITLE_CHARS, access,
    place::tell,
    tree::{is_running, newest_below},
};
use crate::{
    server::{
        features::{
            answer, room_answers,
            text::{is_harmful, is_visible},
        },
        store::{Store, StoreError, conversations::ConversationRow, now_ms},
    },
    wire::assistant::{ConversationEventKind, Status},
};

impl Assistant {
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
        let deleted = self.store.write::<_, ConversationError, _>(move |tx| {
            Box::pin(async move {
                // While it is known whose it is.
                tell(tx, &gone, ConversationEventKind::ConversationDeleted, None).await?;
                Ok(tx.delete_conversation(&gone).await?)
            })
        });
        deleted.await?;
        self.door.close(&[access(id)]);
        Ok(())
    }

    /// Ends the answers whose process has died: what was stored of them stays. What is being written here is alive, though
    /// the clock was set or the machine has slept.
    pub async fn end_abandoned(&self) -> Result<(), StoreError> {
        for turn in self.store.abandoned_turns(now_ms()).await? {
            let runs = self.runs.clone();
            let ended = self.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let Some(mut row) = tx.turn(turn).await?.filter(|row| row.lease_ms < tx.now_ms) else {
                        return Ok(());
                    };
                    if !is_running(&row) || row.run.as_deref().is_some_and(|run| runs.find(run).is_some()) {
                        return Ok(());
                    }
                    let mut parts = answer::from_json(&row.parts, &tx.take_chunks(turn).await?);
                    answer::end_tools(&mut parts);
                    row.parts = answer::to_json(&parts);
                    row.status = Status::Interrupted.name().to_owned();
                    tx.set_turn(&row).await?;
                    tell(tx, &row.conversation, ConversationEventKind::AnswerEnded, Some(turn))
                        .await
                        .map_err(|_| StoreError::Broken)
                })
            });
            ended.await?;
        }
        room_answers::end_abandoned(&self.store, &self.runs).await
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
}

/// Forgets what nobody can be shown any more.
pub async fn tidy(store: &Store) -> Result<(), StoreError> {
    /// A conversation of nobody's is remembered for so long: a day.
    const NOBODYS_MS: i64 = 24 * 60 * 60 * 1_000;
    /// For so long it is known that one was deleted: a tab that was away would make it anew.
    const DELETED_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
    /// In one write.
    const BATCH: u64 = 200;
    loop {
        let removed = store.write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                let conversations = tx.forget_nobodys_conversations(tx.now_ms - NOBODYS_MS, BATCH).await?;
                Ok(conversations.max(tx.forget_stray_conversation_topics(tx.now_ms - DELETED_MS, BATCH).await?))
            })
        });
        if removed.await? < BATCH {
            return Ok(());
        }
    }
}
