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

#[cfg(test)]
mod fuzz {
    use std::sync::Arc;

    use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

    use super::*;

    /// What FTS5's language has, and what its tokenizer makes nothing of.
    const PARTS: &[&str] = &[
        "a", "AND", "OR", "NOT", "NEAR(", "\"", "\"\"", "'", "*", "^", "-", "+", ":", "(", ")", "{", "}", "text:", ",",
        ";", "--", "Ⓐ", "²", "日本", "\u{301}", "\0", "\u{1}", "\u{ad}", " ", " ", " ", "\n",
    ];

    /// `make audit` tries many times as many cases as `make test` does.
    #[test]
    fn whatever_is_looked_for_the_store_understands_it() {
        let part = prop_oneof![
            8 => prop::sample::select(PARTS).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
            1 => any::<String>(),
        ];
        let texts = vec(part, 0..12).prop_map(|parts| parts.concat());
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let store = runtime.block_on(Store::open(folder.path(), Arc::new(|_| {}))).expect("a store");
        let asked = TestRunner::default().run(&texts, |text| {
            let found = runtime.block_on(search(&store, &text, "nobody", None));
            prop_assert!(found.is_ok(), "{:?}", found);
            Ok(())
        });
        runtime.block_on(store.close());
        assert_eq!(asked, Ok(()));
    }
}
