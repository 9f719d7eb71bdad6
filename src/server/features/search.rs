//! Looking for messages by their words, in the rooms that one may read.

use crate::server::store::{Store, StoreError, search::Hit};

/// A page of what was found.
pub const SHOWN: u32 = 30;

/// So many words are looked for, each of so many characters; what is beyond is left out.
const WORDS: usize = 10;
const WORD_CHARS: usize = 50;

/// What was found, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// There are older ones.
    pub more: bool,
}

/// Messages that hold all the words of a text. Nothing is found where there are none.
pub async fn search(store: &Store, text: &str, person: &str, before: Option<u64>) -> Result<Found, StoreError> {
    let words = words(text);
    if words.is_empty() {
        return Ok(Found::default());
    }
    let mut hits = store.search(&words, person, before, SHOWN + 1).await?;
    let more = hits.len() > SHOWN as usize;
    hits.truncate(SHOWN as usize);
    Ok(Found { hits, more })
}

/// The words of a text. What has neither letters nor digits is none: no message can be found by it.
pub fn words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric));
    words.take(WORDS).map(|word| word.chars().filter(|c| !c.is_control()).take(WORD_CHARS).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_can_be_found_and_not_too_many() {
        assert_eq!(words(" Good  morning, \"all\" ! -- 日本"), ["Good", "morning,", "\"all\"", "日本"]);
        assert!(words(" ?! * ( ").is_empty());
        assert_eq!(words(&"x ".repeat(100)).len(), WORDS);
        assert_eq!(words(&"x".repeat(100))[0].len(), WORD_CHARS);
    }
}
