//! The rules, one file a feature: authorise, store, publish.

pub mod feed;
pub mod inspector;
