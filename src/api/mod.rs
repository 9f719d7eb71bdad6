//! Server functions: check, delegate. One file a feature.

pub mod assistant;
pub mod feed;
pub mod jobs;
pub mod keys;
pub mod notifications;
pub mod people;
pub mod rooms;
pub mod sign_in;
