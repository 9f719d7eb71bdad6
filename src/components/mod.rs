//! The islands and their parts. An island starts from a seed (its snapshot and position); what it shows of it is pure.
//!
//! Each family of pages has a bundle of its own, which holds the islands it shows: that is what the features are for
//! (Cargo.toml). What has none is in all of them. A part (`part.rs`) is one thing in a browser and another on the server.

pub mod bell;
#[cfg(feature = "room-island")]
pub mod chat_message;
#[cfg(feature = "room-island")]
pub mod chat_room;
#[cfg(feature = "room-island")]
pub mod composer;
pub mod connection_badge;
pub mod dynamic;
#[cfg(feature = "feed-islands")]
pub mod feed_chart;
#[cfg(feature = "feed-islands")]
pub mod feed_rows;
#[cfg(feature = "feed-islands")]
pub mod feed_table;
#[cfg(feature = "inspector-island")]
pub mod inspector;
#[cfg(feature = "inspector-island")]
pub mod inspector_state;
#[cfg(feature = "feed-islands")]
pub mod interval_form;
#[cfg(feature = "job-islands")]
pub mod job_list;
pub mod layout;
#[cfg(feature = "feed-islands")]
pub mod live_feed;
#[cfg(feature = "job-islands")]
pub mod live_status;
#[cfg(feature = "room-island")]
pub mod outbox;
#[cfg(feature = "front")]
pub mod part;
#[cfg(not(feature = "front"))]
#[path = "part_server.rs"]
pub mod part;
#[cfg(feature = "job-islands")]
pub mod polling_badge;
#[cfg(feature = "job-islands")]
pub mod room_list;
#[cfg(feature = "room-island")]
pub mod room_log;
#[cfg(feature = "room-island")]
pub mod room_people;
#[cfg(feature = "room-island")]
pub mod room_scroll;
#[cfg(feature = "room-island")]
pub mod room_state;
pub mod seed;
#[cfg(feature = "feed-islands")]
pub mod tide;
#[cfg(feature = "feed-islands")]
pub mod tide_strip;
