//! A person's conversations, and the search in them: in the texts as people read them, whatever letters are large or have accents.

use std::collections::HashSet;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::{
    Store, StoreError,
    conversations::{CONVERSATION, ConversationRow, conversation},
};

impl Store {
    /// A person's, the newest first; of those, where words are looked for, in whose title or in one of whose messages all of
    /// them are.
    pub async fn conversations_of(
        &self,
        person: &str,
        words: &[String],
        most: u32,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        let text = format!("{CONVERSATION} WHERE person_id = $1 ORDER BY updated_ms DESC LIMIT $2");
        let looked_at = if words.is_empty() { i64::from(most) } else { i64::MAX };
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(person).bind(looked_at).fetch_all(&self.reads).await?;
        let mut found: Vec<_> = rows.iter().map(conversation).collect();
        if !words.is_empty() {
            let words: Vec<_> = words.iter().map(|word| folded(word)).collect();
            let in_text = self.conversations_with(person, &words).await?;
            let in_title = |title: &str| words.iter().all(|word| title.contains(word));
            found.retain(|row| in_text.contains(&row.id) || in_title(&folded(&row.title)));
            found.truncate(most as usize);
        }
        Ok(found)
    }

    async fn conversations_with(&self, person: &str, words: &[String]) -> Result<HashSet<String>, StoreError> {
        let like: Vec<_> = words.iter().map(|word| like(word)).collect();
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT turn.conversation_id FROM conversation JOIN turn ON turn.conversation_id = conversation.id \
             WHERE conversation.person_id = $1 AND NOT EXISTS (SELECT 1 FROM json_each($2) AS word \
             WHERE turn.plain NOT LIKE word.value ESCAPE '\\')",
        )
        .bind(person)
        .bind(serde_json::to_string(&like)?)
        .fetch_all(&self.reads)
        .await?;
        Ok(found.into_iter().collect())
    }
}

/// What is searched of a turn: its texts, of all that stands in its `parts`.
pub(super) fn plain(parts: &str) -> String {
    #[derive(Deserialize)]
    struct Part {
        r#type: String,
        #[serde(default)]
        text: String,
    }
    let parts: Vec<Part> = serde_json::from_str(parts).unwrap_or_default();
    let texts = parts.iter().filter(|part| part.r#type == "text").map(|part| part.text.as_str());
    folded(&texts.collect::<Vec<_>>().join("\n"))
}

/// Without large letters and accents.
fn folded(text: &str) -> String {
    text.to_lowercase().nfd().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).collect()
}

/// A word anywhere in a text, in LIKE's language.
fn like(word: &str) -> String {
    ["%", &word.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"), "%"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_what_was_written_and_nothing_else() {
        let parts = r#"[{"type":"thinking","text":"hidden","signature":"s"},{"type":"text","text":"Über \"it\""},
            {"type":"tool","id":"c1","name":"read_guide","output":"said"},{"type":"text","text":"ÉTÉ"}]"#;
        assert_eq!(plain(parts), "uber \"it\"\nete");
        assert_eq!((plain("[]").as_str(), plain("no JSON").as_str()), ("", ""));
        assert_eq!(like(r"100%_\\"), r"%100\%\_\\\\%");
    }
}
