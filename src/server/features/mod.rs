//! The rules, one file a feature: authorise, store, publish.

pub mod chat;
pub mod feed;
pub mod housekeeping;
pub mod inspector;
pub mod jobs;
pub mod keys;
pub mod messages;
pub mod notifications;
pub mod people;
pub mod presence;
pub mod publish;
pub mod rooms;
pub mod search;
pub mod sign_in;
mod text;
