//! The assistant in rooms: whoever says `@assistant` is answered there, in a message that grows in front of everybody who
//! reads the room. `runs/` writes it; `waiting.rs` is whose turn it is, `shown.rs` what the model is shown of the room,
//! `kept.rs` where the answer is kept, `html.rs` how it is shown.
//!
//! It answers people who post, one at a time in a room, and never programs: nothing can talk to itself here.

mod html;
mod kept;
mod shown;
mod waiting;

pub(super) use html::formatted;
pub(super) use kept::{end_abandoned, stop_answer_to};
pub(super) use waiting::note;

use crate::{
    server::markdown,
    wire::room::{Author, Message},
};

/// What it is called after an `@`, in any case. Nobody else can be: the name is reserved.
const NAME: &str = "assistant";

/// The name as it stands in a text that mentions the assistant.
pub fn mention(text: &str) -> Option<&str> {
    let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices('@').find_map(|(at, _)| {
        let name = text.get(at + 1..at + 1 + NAME.len()).filter(|name| name.eq_ignore_ascii_case(NAME))?;
        // Neither an address (`me@assistant`) nor a longer name.
        let is_alone = !text[..at].ends_with(is_of_a_name) && !text[at + 1 + NAME.len()..].starts_with(is_of_a_name);
        is_alone.then_some(name)
    })
}

/// A message of the assistant's. The same question has one answer.
fn answer_to(question: u64, text: String) -> Message {
    let author = Author { id: NAME.to_owned(), name: "Assistant".to_owned(), hue: 265, bot: true };
    let html = markdown::render(&text);
    Message { author, client: client_of(question), text, html, ..Message::default() }
}

fn client_of(question: u64) -> String {
    format!("answer-{question}")
}

/// What somebody wrote, within a line of Markdown that shows it as it is.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\`*_[]<>|~&!".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_mentioned_as_a_word_in_any_case() {
        for text in ["@assistant", "hi @Assistant, what", "(@ASSISTANT)", "@bob @assistant?", "a\n@assistant\nb"] {
            assert!(mention(text).is_some_and(|name| name.eq_ignore_ascii_case(NAME)), "{text}");
        }
        for text in
            ["assistant", "@assistants", "@assistant-2", "me@assistant.org", "@ assistant", "@", "@assistan", "@ä"]
        {
            assert_eq!(mention(text), None, "{text}");
        }
    }

    #[test]
    fn what_people_wrote_is_shown_as_it_is() {
        for name in ["Ada", "**Ada**", "[a](/b)", "<b>", "a_b_c `d` ~~e~~ &amp; \\*"] {
            let [html] = &markdown::render(&format!("@{}, no", plain(name)))[..] else { panic!("{name}") };
            let text = html.strip_prefix("<p>@").and_then(|html| html.strip_suffix(", no</p>"));
            assert_eq!(text, Some(&*name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")));
        }
    }
}
