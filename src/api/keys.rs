//! API keys, made and ended on a page. (On the command line: `tidemark keys`.)

use leptos::prelude::*;

use crate::error::AppError;

/// Makes a key for channels, or for one's own topic, and shows it once.
#[server(prefix = "/api/fn", endpoint = "create-key")]
pub async fn create_key(name: String, grants: String) -> Result<String, AppError> {
    use crate::server::{features::keys, flash, session::Asking, state::AppState};
    let state = AppState::current();
    let made = match Asking::current().person() {
        Ok(person) => keys::create(&state.store, &name, &grants, Some(&person.id)).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    if let Ok(key) = &made {
        flash::say(&format!("Your new key, shown this once: {key}"));
    }
    let key = made.clone().unwrap_or_default();
    flash::answer(made.map(drop)).map(|()| key)
}

/// Ends one of one's own keys.
#[server(prefix = "/api/fn", endpoint = "revoke-key")]
pub async fn revoke_key(id: String) -> Result<(), AppError> {
    use crate::server::{features::keys, flash, session::Asking, state::AppState};
    let state = AppState::current();
    flash::answer(match Asking::current().person() {
        Ok(person) => keys::revoke(&state.store, &state.door, &id, Some(&person.id)).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}
