//! What people may do about themselves.

use leptos::prelude::*;

use crate::error::AppError;

/// Gives whoever asks another name.
#[server(prefix = "/api/fn", endpoint = "set-name")]
pub async fn set_name(name: String) -> Result<(), AppError> {
    use crate::server::{features::people, flash, session::Asking, state::AppState};
    let state = AppState::current();
    let person = Asking::current().person();
    flash::answer(match person {
        Ok(person) => people::rename(&state.store, &person.id, &name).await.map(drop).map_err(Into::into),
        Err(error) => Err(error),
    })
}

/// Ends all sessions of whoever asks, this one too. Every stream of theirs ends at once.
#[server(prefix = "/api/fn", endpoint = "sign-out-everywhere")]
pub async fn sign_out_everywhere() -> Result<(), AppError> {
    use crate::server::{features::people, flash, session::Asking, state::AppState};
    let state = AppState::current();
    flash::answer(match Asking::current().person() {
        Ok(person) => people::sign_out_everywhere(&state.store, &state.door, &person.id).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}
