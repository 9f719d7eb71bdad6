//! What is forgotten of conversations: nobody's, after a while or when there are too many, and the topics of those that are
//! gone. Called when one is made, and by the housekeeping.

use crate::server::store::{StoreError, Tx};

/// Topics of conversations that are gone, and were before a time: those whose name ends with no conversation's id. Looked up
/// by the index of the names and that of the ids, however many there are. "0" is what follows "/".
const STRAY_TOPICS: &str = "SELECT name FROM topic WHERE name >= 'conversation/' AND name < 'conversation0' \
     AND NOT EXISTS (SELECT 1 FROM conversation WHERE conversation.id = substr(topic.name, 14)) AND NOT EXISTS (SELECT 1 FROM event \
     WHERE event.topic_id = topic.id AND event.\"offset\" = topic.head AND event.published_ms >= $1) LIMIT $2";

impl Tx {
    /// Removes nobody's oldest conversations, so that there is a place below so many.
    pub async fn forget_nobodys_conversations_beyond(&mut self, most: u32) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE person_id IS NULL \
             AND api_key_id IS NULL ORDER BY updated_ms DESC LIMIT 100 OFFSET $1)",
        )
        .bind(most.saturating_sub(1))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Removes nobody's conversations that were not touched since; how many.
    pub async fn forget_nobodys_conversations(&mut self, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let removed = sqlx::query(
            "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE person_id IS NULL \
             AND api_key_id IS NULL AND updated_ms < $1 LIMIT $2)",
        )
        .bind(before_ms)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .execute(&mut self.connection)
        .await?;
        Ok(removed.rows_affected())
    }

    /// Removes topics of conversations that were gone before a time; how many.
    pub async fn forget_stray_conversation_topics(&mut self, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let text = format!("DELETE FROM topic WHERE name IN ({STRAY_TOPICS})");
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let removed = sqlx::query(sqlx::AssertSqlSafe(text)).bind(before_ms).bind(most);
        Ok(removed.execute(&mut self.connection).await?.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sqlx::Row;

    use super::*;
    use crate::server::store::Store;

    /// How SQLite goes about a query, step by step.
    async fn plan(store: &Store, query: &str) -> Vec<String> {
        let mut read = store.read().await.expect("the store");
        let text = format!("EXPLAIN QUERY PLAN {query}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut *read).await.expect("a plan");
        rows.iter().map(|row| row.get("detail")).collect()
    }

    #[tokio::test]
    async fn what_is_tidied_is_looked_up_and_not_searched_for_among_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Arc::new(|_| {})).await.expect("a store");
        // The second is what SQLite asks for each turn that goes.
        for query in [STRAY_TOPICS, "SELECT id FROM turn WHERE parent = $1"] {
            let plan = plan(&store, query).await;
            assert!(plan.iter().any(|step| step.starts_with("SEARCH")), "{query}: {plan:#?}");
            assert!(plan.iter().all(|step| !step.contains("SCAN")), "{query}: {plan:#?}");
        }
    }
}
