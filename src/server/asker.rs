//! Who asks the assistant: from a page or a server function, or over the interface.

use std::sync::Arc;

use super::{
    features::{
        chat::Used,
        conversations::{Asker, Assistant},
        jobs::owner_of_key,
        messages::{self, Posted},
        room_answers,
        rooms::RoomError,
    },
    session::{Asking, Source},
    state::AppState,
    store::{StoreError, jobs::Owner, now_ms, people::Person},
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
    let owner = person.or_else(|| asking.key.as_ref().filter(|key| key.may_talk()).map(owner_of_key));
    let tools = Toolbox::of(Context { state: state.clone(), asking: asking.clone() });
    Asker { owner, payer: payer(asking, Some(&Source(source))), tools }
}

/// The same where nobody can be asked before something is changed: with the tools that change nothing.
pub fn reading(state: &AppState, asking: &Asking, source: String) -> Asker {
    let tools = Toolbox::reading(Context { state: state.clone(), asking: asking.clone() });
    Asker { tools, ..of(state, asking, source) }
}

/// A person says something in a room. If that mentions the assistant, it is asked, and looks whether it can answer now.
pub async fn say_in_room(
    state: &AppState,
    asking: &Asking,
    by: &Person,
    room: &str,
    client: &str,
    text: &str,
) -> Result<Posted, RoomError> {
    let payer = payer(asking, Some(&Source(asking.address.clone())));
    let posted = messages::ask(&state.store, by, room, client, text, Some(payer)).await?;
    // One that arrived before was answered before.
    if posted.position.is_some() && room_answers::mention(text).is_some() {
        answer_in_room(state, room).await;
    }
    Ok(posted)
}

/// Has questions answered that wait in rooms because a process has died.
pub async fn answer_in_rooms(state: &AppState) -> Result<(), StoreError> {
    for room in state.store.rooms_that_wait(now_ms()).await? {
        answer_in_room(state, &room).await;
    }
    Ok(())
}

/// An answer is read by everybody there, so it may use nothing that only whoever asks may read: its tools are used for nobody.
async fn answer_in_room(state: &AppState, room: &str) {
    let tools = Toolbox::only(&["read_guide"], Context { state: state.clone(), asking: Asking::default() });
    let (assistant, room) = (state.assistant.clone(), room.to_owned());
    // Whoever has asked may leave in between.
    let answered = state.runs.see_through(async move {
        if let Err(error) = assistant.answer_waiting(&room, &tools).await {
            tracing::error!(%error, room, "a question in a room could not be answered; it waits");
        }
    });
    answered.await;
}

/// What whoever loads the page that is rendered has used today.
pub async fn used_today() -> Result<Used, StoreError> {
    used_by(&AppState::current(), &Asking::current(), Asking::source()).await
}

/// What whoever sends a request has used today.
pub async fn used_by(state: &AppState, asking: &Asking, source: String) -> Result<Used, StoreError> {
    state.chats.used_today(&payer(asking, Some(&Source(source)))).await
}
