//! Who asks the assistant: from a page or a server function, or over the interface.

use std::sync::Arc;

use super::{
    features::{
        chat::Used,
        conversations::{Asker, Assistant},
        jobs::owner_of_key,
        messages::Posted,
        room_answers,
    },
    session::{Asking, Source},
    state::AppState,
    store::{StoreError, jobs::Owner},
    tools::{Context, Toolbox},
    transports::chat::payer,
};
use crate::error::AppError;

/// Who calls the server function that runs: a person.
pub fn current() -> Result<(Arc<Assistant>, Asker), AppError> {
    let (state, asking) = (AppState::current(), Asking::current());
    // People in front of a page are written down first.
    asking.clone().person()?;
    let asker = of(&state, &asking, Asking::source());
    Ok((state.assistant.clone(), asker))
}

/// Whoever sends a request: a person, a program with an API key, or nobody in particular.
pub fn of(state: &AppState, asking: &Asking, source: String) -> Asker {
    let person = asking.person.as_ref().filter(|_| !asking.unwritten).map(|person| Owner::Person(person.id.clone()));
    let owner = person.or_else(|| asking.key.as_ref().map(owner_of_key));
    let tools = Toolbox::of(Context { state: state.clone(), asking: asking.clone() });
    Asker { owner, payer: payer(asking, Some(&Source(source))), tools }
}

/// The same where nobody can be asked before something is changed: with the tools that change nothing.
pub fn reading(state: &AppState, asking: &Asking, source: String) -> Asker {
    let tools = Toolbox::reading(Context { state: state.clone(), asking: asking.clone() });
    Asker { tools, ..of(state, asking, source) }
}

/// Has the assistant answer what a person has just said in a room, if they ask it to. An answer is read by everybody there,
/// so it may use nothing that only the person may read.
pub async fn said_in_room(state: &AppState, asking: &Asking, room: &str, posted: &Posted, text: &str) {
    // One that arrived before was answered before.
    if posted.position.is_none() || room_answers::mention(text).is_none() {
        return;
    }
    let tools = Toolbox::only(&["read_guide"], Context { state: state.clone(), asking: asking.clone() });
    let asker = Asker { tools, ..of(state, asking, asking.address.clone()) };
    if let Err(error) = state.assistant.answer_in_room(&asker, room, posted.message).await {
        tracing::error!(%error, room, "a question in a room could not be answered");
    }
}

/// What whoever loads the page that is rendered has used today.
pub async fn used_today() -> Result<Used, StoreError> {
    let (state, asking) = (AppState::current(), Asking::current());
    state.chats.used_today(&payer(&asking, Some(&Source(Asking::source())))).await
}
