//! Who is asking, and what they may do. Pages, server functions and transports take an [`Asking`] out of their request, and
//! ask [`may`] of it.
//!
//! `identify.rs` puts it in there, `may.rs` is the door; `cookie.rs` is what a visitor is known by, `key.rs` what signs that.

mod cookie;
mod identify;
mod key;
mod may;

use leptos::prelude::use_context;

use super::{features::keys, store::people::Person, topics::Access};
use crate::{
    components::bell::BellSeed,
    error::{AppError, ErrorKind},
    wire::person::Visitor,
};

pub use cookie::become_;
pub use identify::identify;
pub use key::{KEY_BYTES, key};
pub use may::may;

/// Where a visitor's IP address, as configured, is: what limits count as one.
#[derive(Clone, Debug)]
pub struct Source(pub String);

/// Who sent a request.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// The id that the cookie holds. A secret.
    pub session: Option<String>,
    pub person: Option<Person>,
    /// The person is not written down: one of more newcomers from one address than are welcome at once.
    pub unwritten: bool,
    /// What the bell on a page starts from. Of those who load one.
    pub bell: Option<BellSeed>,
    /// A program that shows an API key. It is nobody in particular.
    pub key: Option<keys::Key>,
    /// Ends with the session or the key.
    pub access: Option<Access>,
    /// Where the request came from: what [`Source`] holds.
    pub address: String,
}

impl Asking {
    /// How the visitor is shown on a page.
    pub fn visitor(&self) -> Option<Visitor> {
        let Person { id, name, hue, .. } = self.person.clone()?;
        Some(Visitor { id, name, hue })
    }

    /// Who is asking, for what takes a person.
    pub fn person(self) -> Result<Person, AppError> {
        let nobody = || AppError::new(ErrorKind::Invalid, "Load the page again: your session has ended.");
        if self.unwritten {
            let words = "Many people have come from your address just now. Try again in a minute.";
            return Err(AppError::new(ErrorKind::Busy, words));
        }
        self.person.ok_or_else(nobody)
    }

    /// Where the request that is being answered came from: an IP address.
    pub fn source() -> String {
        let parts = use_context::<axum::http::request::Parts>();
        parts.and_then(|parts| parts.extensions.get::<Source>().cloned()).map_or_else(String::new, |source| source.0)
    }

    /// What tells this one from others, for limits; nothing of somebody without a session or a key.
    pub fn name(&self) -> Option<String> {
        // However many keys and tabs somebody has, they are one; who is not written down is their address.
        let person = self.person.as_ref().filter(|_| !self.unwritten).map(|person| person.id.as_str());
        let person = person.or_else(|| self.key.as_ref()?.person.as_deref());
        let key = || self.key.as_ref().map(|key| keys::Key::access(&key.id));
        person.map(|person| format!("person {person}")).or_else(key)
    }

    /// Who loads the page or calls the server function that is being rendered.
    pub fn current() -> Self {
        let parts = use_context::<axum::http::request::Parts>();
        parts.and_then(|parts| parts.extensions.get::<Self>().cloned()).unwrap_or_default()
    }
}
