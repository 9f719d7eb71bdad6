//! Asking: the field with its draft, and the question that is on its way (`conversation_pending.rs`). It is kept until the
//! server has it, over reloads and lost connections, and whichever way it arrives twice, it is asked once: its client id says
//! that it is the same.

use std::time::Duration;

use leptos::{ev, prelude::*, server_fn::ServerFn};
use wasm_bindgen::JsCast;
use web_sys::{HtmlSelectElement, HtmlTextAreaElement, UrlSearchParams};

use super::{
    conversation_pending::{Pending, State},
    conversation_scroll::go_to_end,
    conversation_state::Chat,
};
use crate::{
    api::assistant::AskAssistant,
    client::{effect, random_hex, remember, remembered, remove_remembered, submit},
};

/// Until a question that did not get through is sent again, unless the connection comes back before.
const AGAIN: Duration = Duration::from_secs(4);

/// Under which name the model is remembered.
const MODEL: &str = "assistant model";
pub const MODEL_FIELD: &str = "ask-model";

/// The id of the field in which one asks.
pub const ASK_FIELD: &str = "ask-text";

/// What the id of the field begins with in which a question is edited; its message's follows.
pub const EDIT_FIELD: &str = "edit-";

/// What was not yet asked lasts over a reload, and so does a draft.
pub fn keep(chat: Chat) {
    effect(move |first| {
        if first && chat.is_mine() {
            chat.pending.set(remembered(&key(chat, "asked")).and_then(|text| Pending::from_text(&text)));
            let known = |model: &String| chat.held.with_value(|held| held.fresh && held.models.contains(model));
            if let Some(model) = remembered(MODEL).filter(known)
                && let Some(select) = model_field()
            {
                select.set_value(&model);
            }
            // What was typed before there was a script is newer.
            if let (Some(field), Some(text)) = (field(), remembered(&key(chat, "draft")))
                && field.value().is_empty()
            {
                field.set_value(&text);
            }
            reopen_edit(chat);
            send(chat);
            chat.look_at_strays();
        }
        if chat.is_live() {
            send(chat);
            chat.catch_up();
        }
    });
}

/// What [`key`] makes of the draft of a conversation that nobody knows of yet.
const NEW_DRAFT: &str = "draft new";

/// Under which a text of this conversation is kept.
fn key(chat: Chat, what: &str) -> String {
    let id = if chat.is_fresh() { "new".to_owned() } else { chat.id() };
    [what, " ", &id].concat()
}

/// Where one asks, unless it is another's conversation.
pub fn field() -> Option<HtmlTextAreaElement> {
    text_field(ASK_FIELD)
}

fn text_field(id: &str) -> Option<HtmlTextAreaElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

fn model_field() -> Option<HtmlSelectElement> {
    document().get_element_by_id(MODEL_FIELD)?.dyn_into().ok()
}

/// Something was written, or a model was chosen: it lasts over a reload.
pub fn input(chat: Chat, event: &ev::Event) {
    let Some(target) = event.target() else { return };
    if let Some(select) = target.dyn_ref::<HtmlSelectElement>().filter(|select| select.id() == MODEL_FIELD) {
        remember(MODEL, &select.value());
    }
    let Some(field) = target.dyn_ref::<HtmlTextAreaElement>() else { return };
    match field.id().strip_prefix(EDIT_FIELD) {
        Some(message) => remember(&key(chat, "edit"), &[message, " ", &field.value()].concat()),
        None => keep_draft(chat),
    }
}

/// A question that was being edited is so again.
fn reopen_edit(chat: Chat) {
    let kept = remembered(&key(chat, "edit"));
    let Some((message, text)) = kept.as_deref().and_then(|kept| kept.split_once(' ')) else { return };
    let Some(field) = text_field(&[EDIT_FIELD, message].concat()) else { return };
    field.set_value(text);
    if let Ok(Some(edit)) = field.closest("details") {
        let _ = edit.set_attribute("open", "");
    }
}

/// What was being edited is left as it was.
pub fn leave_edit(chat: Chat) {
    remove_remembered(&key(chat, "edit"));
}

fn keep_draft(chat: Chat) {
    chat.note.set(String::new());
    if let Some(field) = field() {
        remember(&key(chat, "draft"), &field.value());
    }
}

/// Asks what a form says. Whether it is on its way.
pub fn ask(chat: Chat, fields: &UrlSearchParams) -> bool {
    let of = |name| fields.get(name).unwrap_or_default();
    let text = of("text").trim_end().to_owned();
    if text.trim().is_empty() {
        return false;
    }
    if let Some(words) = why_not(chat) {
        chat.note.set(words.to_owned());
        return false;
    }
    let model = match of("model") {
        model if model.is_empty() => model_field().map(|select| select.value()).unwrap_or_default(),
        model => model,
    };
    if !model.is_empty() {
        remember(MODEL, &model);
    }
    let conversation = if chat.is_fresh() { random_hex() } else { chat.id() };
    let (client, instead_of) = (random_hex(), of("instead_of"));
    if !instead_of.is_empty() {
        leave_edit(chat);
    }
    let pending = Pending { client, conversation, text, model, instead_of, state: State::Waiting };
    remember(&key(chat, "asked"), &pending.to_text());
    // A suggestion leaves alone what is being typed.
    if let Some(field) = field().filter(|field| field.value().trim_end() == pending.text) {
        field.set_value("");
        remove_remembered(&key(chat, "draft"));
    }
    chat.note.set(String::new());
    chat.pending.set(Some(pending));
    send(chat);
    request_animation_frame(move || go_to_end(chat));
    true
}

/// Why nothing can be asked now, in words.
fn why_not(chat: Chat) -> Option<&'static str> {
    let state = chat.pending.with_untracked(|pending| pending.as_ref().map(|pending| pending.state.clone()));
    match state {
        Some(State::Failed(_)) => Some("Your last question was not asked: try again, or discard it."),
        Some(_) => Some("Your last question is still on its way."),
        None => untrack(|| chat.running()).map(|_| "Wait until the answer has ended, or stop it."),
    }
}

/// Sends the question that waits, if there is one.
fn send(chat: Chat) {
    let pending = chat.pending.try_get_untracked().flatten();
    let Some(pending) = pending.filter(|pending| pending.state == State::Waiting) else { return };
    become_(chat, State::Sending);
    let Ok(fields) = UrlSearchParams::new() else { return };
    for (name, value) in [
        ("conversation", &pending.conversation),
        ("text", &pending.text),
        ("client", &pending.client),
        ("model", &pending.model),
        ("instead_of", &pending.instead_of),
    ] {
        if !value.is_empty() {
            fields.append(name, value);
        }
    }
    let fields = String::from(fields.to_string());
    leptos::task::spawn_local(async move {
        match submit(AskAssistant::PATH, fields).await {
            Ok(()) => arrived(chat, &pending.conversation).await,
            Err(Some(words)) => {
                become_(chat, State::Failed(words));
                // What stands in its way may be something that has come meanwhile.
                chat.catch_up();
            }
            Err(None) => {
                become_(chat, State::Waiting);
                set_timeout(move || send(chat), AGAIN);
            }
        }
    });
}

fn become_(chat: Chat, state: State) {
    chat.pending.try_update(|pending| {
        if let Some(pending) = pending {
            pending.state = state;
        }
    });
}

/// The server has it.
async fn arrived(chat: Chat, conversation: &str) {
    remove_remembered(&key(chat, "asked"));
    if chat.is_fresh() {
        // What has been typed meanwhile goes along; and who comes back finds no page that waits for ever.
        if let Some(text) = remembered(&key(chat, "draft")) {
            remember(&["draft ", conversation].concat(), &text);
            remove_remembered(&key(chat, "draft"));
        }
        let _ = window().location().replace(&["/assistant/", conversation].concat());
        return;
    }
    let found = chat.fetch().await;
    chat.pending.try_set(None);
    if !found {
        chat.refresh();
    }
}

pub fn retry(chat: Chat) {
    become_(chat, State::Waiting);
    send(chat);
}

/// Gives a question up that could not be asked. What was written is not lost.
pub fn discard(chat: Chat) {
    remove_remembered(&key(chat, "asked"));
    let Some(pending) = chat.pending.get_untracked() else { return };
    chat.pending.set(None);
    if let Some(field) = field() {
        let text = [&pending.text, "\n", &field.value()].concat();
        field.set_value(text.trim_end());
        keep_draft(chat);
        let _ = field.focus();
    }
    chat.refresh();
}

/// The conversation is gone: what was to be asked in it is kept for a new one. Whether there was anything.
pub fn give_up(chat: Chat) -> bool {
    let mut text = chat.pending.try_update(Option::take).flatten().map(|pending| pending.text).unwrap_or_default();
    let edit = remembered(&key(chat, "edit")).unwrap_or_default();
    let edited = edit.split_once(' ').map_or("", |(_, edited)| edited);
    for more in [edited, &remembered(&key(chat, "draft")).unwrap_or_default()] {
        if !more.is_empty() {
            text.push('\n');
            text.push_str(more);
        }
    }
    remove_remembered(&key(chat, "asked"));
    remove_remembered(&key(chat, "draft"));
    leave_edit(chat);
    let text = text.trim();
    if !text.is_empty() {
        remember(NEW_DRAFT, text);
    }
    !text.is_empty()
}
