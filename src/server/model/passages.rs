//! The documentation in this binary, as passages under their headings, and a search over them. Pure. `guide.rs` quotes them.

use std::{borrow::Cow, collections::HashMap};

use rust_stemmers::{Algorithm, Stemmer};

use super::documents::{DOCUMENTS, Document, Section};

/// Settings whose values are told to nobody. In a file they stop the start (`config/`); but a binary may have been built
/// from one that was never started with, or from a comment.
const SECRETS: [&str; 4] = ["session_key", "anthropic_key", "openai_key", "smtp_url"];

/// A passage longer than this is divided where a paragraph ends.
const PASSAGE_BYTES: usize = 350;

/// Words that say nothing about a question.
const COMMON: &[&str] = &[
    "a", "about", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have", "how",
    "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "our", "should", "so", "that", "the", "their",
    "there", "this", "to", "want", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with",
    "would", "you", "your",
];

/// A part of the documentation under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    pub document: &'static str,
    /// The headings above it, and where the last of them is in its document.
    pub heading: String,
    pub anchor: String,
    pub text: String,
}

#[derive(Debug)]
pub struct Library {
    passages: Vec<Passage>,
    /// How often each word is in each passage, and how many words that are.
    words: Vec<(HashMap<String, u32>, u32)>,
    /// In how many passages each word is.
    spread: HashMap<String, u32>,
}

impl Library {
    /// What is in this binary.
    pub fn embedded() -> Self {
        Self::of(DOCUMENTS.iter().flat_map(Document::sections).flat_map(passages).collect())
    }

    fn of(passages: Vec<Passage>) -> Self {
        let counted = |passage| {
            let words = words_of(passage);
            let length = words.values().sum();
            (words, length)
        };
        let words: Vec<_> = passages.iter().map(counted).collect();
        let mut spread = HashMap::new();
        for word in words.iter().flat_map(|(words, _)| words.keys()) {
            *spread.entry(word.clone()).or_default() += 1;
        }
        Self { passages, words, spread }
    }

    /// The passages that fit a question best, best first, at most so many. None where nothing fits.
    pub fn find(&self, question: &str, most: usize) -> Vec<&Passage> {
        let asked = stems(question);
        let mean =
            self.words.iter().map(|(_, length)| f64::from(*length)).sum::<f64>() / self.words.len().max(1) as f64;
        let score = |(words, length): &(_, u32)| self.score(&asked, words, f64::from(*length) / mean.max(1.0));
        let mut scored: Vec<_> = self.words.iter().map(score).zip(&self.passages).collect();
        scored.retain(|(score, _)| *score > 0.0);
        // The order of the documents where two fit as well.
        scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        scored.into_iter().take(most).map(|(_, passage)| passage).collect()
    }

    /// Okapi BM25 (Robertson and Zaragoza, 2009), with its usual constants.
    fn score(&self, asked: &HashMap<String, u32>, words: &HashMap<String, u32>, length: f64) -> f64 {
        const K: f64 = 1.2;
        const B: f64 = 0.75;
        let all = self.passages.len() as f64;
        let score = |word: &String| {
            let (often, spread) = (f64::from(*words.get(word)?), f64::from(*self.spread.get(word)?));
            let rare = ((all - spread + 0.5) / (spread + 0.5)).ln_1p();
            Some(rare * often * (K + 1.0) / (often + K * (1.0 - B + B * length)))
        };
        asked.keys().filter_map(score).sum()
    }
}

/// The stems of words (Snowball's English), and how often each is there.
pub fn stems(text: &str) -> HashMap<String, u32> {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut words = HashMap::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 1) {
        let word = word.to_lowercase();
        if !COMMON.contains(&word.as_str()) {
            *words.entry(stemmer.stem(&word).into_owned()).or_default() += 1;
        }
    }
    words
}

/// The words of a passage. What stands in its heading is what it is about.
fn words_of(passage: &Passage) -> HashMap<String, u32> {
    const HEADING_COUNTS: u32 = 4;
    let mut words = stems(&passage.text);
    for (word, often) in stems(&passage.heading) {
        *words.entry(word).or_default() += often * HEADING_COUNTS;
    }
    words
}

/// Of settings that are secrets only the names, wherever they stand: in a comment too, or over several lines.
pub fn without_secrets<'t>(document: &str, text: &'t str) -> Cow<'t, str> {
    if document.ends_with(".md") {
        return text.into();
    }
    let mut told = String::with_capacity(text.len());
    // What ends a value that goes on over lines.
    let mut until: Option<&str> = None;
    for line in text.lines() {
        if let Some(end) = until {
            until = until.filter(|_| !line.contains(end));
            continue;
        }
        match secret_in(line) {
            Some((before, value)) => {
                told.push_str(before);
                told.push_str(" \"\"");
                let begun = |quotes: &&str| value.matches(quotes).count() % 2 == 1;
                until = ["\"\"\"", "'''"].into_iter().find(begun);
            }
            None => told.push_str(line),
        }
        told.push('\n');
    }
    told.into()
}

/// The line up to what a secret is set to, and that.
fn secret_in(line: &str) -> Option<(&str, &str)> {
    let value = |name: &&str| {
        let named = line.find(name)? + name.len();
        let equals = named + line[named..].find('=')?;
        let between = line[named..equals].trim_matches(|letter: char| letter.is_whitespace() || "\"'".contains(letter));
        between.is_empty().then(|| line.split_at(equals + 1))
    };
    SECRETS.iter().filter_map(value).min_by_key(|(before, _)| before.len())
}

/// A section, divided where it is long.
fn passages(section: Section) -> Vec<Passage> {
    let Section { document, path: heading, anchor, text, .. } = section;
    let mut passages: Vec<Passage> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let is_long = passages.last().is_some_and(|passage| passage.text.len() > PASSAGE_BYTES);
        if passages.is_empty() || (line.trim().is_empty() && !fenced && is_long) {
            passages.push(Passage { document, heading: heading.clone(), anchor: anchor.clone(), text: String::new() });
        }
        if let Some(passage) = passages.last_mut() {
            passage.text.push_str(line);
            passage.text.push('\n');
        }
    }
    passages.retain(|passage| !passage.text.trim().is_empty());
    passages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_secret_is_set_to_is_told_to_nobody() {
        let text = "[tidemark.assistant]\n# Keys are secrets.\nanthropic_key = \"sk-1\"\n# openai_key='sk-2' # old\n\
             \"openai_key\" = \"\"\"\nsk-3\n\"\"\"\nmodels = [\"large\"]\nmail = { smtp_url = \"smtps://u:sk-4@host\" }\n\
             tidemark.session_key = '''sk-5'''\nlog = \"info\"\n";
        let told = without_secrets("Leptos.toml", text);
        assert!(!told.contains("sk-"), "{told}");
        let kept =
            ["# Keys are secrets.", "anthropic_key = \"\"", "openai_key", "models = [\"large\"]", "log = \"info\""];
        assert!(kept.iter().all(|line| told.contains(line)), "{told}");
        let passage =
            Passage { document: "Leptos.toml", heading: String::new(), anchor: String::new(), text: told.into_owned() };
        let library = Library::of(vec![passage]);
        let found = library.find("anthropic_key session_key smtp_url", 9);
        assert!(!found.is_empty() && found.iter().all(|passage| !passage.text.contains("sk-")), "{found:?}");
    }

    #[test]
    fn a_question_finds_the_passage_that_answers_it() {
        let library = Library::embedded();
        for (question, heading) in [
            ("How do I resume a stream after a cut?", "Resuming"),
            ("what does a reset mean", "Reset"),
            ("adding a new kind of background job", "Jobs"),
            ("who is in a room: presence and typing", "Rooms"),
        ] {
            let found = library.find(question, 3);
            assert!(found.iter().any(|passage| passage.heading.contains(heading)), "{question}: {found:#?}");
        }
        assert!(library.find("how is it?", 3).is_empty() && library.find("", 3).is_empty());
    }
}
