//! The rules, one file a feature: authorise, store, publish.

pub mod answer;
pub mod chat;
pub mod conversations;
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
pub mod room_answers;
pub mod rooms;
pub mod runs;
pub mod search;
pub mod sign_in;
mod summaries;
mod text;
