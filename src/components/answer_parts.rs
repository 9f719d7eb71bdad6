//! The parts of an answer: its text, block by block, of which only those that change are touched; what the model thought;
//! the tools that it used, and those that wait for a yes or no.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    blocks::blocks,
    conversation_state::Chat,
    dynamic::dynamic,
    markup::{element, form},
    part::{Line, Part, part},
};
use crate::{
    api::assistant::DecideCall,
    wire::assistant::{Message, PartKind, Status, ToolState, ToolUse},
};

/// Part number `at`. It stays while there is one.
pub fn part_line(chat: Chat, message: RwSignal<Message>, at: usize, kind: PartKind) -> Line {
    let key = [&*at.to_string(), if kind == PartKind::Text { " text" } else { "" }].concat();
    let make = move || match kind {
        PartKind::Text => text(message, at),
        PartKind::Thinking => thinking(message, at),
        PartKind::Tool => tool(chat, message, at),
    };
    (key, Box::new(make))
}

fn text(message: RwSignal<Message>, at: usize) -> Part {
    blocks("markdown", move || {
        message.with(|message| message.parts.get(at).map(|part| part.blocks.clone()).unwrap_or_default())
    })
}

fn thinking(message: RwSignal<Message>, at: usize) -> Part {
    let words = move || {
        let thinks = message.with(|message| message.status == Status::Running && message.parts.len() == at + 1);
        if thinks { "Thinking …" } else { "Thought for a while" }
    };
    let text = move || message.with(|message| message.parts.get(at).map(|part| part.text.clone()).unwrap_or_default());
    part(view! {
        <details class="folded">
            <summary>{dynamic(words)}</summary>
            <div class="folded__text folded__text--thought" tabindex="0">{dynamic(text)}</div>
        </details>
    })
}

/// It is made anew when something comes of it.
fn tool(chat: Chat, message: RwSignal<Message>, at: usize) -> Part {
    let html = move || {
        message.with(|message| match message.parts.get(at).and_then(|part| part.tool.as_ref()) {
            Some(tool) => shown(chat, message.id, tool),
            None => String::new(),
        })
    };
    part(view! { <div class="tool" inner_html=dynamic(html)></div> })
}

fn shown(chat: Chat, id: u64, tool: &ToolUse) -> String {
    let waits = tool.state == ToolState::Waiting;
    let label = |words: &str| element("p", "class=\"folded__label\"", words);
    let text = |text: &str| element("pre", "class=\"folded__text\" tabindex=\"0\"", text);
    let output = if tool.output.is_empty() { String::new() } else { label("Output") + &text(&tool.output) };
    let open = if waits {
        "<details class=\"folded folded--waits\" open><summary>"
    } else {
        "<details class=\"folded\"><summary>"
    };
    let title = element("span", "class=\"folded__title\"", &tool.title);
    let state = element("span", "class=\"folded__state\"", state(tool.state));
    let input = label(&["Input of ", &tool.name].concat()) + &text(&tool.input);
    let decide = if waits && chat.is_mine() { decision(chat, id, &tool.id) } else { String::new() };
    [open, &title, &state, "</summary>", &input, &output, "</details>", &decide].concat()
}

fn decision(chat: Chat, id: u64, call: &str) -> String {
    let fields = [("conversation", &*chat.id()), ("message", &*id.to_string()), ("call", call)];
    let inside = element("p", "class=\"decision__words\"", "The assistant may do this only if you allow it.")
        + &element("button", "class=\"button\" name=\"yes\" value=\"true\"", "Allow")
        + &element("button", "class=\"button button--quiet\" name=\"yes\" value=\"false\"", "Decline");
    form("decision", DecideCall::PATH, &fields, &inside)
}

fn state(state: ToolState) -> &'static str {
    match state {
        ToolState::Waiting => "waits for you",
        ToolState::Running => "running",
        ToolState::Done => "done",
        ToolState::Failed => "failed",
        ToolState::Declined => "declined",
    }
}
