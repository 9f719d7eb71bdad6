//! What people do about rooms with plain forms, with or without a script.

use leptos::prelude::*;

use crate::error::AppError;

/// Makes a room and goes there.
#[server(prefix = "/api/fn", endpoint = "create-room")]
pub async fn create_room(title: String, private: Option<String>) -> Result<(), AppError> {
    use crate::server::{features::rooms, flash, session::Asking, state::AppState};
    let state = AppState::current();
    let made = match Asking::current().person() {
        Ok(person) => rooms::create(&state.store, &person, &title, private.is_some()).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    match made {
        Ok(room) => flash::answer_at(Ok(()), &format!("/rooms/{room}")),
        Err(error) => flash::answer(Err(error)),
    }
}

/// Says something in a room.
#[server(prefix = "/api/fn", endpoint = "post-message")]
pub async fn post_message(room: String, client: String, text: String) -> Result<(), AppError> {
    use crate::server::{asker, flash, session::Asking, state::AppState};
    let (state, asking) = (AppState::current(), Asking::current());
    let posted = match asking.clone().person() {
        Ok(person) => asker::say_in_room(&state, &asking, &person, &room, &client, &text).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    flash::answer(posted.map(drop))
}

#[server(prefix = "/api/fn", endpoint = "rename-room")]
pub async fn rename_room(room: String, title: String) -> Result<(), AppError> {
    use crate::server::{features::rooms, flash, session::Asking, state::AppState};
    let state = AppState::current();
    flash::answer(match Asking::current().person() {
        Ok(person) => rooms::rename(&state.store, &person.id, &room, &title).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}

#[server(prefix = "/api/fn", endpoint = "archive-room")]
pub async fn archive_room(room: String) -> Result<(), AppError> {
    use crate::server::{features::rooms, flash, session::Asking, state::AppState};
    let state = AppState::current();
    flash::answer(match Asking::current().person() {
        Ok(person) => rooms::archive(&state.store, &person.id, &room).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}

/// Makes the room's invitation anew, and shows it.
#[server(prefix = "/api/fn", endpoint = "invite")]
pub async fn invite(room: String) -> Result<(), AppError> {
    use crate::server::{features::rooms, flash, session::Asking, state::AppState};
    let state = AppState::current();
    let made = match Asking::current().person() {
        Ok(person) => rooms::invite(&state.store, &person.id, &room).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    if let Ok(token) = &made {
        let link = format!("{}/rooms/join?token={token}", state.base_url_for_asker());
        flash::say(&format!("Whoever opens this link within a week becomes a member: {link}"));
    }
    flash::answer(made.map(drop))
}

/// Follows an invitation.
#[server(prefix = "/api/fn", endpoint = "accept-invitation")]
pub async fn accept_invitation(token: String) -> Result<(), AppError> {
    use crate::server::{features::rooms, flash, session::Asking, state::AppState};
    let state = AppState::current();
    let room = match Asking::current().person() {
        Ok(person) => rooms::accept(&state.store, &person, &token).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    match room {
        Ok(room) => flash::answer_at(Ok(()), &format!("/rooms/{room}")),
        Err(error) => flash::answer(Err(error)),
    }
}

/// Takes a member out of a room: oneself, or, as the room's owner, another.
#[server(prefix = "/api/fn", endpoint = "remove-member")]
pub async fn remove_member(room: String, member: String) -> Result<(), AppError> {
    use crate::server::{features::rooms, flash, session::Asking, state::AppState};
    use crate::wire::topic::Segment;
    let state = AppState::current();
    let (removed, own) = match Asking::current().person() {
        Ok(person) => {
            let removed = rooms::remove(&state.store, &state.door, &person.id, &room, &member).await;
            (removed.map_err(AppError::from), person.id == member)
        }
        Err(error) => (Err(error), false),
    };
    if let (Ok(true), Ok(room)) = (&removed, Segment::new(&room)) {
        state.presence.expel(&room, &member);
    }
    let gone = removed.is_ok() && own;
    if gone { flash::answer_at(Ok(()), "/rooms") } else { flash::answer(removed.map(drop)) }
}
