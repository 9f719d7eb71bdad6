//! Full-text search over messages. SQLite's own: FTS5 (migration 0011). What it answers, another database's index can too.

use sqlx::Row;

use super::{Store, StoreError};

/// Around what was found in a text: characters that no message has.
pub const FOUND: char = '\u{1}';
pub const FOUND_END: char = '\u{2}';

/// So many words of a text are shown around what was found.
const WORDS: i64 = 24;

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub id: u64,
    pub room: String,
    pub room_title: String,
    pub author: String,
    pub hue: u16,
    /// Milliseconds since 1970 (UTC).
    pub time: u64,
    /// A part of the text, [`FOUND`] and [`FOUND_END`] around what was looked for.
    pub text: String,
}

impl Store {
    /// The newest messages that hold all these words, of rooms that this person may read: the public ones and their own.
    /// The last word may be the beginning of one. Those before message `before`, at most `most`.
    pub async fn search(
        &self,
        words: &[String],
        person: &str,
        before: Option<u64>,
        most: u32,
    ) -> Result<Vec<Hit>, StoreError> {
        let text = "SELECT message.id, room.id, room.title, COALESCE(person.name, message.author_name), \
             message.author_hue, message.created_ms, snippet(message_search, 0, char(1), char(2), '…', $5) \
             FROM message_search JOIN message ON message.id = message_search.rowid \
             JOIN room ON room.id = message.room_id LEFT JOIN person ON person.id = message.author_id \
             WHERE message_search MATCH $1 AND message_search.rowid < $2 AND message.deleted_ms IS NULL \
             AND (NOT room.private OR EXISTS (SELECT 1 FROM member WHERE member.room_id = room.id \
             AND member.person_id = $3)) ORDER BY message_search.rowid DESC LIMIT $4";
        let rows = sqlx::query(text)
            .bind(query(words))
            .bind(before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX)))
            .bind(person)
            .bind(most)
            .bind(WORDS)
            .fetch_all(&self.reads)
            .await?;
        let hit = |row: &sqlx::sqlite::SqliteRow| Hit {
            id: row.get::<i64, _>(0) as u64,
            room: row.get(1),
            room_title: row.get(2),
            author: row.get(3),
            hue: row.get::<i64, _>(4) as u16,
            time: row.get::<i64, _>(5) as u64,
            text: row.get(6),
        };
        Ok(rows.iter().map(hit).collect())
    }
}

/// Words in FTS5's language, each a string of its own, so that nothing in them is an operator.
fn query(words: &[String]) -> String {
    let quoted = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(" ") + "*"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_looked_for_is_words_and_no_operators() {
        let words = ["a\"b".to_owned(), "NEAR(".to_owned(), "-x".to_owned()];
        assert_eq!(query(&words), r#""a""b" "NEAR(" "-x"*"#);
    }
}
