//! The offline guide: what stands in for a model where none is set up, and can always be chosen. It is search, not a model, and
//! says so: it knows which way of being in real time fits what, finds the passages of the documentation in this binary that
//! fit a question, and quotes them with where they are from.

use std::{fmt::Write as _, time::Duration};

use futures::{StreamExt, stream};

use super::{
    Answer, Model, Piece, Prompt, Role, Stop, Turn, Usage,
    documents::{address, linked},
    passages::{Library, Passage, stems},
    patterns,
};

/// The line that brings a model.
pub const ADD_A_MODEL: &str = "TIDEMARK_ASSISTANT__ANTHROPIC_KEY=…";

/// So many passages are quoted, of so many bytes each.
const QUOTED: usize = 3;
const QUOTED_BYTES: usize = 700;

/// A piece of an answer is about a word long, and comes after this: so that one sees it stream.
const PACE: Duration = Duration::from_millis(12);

#[derive(Debug)]
pub struct Guide(Library);

impl Guide {
    /// What is in this binary.
    pub fn embedded() -> Self {
        Self(Library::embedded())
    }

    /// What is to be said to the last question; of an answer that broke off, the rest.
    fn say(&self, turns: &[Turn]) -> String {
        let asked = |turn: &Turn| turn.is_asked() && !turn.asks_to_go_on();
        let Some(at) = turns.iter().rposition(asked) else { return self.reply("") };
        let reply = self.reply(&turns[at].text());
        let said: String = turns[at + 1..].iter().filter(|turn| turn.role == Role::Assistant).map(Turn::text).collect();
        match reply.strip_prefix(&said) {
            Some(rest) => rest.to_owned(),
            // Another model began it.
            None => format!("\n\n{reply}"),
        }
    }

    fn reply(&self, question: &str) -> String {
        let patterns = patterns::fitting(question);
        let mut text = patterns::advice(&patterns);
        let found = self.0.find(question, QUOTED);
        text.push_str(match (found.is_empty(), patterns.is_empty()) {
            (false, _) => "From the documentation:\n",
            (true, false) => "",
            (true, true) => {
                "Nothing in the documentation fits these words. Try others: *resume*, *WebSocket*, *jobs*, *presence*.\n"
            }
        });
        for passage in found {
            let Passage { document, heading, anchor, .. } = passage;
            let heading = if heading.is_empty() { String::new() } else { format!("**{heading}** ") };
            let at = address(document, anchor);
            let _ = write!(text, "\n{heading}([{document}]({at}))\n\n{}\n", excerpt(passage, question));
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

    fn takes_tools(&self) -> bool {
        false
    }

    fn window(&self) -> u32 {
        // It looks at the last question only.
        u32::MAX
    }

    fn answer(&self, prompt: Prompt) -> Answer {
        let words: Vec<_> = self.say(&prompt.turns).split_inclusive(' ').map(str::to_owned).collect();
        let usage = Usage { input_tokens: 0, output_tokens: 0 };
        let pieces = stream::iter(words).then(|word| async {
            tokio::time::sleep(PACE).await;
            Ok(Piece::Text(word))
        });
        Box::pin(pieces.chain(stream::iter([Ok(Piece::Usage(usage)), Ok(Piece::Stopped(Stop::Done))])))
    }
}

/// What of a passage is quoted: whole lines, as many as fit, an open fence closed. Of a long table, its head and the rows that
/// are asked for.
fn excerpt(passage: &Passage, question: &str) -> String {
    let text = passage.text.trim();
    if !passage.document.ends_with(".md") {
        return format!("```toml\n{}```\n", shortened(text));
    }
    if text.len() <= QUOTED_BYTES {
        return linked(passage.document, &shortened(text));
    }
    let asked = stems(question);
    let is_row = |line: &str| line.starts_with('|');
    let mut rows = 0;
    let lines = text.lines().filter(|line| {
        rows = if is_row(line) { rows + 1 } else { 0 };
        rows <= 2 || stems(line).keys().any(|word| asked.contains_key(word))
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    linked(passage.document, &shortened(&text))
}

fn shortened(text: &str) -> String {
    let mut short = String::new();
    for line in text.trim().lines() {
        if short.len() + line.len() > QUOTED_BYTES && !short.is_empty() {
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
    fn a_question_of_which_pattern_is_answered_first_and_then_proved() {
        let reply = Guide::embedded().reply("Which pattern should I use for a chat with typing and presence?");
        assert!(reply.starts_with("**A WebSocket**, where both sides speak"), "{reply}");
        assert!(reply.contains("[the rooms](/rooms)") && reply.contains("From the documentation:"), "{reply}");
        assert!(reply.contains(".md](/docs/") && !reply.contains("](src/"), "{reply}");
        assert!(reply.trim_end().ends_with(&format!("`{ADD_A_MODEL}` *and restart.*")), "{reply}");
        let lost = Guide::embedded().reply("xyzzy");
        assert!(lost.starts_with("Nothing in the documentation fits") && lost.contains(ADD_A_MODEL), "{lost}");
    }

    #[test]
    fn an_answer_that_broke_off_goes_on_where_it_ended() {
        let guide = Guide::embedded();
        let question = Turn::user("Which pattern should I use for a chat?");
        let whole = guide.say(std::slice::from_ref(&question));
        let (said, rest) = whole.split_at(whole.find(' ').unwrap());
        let before = [Turn::user("What is a topic?"), Turn::assistant("A log.")];
        let turns = [&before[..], &[question, Turn::assistant(said), Turn::go_on()]].concat();
        assert_eq!(guide.say(&turns), rest);
        let by_another = [Turn::user("What is a topic?"), Turn::assistant("It is"), Turn::go_on()];
        assert!(guide.say(&by_another).starts_with("\n\n"));
    }

    #[test]
    fn what_is_quoted_is_whole_lines_and_closed_fences() {
        let long = format!("```sh\n{}```\n", "echo a line of a block\n".repeat(60));
        let short = shortened(&long);
        assert!(short.len() < QUOTED_BYTES + 50 && short.matches("```").count() == 2, "{short}");
        assert_eq!(shortened("one\ntwo\n"), "one\ntwo\n");
    }

    #[test]
    fn of_a_long_table_the_rows_are_quoted_that_are_asked_for() {
        let rows: String = (0..60).map(|n| format!("| row {n} | something else |\n")).collect();
        let text = format!("Words.\n\n| what | how |\n|---|---|\n{rows}| a dashboard | server-sent events |\n");
        let passage = Passage { document: "README.md", heading: String::new(), anchor: String::new(), text };
        let quoted = excerpt(&passage, "What for dashboards?");
        assert_eq!(quoted, "Words.\n\n| what | how |\n|---|---|\n| a dashboard | server-sent events |\n");
    }
}
