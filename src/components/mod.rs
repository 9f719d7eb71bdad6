//! The islands and their parts. An island starts from a seed (its snapshot and position); what it shows of it is pure.

pub mod bell;
pub mod chat_message;
pub mod chat_room;
pub mod connection_badge;
pub mod dynamic;
pub mod feed_chart;
pub mod feed_rows;
pub mod feed_table;
pub mod inspector;
pub mod inspector_state;
pub mod interval_form;
pub mod layout;
pub mod live_feed;
pub mod outbox;
pub mod room_log;
pub mod seed;
pub mod tide;
pub mod tide_strip;
