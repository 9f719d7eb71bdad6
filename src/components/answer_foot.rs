//! What stands beneath an answer or a question: how it ended, what can be done with it, what it took. It is text
//! (`markup.rs`) and the same on the server.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    conversation_state::Chat,
    markup::{element, form, select},
};
use crate::{
    api::assistant::{AnswerAgain, ChooseVersion, ContinueAnswer},
    wire::{
        assistant::{Cost, Message, Status},
        numbers::{count, grouped},
    },
};

pub fn foot(chat: Chat, message: &Message) -> String {
    if message.status == Status::Running {
        return element("p", "class=\"answer__writing\"", "Writing …");
    }
    let id = message.id;
    let mut acts = versions(chat, message) + &copy(id);
    if chat.is_mine() {
        let go_on = || act(ContinueAnswer::PATH, chat, id, "Continue", "", "");
        acts.push_str(&match message.status {
            Status::Interrupted | Status::Stopped | Status::TooLong => go_on() + &again(chat, message, "Answer again"),
            Status::Failed if !message.text.is_empty() => again(chat, message, "Try again") + &go_on(),
            Status::Failed | Status::Refused => again(chat, message, "Try again"),
            Status::Complete => again(chat, message, "Answer again"),
            Status::Running | Status::Waiting => String::new(),
        });
    }
    let mut html = String::new();
    let words = how_it_ended(message, chat.is_mine());
    if !words.is_empty() {
        let wrong = matches!(message.status, Status::Failed | Status::Refused);
        let class = if wrong { "class=\"answer__ended answer__ended--wrong\"" } else { "class=\"answer__ended\"" };
        html.push_str(&element("p", class, &words));
    }
    html.push_str(&["<div class=\"acts\">", &acts, "</div>"].concat());
    let took = message.cost.as_ref().map(took).unwrap_or_default();
    if !took.is_empty() {
        html.push_str(&element("p", "class=\"answer__took\"", &took));
    }
    html
}

/// ‹ 1/2 ›
pub fn versions(chat: Chat, message: &Message) -> String {
    let Message { version, versions, previous, next, .. } = message;
    if *versions < 2 {
        return String::new();
    }
    let (version, versions) = (version.to_string(), versions.to_string());
    let step = |to: &Option<u64>, words, label| match to.filter(|_| chat.is_mine()) {
        Some(to) => act(ChooseVersion::PATH, chat, to, words, label, ""),
        None => String::new(),
    };
    let label =
        ["class=\"acts__version\" role=\"img\" aria-label=\"Version ", &version, " of ", &versions, "\""].concat();
    let shown = element("span", &label, &[&*version, "/", &versions].concat());
    step(previous, "‹", "The version before") + &shown + &step(next, "›", "The next version")
}

pub fn copy(id: u64) -> String {
    let attributes = ["class=\"act act--scripted\" type=\"button\" data-do=\"copy\" data-id=\"", &id.to_string(), "\""];
    element("button", &attributes.concat(), "Copy")
}

/// With another model, where there are several; with the same unless one is chosen.
fn again(chat: Chat, message: &Message, words: &str) -> String {
    let models = chat.held.with_value(|held| held.models.clone());
    let attributes = "class=\"act__model\" aria-label=\"Model for another answer\"";
    let models = if models.len() > 1 { select(attributes, &models, model_of(message)) } else { String::new() };
    act(AnswerAgain::PATH, chat, message.id, words, "", &models)
}

/// What has written an answer; nothing if that is not known.
pub fn model_of(message: &Message) -> &str {
    message.cost.as_ref().map_or("", |cost| &cost.model)
}

/// A form that is a button.
fn act(path: &str, chat: Chat, id: u64, words: &str, label: &str, further: &str) -> String {
    let label = if label.is_empty() { String::new() } else { [" aria-label=\"", label, "\""].concat() };
    let button = element("button", &["class=\"act\"", &label].concat(), words);
    let fields = [("conversation", &*chat.id()), ("message", &*id.to_string())];
    form("acts__form", path, &fields, &[&*button, further].concat())
}

/// The value of `data-status`.
pub fn word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Complete => "complete",
        Status::Stopped => "stopped",
        Status::Interrupted => "interrupted",
        Status::Failed => "failed",
        Status::TooLong => "too-long",
        Status::Refused => "refused",
        Status::Waiting => "waiting",
    }
}

fn how_it_ended(message: &Message, mine: bool) -> String {
    let error = message.error.as_deref();
    match message.status {
        Status::Running | Status::Complete | Status::Waiting => error.unwrap_or_default(),
        Status::Stopped if mine => "You stopped this answer.",
        Status::Stopped => "This answer was stopped.",
        Status::Interrupted => "The server stopped while it was writing.",
        Status::TooLong => "This is as long as an answer may be.",
        Status::Refused => error.unwrap_or("The model does not want to answer this."),
        Status::Failed => error.unwrap_or("Something went wrong."),
    }
    .to_owned()
}

/// What an answer took, in a line.
fn took(cost: &Cost) -> String {
    let mut line = cost.model.clone();
    let mut add = |words: &[&str]| {
        if !line.is_empty() {
            line.push_str(" · ");
        }
        words.iter().for_each(|words| line.push_str(words));
    };
    // The guide's own words are nobody's tokens.
    if cost.input_tokens > 0 {
        let (read, written) = (grouped(cost.input_tokens.into()), grouped(cost.output_tokens.into()));
        add(&[&read, " tokens in, ", &written, " out"]);
    }
    if cost.first_ms > 0 {
        add(&["first words after ", &seconds(cost.first_ms)]);
    }
    if cost.total_ms > 0 {
        add(&[&seconds(cost.total_ms)]);
    }
    if cost.left_out > 0 {
        let verb = if cost.left_out == 1 { " does" } else { " did" };
        let older = count(cost.left_out.into(), "older message");
        add(&[&older, verb, " not fit into what the model can read"]);
    }
    line
}

/// In tenths.
fn seconds(ms: u32) -> String {
    [&(ms / 1_000).to_string(), ".", &(ms / 100 % 10).to_string(), " s"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_an_answer_took_and_nothing_that_nobody_counted() {
        let cost = Cost {
            model: "fable".into(),
            input_tokens: 1_234,
            output_tokens: 567,
            first_ms: 420,
            total_ms: 12_345,
            left_out: 12,
        };
        assert_eq!(
            took(&cost),
            "fable · 1,234 tokens in, 567 out · first words after 0.4 s · 12.3 s · 12 older messages did not fit into \
             what the model can read"
        );
        assert_eq!(
            took(&Cost { model: "guide".into(), first_ms: 1, total_ms: 60, ..Cost::default() }),
            "guide · first words after 0.0 s · 0.0 s"
        );
        assert_eq!(took(&Cost::default()), "");
    }
}
