//! What stands beneath an answer or a question: how it ended, what can be done with it, what it took.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    conversation_state::Chat,
    part::{Line, Part, list, part},
};
use crate::{
    api::assistant::{AnswerAgain, ChooseVersion, ContinueAnswer},
    wire::{
        assistant::{Cost, Message, Status},
        numbers::{count, grouped},
    },
};

/// It is made anew when it is another.
pub fn foot(chat: Chat, message: RwSignal<Message>) -> impl IntoView {
    let lines = list(move || vec![message.with(|held| line(chat, held, message))]);
    view! { <div class="answer__foot">{lines}</div> }
}

fn line(chat: Chat, held: &Message, message: RwSignal<Message>) -> Line {
    let Message { status, version, versions, cost, .. } = held;
    let cost = if cost.is_some() { " cost" } else { "" };
    let key = [word(*status), " ", &version.to_string(), "/", &versions.to_string(), cost].concat();
    (key, Box::new(move || message.with_untracked(|held| shown(chat, held))))
}

fn shown(chat: Chat, message: &Message) -> Part {
    if message.status == Status::Running {
        return part(view! { <p class="answer__writing">"Writing …"</p> });
    }
    let id = message.id;
    let mut acts = versions(chat, message);
    acts.push(copy(id));
    if chat.is_mine() {
        match message.status {
            Status::Interrupted | Status::Stopped | Status::TooLong => {
                acts.push(act(ContinueAnswer::PATH, chat, id, "Continue", "", None));
                acts.push(again(chat, id, "Answer again"));
            }
            Status::Failed if !message.text.is_empty() => {
                acts.push(again(chat, id, "Try again"));
                acts.push(act(ContinueAnswer::PATH, chat, id, "Continue", "", None));
            }
            Status::Failed | Status::Refused => acts.push(again(chat, id, "Try again")),
            Status::Complete => acts.push(again(chat, id, "Answer again")),
            Status::Running | Status::Waiting => {}
        }
    }
    let words = how_it_ended(message);
    let wrong = matches!(message.status, Status::Failed | Status::Refused);
    let class = if wrong { "answer__ended answer__ended--wrong" } else { "answer__ended" };
    let took = message.cost.as_ref().map(took).unwrap_or_default();
    let mut parts = Vec::new();
    if !words.is_empty() {
        parts.push(part(view! { <p class=class>{words}</p> }));
    }
    parts.push(part(view! { <div class="acts">{acts}</div> }));
    if !took.is_empty() {
        parts.push(part(view! { <p class="answer__took">{took}</p> }));
    }
    part(parts)
}

/// ‹ 1/2 ›
pub fn versions(chat: Chat, message: &Message) -> Vec<Part> {
    if message.versions < 2 {
        return Vec::new();
    }
    let words = [&message.version.to_string(), "/", &message.versions.to_string()].concat();
    let label = ["Version ", &message.version.to_string(), " of ", &message.versions.to_string()].concat();
    let step = |to: Option<u64>, words: &'static str, label: &'static str| {
        to.filter(|_| chat.is_mine()).map(|to| act(ChooseVersion::PATH, chat, to, words, label, None))
    };
    let mut parts = Vec::new();
    parts.extend(step(message.previous, "‹", "The version before"));
    parts.push(part(view! { <span class="acts__version" role="img" aria-label=label>{words}</span> }));
    parts.extend(step(message.next, "›", "The next version"));
    parts
}

pub fn copy(id: u64) -> Part {
    part(
        view! { <button class="act act--scripted" type="button" data-do="copy" data-id=id.to_string()>"Copy"</button> },
    )
}

/// With another model, where there are several.
fn again(chat: Chat, id: u64, words: &'static str) -> Part {
    let models = chat.held.with_value(|held| held.models.clone());
    act(AnswerAgain::PATH, chat, id, words, "", Some(models).filter(|models| models.len() > 1))
}

/// A form that is a button.
fn act(
    path: &'static str,
    chat: Chat,
    id: u64,
    words: &'static str,
    label: &'static str,
    models: Option<Vec<String>>,
) -> Part {
    let label = Some(label).filter(|label| !label.is_empty());
    let models = models.map(|models| {
        part(view! {
            <select class="act__model" name="model" aria-label="Model for another answer">{options(models)}</select>
        })
    });
    part(view! {
        <form class="acts__form" method="post" action=path>
            <input type="hidden" name="conversation" value=chat.id() />
            <input type="hidden" name="message" value=id.to_string() />
            <button class="act" aria-label=label>{words}</button>
            {Vec::from_iter(models)}
        </form>
    })
}

/// Models to choose from.
pub fn options(models: Vec<String>) -> Vec<Part> {
    models.into_iter().map(|model| part(view! { <option value=model.clone()>{model.clone()}</option> })).collect()
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

fn how_it_ended(message: &Message) -> String {
    let error = message.error.as_deref();
    match message.status {
        Status::Running | Status::Complete | Status::Waiting => error.unwrap_or_default(),
        Status::Stopped => "You stopped this answer.",
        Status::Interrupted => "The server stopped while it was writing.",
        Status::TooLong => "This is as long as an answer may be.",
        Status::Refused => error.unwrap_or("The model does not want to answer this."),
        Status::Failed => error.unwrap_or("Something went wrong."),
    }
    .to_owned()
}

/// What an answer took, in a line.
fn took(cost: &Cost) -> String {
    let mut parts = Vec::new();
    if !cost.model.is_empty() {
        parts.push(cost.model.clone());
    }
    // The guide's own words are nobody's tokens.
    if cost.input_tokens > 0 {
        let (read, written) = (grouped(cost.input_tokens.into()), grouped(cost.output_tokens.into()));
        parts.push([&read, " tokens in, ", &written, " out"].concat());
    }
    if cost.first_ms > 0 {
        parts.push(["first words after ", &seconds(cost.first_ms)].concat());
    }
    if cost.total_ms > 0 {
        parts.push(seconds(cost.total_ms));
    }
    if cost.left_out > 0 {
        let verb = if cost.left_out == 1 { " does" } else { " did" };
        let older = count(cost.left_out.into(), "older message");
        parts.push([&older, verb, " not fit into what the model can read"].concat());
    }
    parts.join(" · ")
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
