//! One file a page: rendered on the server, handing each island its snapshot. Native only, so pages and their text
//! never reach the WASM, and a page may ask `server` for state without an endpoint in between.

pub mod account;
pub mod assistant;
pub mod conversation_list;
pub mod documentation;
pub mod home;
pub mod inspector;
pub mod job;
pub mod jobs;
pub mod not_found;
pub mod notifications;
pub mod room;
pub mod rooms;
pub mod search;
pub mod sign_in;
