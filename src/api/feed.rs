//! What people may do to the feed.

use leptos::prelude::*;

use crate::error::AppError;

/// Changes how often the server measures itself, for everyone, to one of the intervals on offer (milliseconds). A form
/// sends it too, without JavaScript. It takes a text, because what is not even a number deserves an answer in words.
#[server(prefix = "/api/fn", endpoint = "set-sampling-interval")]
pub async fn set_sampling_interval(interval_ms: String) -> Result<(), AppError> {
    use crate::{
        error::ErrorKind,
        server::{features::feed::FeedError, flash, state::AppState},
    };
    let changed = AppState::current().feed.set_interval(&interval_ms, std::time::Instant::now());
    flash::answer(changed.map_err(|error| {
        let kind = match error {
            FeedError::UnknownInterval(_) => ErrorKind::Invalid,
            FeedError::TooSoon => ErrorKind::Busy,
        };
        AppError::new(kind, error.to_string())
    }))
}
