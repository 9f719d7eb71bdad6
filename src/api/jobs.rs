//! What people do about their jobs with plain forms, with or without a script.

use leptos::prelude::*;

use crate::error::AppError;

/// Has something about a room done in the background, and goes where one can watch it.
#[server(prefix = "/api/fn", endpoint = "start-job")]
pub async fn start_job(
    kind: String,
    room: String,
    format: Option<String>,
    client: Option<String>,
) -> Result<(), AppError> {
    use crate::server::{flash, session::Asking, state::AppState, store::jobs::Owner, transports::jobs::order};
    let (state, asking) = (AppState::current(), Asking::current());
    let mut input = serde_json::json!({ "room": room });
    if let Some(format) = format.filter(|_| kind == "export") {
        input["format"] = format.into();
    }
    // A form that is sent twice is one job; another button of the same form is another.
    let key =
        client.map(|client| format!("{client} {kind} {input}").chars().filter(char::is_ascii).take(128).collect());
    let started = match asking.clone().person() {
        Ok(person) => {
            order(&state, &asking, Owner::Person(person.id), &kind, &input, key).await.map_err(AppError::from)
        }
        Err(error) => Err(error),
    };
    match started {
        Ok(row) => flash::answer_at(Ok(()), &format!("/jobs/{}", row.id)),
        Err(error) => flash::answer(Err(error)),
    }
}

#[server(prefix = "/api/fn", endpoint = "cancel-job")]
pub async fn cancel_job(id: String) -> Result<(), AppError> {
    use crate::server::{features::jobs, flash, session::Asking, state::AppState, store::jobs::Owner};
    let state = AppState::current();
    flash::answer(match Asking::current().person() {
        Ok(person) => {
            jobs::cancel(&state.store, &state.jobs, &Owner::Person(person.id), &id).await.map(drop).map_err(Into::into)
        }
        Err(error) => Err(error),
    })
}

#[server(prefix = "/api/fn", endpoint = "retry-job")]
pub async fn retry_job(id: String) -> Result<(), AppError> {
    use crate::server::{features::jobs, flash, session::Asking, state::AppState, store::jobs::Owner};
    let state = AppState::current();
    let most = state.config.jobs.unfinished_per_person;
    flash::answer(match Asking::current().person() {
        Ok(person) => jobs::retry(&state.store, &state.jobs, &Owner::Person(person.id), &id, most)
            .await
            .map(drop)
            .map_err(Into::into),
        Err(error) => Err(error),
    })
}
