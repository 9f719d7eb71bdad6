//! A question: as it was asked, to be edited in place and asked anew; and one that is on its way.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    answer_foot::{copy, versions},
    conversation_ask::{Pending, State},
    conversation_state::{Chat, Entry},
    part::{Line, Part, list, part},
};
use crate::{api::assistant::AskAssistant, wire::assistant::Message};

pub fn question_row(chat: Chat, Entry { id, message }: Entry) -> Part {
    let text = message.with_untracked(|message| message.text.clone());
    let foot = list(move || vec![message.with(|held| foot(chat, held, message))]);
    part(view! {
        <li class="question" id=["m", &id.to_string()].concat()>
            <p class="assistant__hidden">"Question"</p>
            <p class="question__text">{text}</p>
            {foot}
        </li>
    })
}

fn foot(chat: Chat, held: &Message, message: RwSignal<Message>) -> Line {
    let key = [&held.version.to_string(), "/", &held.versions.to_string()].concat();
    (key, Box::new(move || message.with_untracked(|held| shown(chat, held))))
}

fn shown(chat: Chat, message: &Message) -> Part {
    let mut acts = versions(chat, message);
    acts.push(copy(message.id));
    if chat.is_mine() {
        acts.push(edit(chat, message));
    }
    part(view! { <div class="acts acts--question">{acts}</div> })
}

/// A form of its own, which works without a script, too.
fn edit(chat: Chat, message: &Message) -> Part {
    let client = chat.held.with_value(|held| held.client.clone());
    let text = escaped(&message.text);
    let field = ["edit-", &message.id.to_string()].concat();
    let label = field.clone();
    part(view! {
        <details class="edit">
            <summary class="act" data-do="edit">"Edit"</summary>
            <form class="edit__form" method="post" action=AskAssistant::PATH>
                <input type="hidden" name="conversation" value=chat.id() />
                <input type="hidden" name="client" value=client />
                <input type="hidden" name="instead_of" value=message.id.to_string() />
                <label class="edit__label" for=label>"Ask this instead (Esc leaves it as it was)"</label>
                <textarea id=field class="edit__text" name="text" rows="2" required inner_html=text></textarea>
                <button class="button">"Ask"</button>
            </form>
        </details>
    })
}

/// A text as HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Another state is another line.
pub fn pending_line(pending: Pending) -> Line {
    let Pending { client, text, state, .. } = pending;
    let stands = match state {
        State::Sending => " sending",
        State::Waiting => " waiting",
        State::Failed(_) => " failed",
    };
    let key = [&*client, stands].concat();
    let make = move || {
        let acts = match state {
            State::Sending => vec![part("sending …")],
            State::Waiting => vec![part("waits for a connection")],
            State::Failed(why) => vec![
                part(view! { <span class="question__why">{["Not asked: ", &why].concat()}</span> }),
                button("retry", "Try again"),
                button("drop", "Discard"),
            ],
        };
        part(view! {
            <li class="question question--pending" data-pending=client>
                <p class="question__text">{text}</p>
                <div class="acts acts--question" role="status">{acts}</div>
            </li>
        })
    };
    (key, Box::new(make))
}

fn button(what: &'static str, words: &'static str) -> Part {
    part(view! { <button class="act" type="button" data-do=what>{words}</button> })
}
