//! Texts that were rendered lately, with their HTML: a conversation is looked at anew whenever something happens in it, a
//! room by everybody who enters, and colouring code takes milliseconds each time. Called by `render_within`.

use std::sync::LazyLock;

use quick_cache::{Weighter, sync::Cache};

/// So many bytes of texts and HTML are remembered; of about so many texts.
const BYTES: u64 = 16 << 20;
const TEXTS: usize = 4_000;

/// What remembering one takes besides, in bytes.
const AROUND: usize = 128;

static RENDERED: LazyLock<Cache<String, Vec<String>, Size>> =
    LazyLock::new(|| Cache::with_weighter(TEXTS, BYTES, Size));

#[derive(Clone)]
struct Size;

impl Weighter<String, Vec<String>> for Size {
    fn weight(&self, text: &String, blocks: &Vec<String>) -> u64 {
        (AROUND + text.len() + blocks.iter().map(|block| AROUND + block.len()).sum::<usize>()) as u64
    }
}

/// The blocks of this very text.
pub fn find(text: &str) -> Option<Vec<String>> {
    RENDERED.get(text)
}

pub fn remember(text: &str, blocks: &[String]) {
    RENDERED.insert(text.to_owned(), blocks.to_vec());
}
