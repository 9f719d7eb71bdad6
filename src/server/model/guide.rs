//! The offline guide: what stands in for a model where none is set up. It is search, not a model, and says so: it finds the
//! passages of the documentation in this binary that fit a question, and quotes them with where they are from.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use futures::{StreamExt, stream};
use rust_stemmers::{Algorithm, Stemmer};

use super::{Answer, Model, Piece, Prompt, Role, Stop, Usage};

/// What it has read: a name, where it can be read, and the text.
const DOCUMENTS: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../README.md")),
    ("docs/ARCHITECTURE.md", include_str!("../../../docs/ARCHITECTURE.md")),
    ("docs/protocol.md", include_str!("../../../docs/protocol.md")),
    ("Leptos.toml", include_str!("../../../Leptos.toml")),
];

/// The line that brings a model.
pub const ADD_A_MODEL: &str = "TIDEMARK_ASSISTANT__ANTHROPIC_KEY=…";

/// So many passages are quoted, of so many characters each.
const QUOTED: usize = 3;
const PASSAGE_CHARS: usize = 700;

/// A piece of an answer is about a word long, and comes after this: so that one sees it stream.
const PACE: Duration = Duration::from_millis(12);

/// Words that say nothing about a question.
const COMMON: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have", "how", "i",
    "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "that", "the", "there", "this", "to", "was", "what",
    "when", "where", "which", "who", "why", "will", "with", "you", "your",
];

/// A part of the documentation under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    pub document: &'static str,
    /// The headings above it.
    pub heading: String,
    pub text: String,
}

#[derive(Debug)]
pub struct Guide {
    passages: Vec<Passage>,
    /// How often each word is in each passage.
    words: Vec<HashMap<String, u32>>,
    /// In how many passages each word is.
    spread: HashMap<String, u32>,
}

impl Guide {
    /// What is in this binary.
    pub fn embedded() -> Self {
        let passages: Vec<_> = DOCUMENTS.iter().flat_map(|(name, text)| passages(name, text)).collect();
        let words: Vec<_> = passages.iter().map(words_of).collect();
        let mut spread = HashMap::new();
        for word in words.iter().flat_map(HashMap::keys) {
            *spread.entry(word.clone()).or_default() += 1;
        }
        Self { passages, words, spread }
    }

    /// The passages that fit a question best, best first. None where nothing fits.
    pub fn find(&self, question: &str) -> Vec<&Passage> {
        let asked: Vec<_> = counted(question).into_keys().collect();
        let mut scored: Vec<_> =
            self.words.iter().enumerate().map(|(at, words)| (self.score(&asked, words), at)).collect();
        scored.retain(|(score, _)| *score > 0.0);
        scored.sort_by(|(a, at), (b, bt)| b.total_cmp(a).then(at.cmp(bt)));
        scored.iter().take(QUOTED).map(|(_, at)| &self.passages[*at]).collect()
    }

    /// Okapi BM25 (Robertson and Zaragoza, 2009), with its usual constants.
    fn score(&self, asked: &[String], words: &HashMap<String, u32>) -> f64 {
        const K: f64 = 1.2;
        const B: f64 = 0.75;
        let all = self.passages.len() as f64;
        let length = f64::from(words.values().sum::<u32>());
        let mean = f64::from(self.words.iter().flat_map(HashMap::values).sum::<u32>()) / all.max(1.0);
        let score = |word: &String| {
            let (often, spread) = (f64::from(*words.get(word)?), f64::from(*self.spread.get(word)?));
            let rare = ((all - spread + 0.5) / (spread + 0.5)).ln_1p();
            Some(rare * often * (K + 1.0) / (often + K * (1.0 - B + B * length / mean.max(1.0))))
        };
        asked.iter().filter_map(score).sum()
    }

    fn reply(&self, question: &str) -> String {
        let found = self.find(question);
        let mut text = if found.is_empty() {
            "Nothing in the documentation fits these words. Try others: *resume*, *WebSocket*, *jobs*, *presence*.\n"
                .to_owned()
        } else {
            "From the documentation:\n".to_owned()
        };
        for Passage { document, heading, text: passage } in found {
            let _ = write!(text, "\n**{heading}** ({document})\n\n{}\n", shortened(passage));
        }
        let _ = write!(text, "\n*This is search, not a model. To talk to one, set* `{ADD_A_MODEL}` *and restart.*\n");
        text
    }
}

impl Model for Guide {
    fn name(&self) -> &str {
        "offline guide"
    }

    fn is_paid(&self) -> bool {
        false
    }

    fn answer(&self, prompt: Prompt) -> Answer {
        let question = prompt.turns.iter().rev().find(|turn| turn.role == Role::User);
        let reply = self.reply(question.map_or("", |turn| &turn.text));
        let words: Vec<_> = reply.split_inclusive(' ').map(str::to_owned).collect();
        let usage = Usage { input_tokens: 0, output_tokens: 0 };
        let pieces = stream::iter(words).then(|word| async {
            tokio::time::sleep(PACE).await;
            Ok(Piece::Text(word))
        });
        Box::pin(pieces.chain(stream::iter([Ok(Piece::Usage(usage)), Ok(Piece::Stopped(Stop::Done))])))
    }
}

/// A document's parts, each under its headings. What is in a fenced block is no heading.
fn passages(document: &'static str, text: &'static str) -> Vec<Passage> {
    let mut headings: Vec<(usize, &str)> = Vec::new();
    let mut passages: Vec<Passage> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let level = line.bytes().take_while(|b| *b == b'#').count();
        let title = line[level..].trim();
        let is_heading =
            !fenced && (1..=4).contains(&level) && line[level..].starts_with(' ') && document.ends_with(".md");
        if is_heading {
            headings.retain(|(above, _)| *above < level);
            headings.push((level, title));
        }
        let begins = is_heading || passages.is_empty() || (line.trim().is_empty() && !fenced && is_long(&passages));
        if begins {
            let heading = headings.iter().map(|(_, title)| *title).collect::<Vec<_>>().join(" › ");
            passages.push(Passage { document, heading, text: String::new() });
        }
        if let (false, Some(passage)) = (is_heading, passages.last_mut()) {
            passage.text.push_str(line);
            passage.text.push('\n');
        }
    }
    passages.retain(|passage| !passage.text.trim().is_empty());
    passages
}

fn is_long(passages: &[Passage]) -> bool {
    passages.last().is_some_and(|passage| passage.text.len() > PASSAGE_CHARS / 2)
}

/// The words of a passage. What stands in its heading is what it is about.
fn words_of(passage: &Passage) -> HashMap<String, u32> {
    const HEADING_COUNTS: u32 = 4;
    let mut words = counted(&passage.text);
    for (word, often) in counted(&passage.heading) {
        *words.entry(word).or_default() += often * HEADING_COUNTS;
    }
    words
}

/// The stems of words (Snowball's English), and how often each is there.
fn counted(text: &str) -> HashMap<String, u32> {
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

/// Whole lines, as many as fit; an open fence is closed.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    for line in text.trim().lines() {
        if short.len() + line.len() > PASSAGE_CHARS && !short.is_empty() {
            short.push_str("…\n");
            break;
        }
        short.push_str(line);
        short.push('\n');
    }
    if short.matches("```").count() % 2 == 1 {
        short.push_str("```\n");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_finds_the_passage_that_answers_it() {
        let guide = Guide::embedded();
        for (question, heading) in [
            ("How do I resume a stream after a cut?", "Resuming"),
            ("what does a reset mean", "Reset"),
            ("adding a new kind of background job", "Jobs"),
            ("who is in a room: presence and typing", "Rooms"),
        ] {
            let found = guide.find(question);
            assert!(found.iter().any(|passage| passage.heading.contains(heading)), "{question}: {found:#?}");
        }
        assert!(guide.find("how is it?").is_empty() && guide.find("").is_empty());
    }

    #[test]
    fn what_is_quoted_is_whole_lines_and_closed_fences() {
        let long = format!("```sh\n{}```\n", "echo a line of a block\n".repeat(60));
        let short = shortened(&long);
        assert!(short.len() < PASSAGE_CHARS + 50 && short.matches("```").count() == 2, "{short}");
        assert_eq!(shortened("one\ntwo\n"), "one\ntwo\n");
    }
}
