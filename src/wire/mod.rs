//! What travels between server and browser: plain serde types, no I/O.
//! Everyone may use this room; it imports nothing of ours.

pub mod assistant;
pub mod feed;
#[cfg(test)]
mod fuzz;
pub mod inspector;
pub mod job;
pub mod markdown;
pub mod notification;
pub mod numbers;
pub mod person;
pub mod position;
pub mod rich_text;
pub mod room;
pub mod socket;
pub mod stream;
pub mod topic;

pub use position::{Epoch, Position};
pub use topic::Topic;
