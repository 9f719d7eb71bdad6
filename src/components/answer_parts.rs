//! The parts of an answer: its text, block by block, of which only those that change are touched; what the model thought;
//! the tools that it used, and those that wait for a yes or no.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    conversation_state::Chat,
    dynamic::dynamic,
    part::{Line, Part, list, part, when},
};
use crate::{
    api::assistant::DecideCall,
    wire::assistant::{Message, Part as Written, PartKind, Status, ToolState, ToolUse},
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
    let blocks = move || {
        message.with(|message| match message.parts.get(at) {
            Some(Written { blocks, .. }) => blocks.iter().enumerate().map(block).collect(),
            None => Vec::new(),
        })
    };
    part(view! { <div class="markdown">{list(blocks)}</div> })
}

/// A block is one line as long as it says the same.
fn block((at, html): (usize, &String)) -> Line {
    let key = [&at.to_string(), " ", html].concat();
    let html = html.clone();
    (key, Box::new(move || part(view! { <div class="block" inner_html=html></div> })))
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
            <div class="folded__text folded__text--thought">{dynamic(text)}</div>
        </details>
    })
}

fn tool(chat: Chat, message: RwSignal<Message>, at: usize) -> Part {
    let with = move |show: fn(&ToolUse) -> String| {
        message.with(|message| message.parts.get(at).and_then(|part| part.tool.as_ref()).map(show).unwrap_or_default())
    };
    let of = move |show: fn(&ToolUse) -> String| dynamic(move || with(show));
    let waits = move || with(|tool| state(tool.state).to_owned()) == state(ToolState::Waiting);
    let has_output = move || !with(|tool| tool.output.clone()).is_empty();
    let (id, call) = (message.with_untracked(|message| message.id.to_string()), with_untracked(message, at));
    let decide = move || {
        let (conversation, id, call) = (chat.id(), id.clone(), call.clone());
        part(view! {
            <form class="decision" method="post" action=DecideCall::PATH>
                <input type="hidden" name="conversation" value=conversation />
                <input type="hidden" name="message" value=id />
                <input type="hidden" name="call" value=call />
                <p class="decision__words">"The assistant may do this only if you allow it."</p>
                <button class="button" name="yes" value="true">"Allow"</button>
                <button class="button button--quiet" name="yes" value="false">"Decline"</button>
            </form>
        })
    };
    part(view! {
        <div class="tool" data-state=of(|tool| state(tool.state).to_owned())>
            <details class="folded" open=dynamic(waits)>
                <summary>
                    <span class="folded__title">{of(|tool| tool.title.clone())}</span>
                    <span class="folded__state">{of(|tool| state(tool.state).to_owned())}</span>
                </summary>
                <p class="folded__label">{of(|tool| ["Input of ", &tool.name].concat())}</p>
                <pre class="folded__text" tabindex="0">{of(|tool| tool.input.clone())}</pre>
                {when(has_output, move || part(view! {
                    <p class="folded__label">"Output"</p>
                    <pre class="folded__text" tabindex="0">{of(|tool| tool.output.clone())}</pre>
                }))}
            </details>
            {when(move || waits() && chat.is_mine(), decide)}
        </div>
    })
}

fn with_untracked(message: RwSignal<Message>, at: usize) -> String {
    let id = |part: &Written| part.tool.as_ref().map(|tool| tool.id.clone());
    message.with_untracked(|message| message.parts.get(at).and_then(id).unwrap_or_default())
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
