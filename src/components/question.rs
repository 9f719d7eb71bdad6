//! A question: as it was asked, to be edited in place and asked anew; and one that is on its way.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    answer_foot::{copy, versions},
    conversation_ask::EDIT_FIELD,
    conversation_pending::{Pending, State},
    conversation_state::{Chat, Entry},
    dynamic::dynamic,
    markup::{element, escaped, form},
    part::{Line, Part, part},
};
use crate::{api::assistant::AskAssistant, wire::assistant::Message};

pub fn question_row(chat: Chat, Entry { id, message }: Entry) -> Part {
    let text = message.with_untracked(|message| message.text.clone());
    part(view! {
        <li class="question" id=["m", &id.to_string()].concat() tabindex="-1">
            <h2 class="assistant__hidden">"Question"</h2>
            <p class="question__text">{text}</p>
            <div class="acts acts--question" inner_html=dynamic(move || message.with(|held| foot(chat, held)))></div>
        </li>
    })
}

fn foot(chat: Chat, message: &Message) -> String {
    let edit = if chat.is_mine() { edit(chat, message) } else { String::new() };
    versions(chat, message) + &copy(message.id) + &edit
}

/// A form of its own, which works without a script, too.
fn edit(chat: Chat, message: &Message) -> String {
    let (conversation, client, id) =
        (chat.id(), chat.held.with_value(|held| held.client.clone()), message.id.to_string());
    let fields = [("conversation", &*conversation), ("client", &client), ("instead_of", &id)];
    let label = ["class=\"edit__label\" for=\"", EDIT_FIELD, &id, "\""].concat();
    let field = ["class=\"edit__text\" name=\"text\" rows=\"2\" required id=\"", EDIT_FIELD, &id, "\""].concat();
    let inside = element("label", &label, "Ask this instead")
        + &element("textarea", &field, &message.text)
        + &element("button", "class=\"button\"", "Ask");
    let form = form("edit__form", AskAssistant::PATH, &fields, &inside);
    // It closes what it has opened, and says so.
    let words = element("span", "class=\"edit__open\"", "Edit") + &element("span", "class=\"edit__leave\"", "Cancel");
    let summary = ["<summary class=\"act\" data-do=\"edit\">", &words, "</summary>"].concat();
    ["<details class=\"edit\">", &summary, &form, "</details>"].concat()
}

/// Another state is another line.
pub fn pending_line(pending: Pending) -> Line {
    let Pending { client, text, state, .. } = pending;
    let (stands, foot) = match &state {
        State::Sending => (" sending", "sending …".to_owned()),
        State::Waiting => (" waiting", ["waits for a connection", &button("drop", "Discard")].concat()),
        State::Failed(why) => {
            let why = element("span", "class=\"question__why\"", &["Not asked: ", why].concat());
            (" failed", [&*why, &button("retry", "Try again"), &button("drop", "Discard")].concat())
        }
    };
    let key = [&*client, stands].concat();
    let text = element("p", "class=\"question__text\"", &text);
    let role = if matches!(state, State::Failed(_)) { "alert" } else { "status" };
    let html = [&*text, "<div class=\"acts acts--question\" role=\"", role, "\">", &foot, "</div>"].concat();
    let make = move || part(view! { <li class="question question--pending" data-pending=client inner_html=html></li> });
    (key, Box::new(make))
}

fn button(what: &str, words: &str) -> String {
    element("button", &["class=\"act\" type=\"button\" data-do=\"", &escaped(what), "\""].concat(), words)
}
