//! An answer of the assistant, from the server's rendering on: followed while it is written, announced when it ends.

use leptos::prelude::*;

use super::{
    answer_foot::{foot, word},
    answer_log::{announcement, apply},
    answer_parts::part_line,
    conversation_state::{Chat, Entry},
    dynamic::dynamic,
    part::{Line, Part, list, part, when},
};
use crate::{
    client::{Delivery, Raw, effect, read_event, subscribe_raw},
    wire::{
        Topic,
        assistant::{Message, Run, RunEvent, Status},
    },
};

pub fn answer_row(chat: Chat, Entry { id, message }: Entry) -> Part {
    announce(chat, message);
    let parts = list(move || {
        message.with(|held| {
            held.parts.iter().enumerate().map(|(at, part)| part_line(chat, message, at, part.kind)).collect()
        })
    });
    let run = list(move || {
        message.with(|held| run_of(held).cloned()).map(|run| followed(chat, message, run)).into_iter().collect()
    });
    let begins = move || message.with(|held| held.status == Status::Running && held.parts.is_empty());
    part(view! {
        <li class="answer" id=["m", &id.to_string()].concat() data-status=dynamic(move || message.with(|held| word(held.status))) tabindex="-1">
            <h2 class="assistant__hidden">"The assistant"</h2>
            {run}
            {parts}
            {when(begins, || part(view! { <p class="answer__begins" aria-hidden="true"><span></span><span></span><span></span></p> }))}
            <div class="answer__foot" inner_html=dynamic(move || message.with(|held| foot(chat, held)))></div>
        </li>
    })
}

/// The run that writes it.
fn run_of(message: &Message) -> Option<&Run> {
    message.run.as_ref().filter(|_| message.status == Status::Running)
}

/// What follows a run. It is a line of a list, so that it lasts as long as the run does.
fn followed(chat: Chat, message: RwSignal<Message>, Run { id, position }: Run) -> Line {
    let key = id.to_string();
    let begin = move || {
        subscribe_raw(Topic::Run { id }, position, Box::new(move |delivery| happened(chat, message, delivery)));
        // Not `()`, of which leptos renders more than it finds again.
        part(view! { <span hidden></span> })
    };
    (key, Box::new(begin))
}

fn happened(chat: Chat, message: RwSignal<Message>, delivery: Delivery<Raw>) {
    match delivery {
        Delivery::Events(events) => {
            message.try_update(|message| {
                for event in events {
                    if let Some(added) = read_event::<RunEvent>(&event) {
                        apply(message, event.offset, added);
                    }
                }
            });
        }
        // There is no way on from here: whatever is fetched next is taken, and followed from there.
        Delivery::Reset(_) | Delivery::Lost => {
            message.try_update(|message| message.run = None);
            chat.refresh();
        }
        Delivery::Resumed { .. } => {}
    }
}

/// Tells screen readers once that it has ended.
fn announce(chat: Chat, message: RwSignal<Message>) {
    let mut was = None;
    effect(move |_| {
        let is = message.with(|message| message.status);
        let before = was.replace(is);
        // What is said twice in the same words is heard once, unless there was nothing in between.
        if before != Some(is) && (before == Some(Status::Running) || is == Status::Running) {
            chat.said.set(message.with_untracked(announcement));
        }
    });
}
