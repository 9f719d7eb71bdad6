//! Signing in with a link.

use leptos::prelude::*;

use crate::error::AppError;

/// Mails a link to this address. The answer is the same whether anybody has it or not.
#[server(prefix = "/api/fn", endpoint = "mail-sign-in-link")]
pub async fn mail_sign_in_link(email: String) -> Result<(), AppError> {
    use crate::server::{features::sign_in, flash, session::Asking, state::AppState};
    let state = AppState::current();
    let sent = match Asking::current().person() {
        Ok(person) => {
            sign_in::mail_link(&state.store, &state.post, &state.base_url(), &person, &Asking::source(), &email)
                .await
                .map_err(AppError::from)
        }
        Err(error) => Err(error),
    };
    match &sent {
        Ok(Some(link)) if state.development() => flash::say(&format!("No mail is set up. The link: {link}")),
        Ok(_) => flash::say("If mail can reach that address, a link is on its way. It works once, within 15 minutes."),
        Err(_) => {}
    }
    flash::answer(sent.map(drop))
}

/// Makes a link for one's own phone (which can reach the server by the name that this browser reached it by), shown as a QR code on the page that follows.
#[server(prefix = "/api/fn", endpoint = "make-device-link")]
pub async fn make_device_link() -> Result<(), AppError> {
    use crate::server::{features::sign_in, flash, session::Asking, state::AppState};
    let state = AppState::current();
    let made = match Asking::current().person() {
        Ok(person) => {
            sign_in::device_link(&state.store, &state.base_url_for_asker(), &person).await.map_err(AppError::from)
        }
        Err(error) => Err(error),
    };
    if let Ok(link) = &made {
        flash::say(link);
    }
    flash::answer(made.map(drop))
}

/// Uses a link up: from now on one is whoever it leads to.
#[server(prefix = "/api/fn", endpoint = "sign-in")]
pub async fn sign_in(token: String) -> Result<(), AppError> {
    use crate::server::{features::sign_in, flash, session, session::Asking, state::AppState};
    let (state, asking) = (AppState::current(), Asking::current());
    let old = asking.session.clone().unwrap_or_default();
    let used = match asking.person() {
        Ok(_) => sign_in::use_link(&state.store, &state.door, &old, &token).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    if let Ok(new) = &used {
        session::become_(&state, new);
        flash::say("You are signed in.");
    }
    flash::answer_at(used.map(drop), "/account")
}
