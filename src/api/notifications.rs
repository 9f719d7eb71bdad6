//! What people may do about their notifications.

use leptos::prelude::*;

use crate::error::AppError;

/// Marks one's notifications as read, up to the one with this id.
#[server(prefix = "/api/fn", endpoint = "mark-notifications-read")]
pub async fn mark_notifications_read(through: u64) -> Result<(), AppError> {
    use crate::server::{features::notifications, flash, session::Asking, state::AppState};
    let state = AppState::current();
    flash::answer(match Asking::current().person() {
        Ok(person) => notifications::mark_read(&state.store, &person.id, through).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}
