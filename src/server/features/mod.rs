//! The rules, one file a feature: authorise, store, publish.

pub mod feed;
pub mod housekeeping;
pub mod inspector;
pub mod keys;
pub mod notifications;
pub mod people;
pub mod publish;
pub mod sign_in;
