//! Browser primitives that know no feature. Pure cores (`backoff`, `link`, `inbox`, `polling::schedule`) are plain
//! functions over values and a passed-in clock, tested natively; `event_source`, `page` and `tab` are the thin shell around
//! them. [`polling`] is for what has no topic: a URL that is asked now and then.
//!
//! A component of yours that shows a topic's newest event:
//!
//! ```no_run
//! use leptos::prelude::*;
//! use tidemark::{client::{Delivery, subscribe}, wire::{Position, Topic, feed::FeedSampled}};
//!
//! #[component]
//! fn Cpu(position: Position) -> impl IntoView {
//!     let (cpu, set_cpu) = signal(None);
//!     subscribe(Topic::Feed, position, move |delivery: Delivery<FeedSampled>| {
//!         if let Delivery::Events(events) = delivery {
//!             set_cpu.set(events.last().map(|event| event.data.value));
//!         }
//!     });
//!     view! { <p>"CPU: " {move || cpu.get()} " %"</p> }
//! }
//! ```
//!
//! All subscriptions of a tab share one connection. It resumes by itself; `use_connection()` says in words how it is.

pub mod backoff;
mod clipboard;
pub mod connection;
mod effect;
mod event_source;
mod http;
mod inbox;
mod json;
pub mod link;
mod morph;
mod page;
pub mod polling;
mod record;
pub mod socket;
mod subscription;
mod tab;
mod unreadable;

pub use clipboard::copy;
pub use connection::{ConnectionState, use_connection};
pub use effect::effect;
pub use http::{UNREACHABLE, fetch, fetch_text, head, submit, submit_form};
pub use morph::morph;
pub use page::{
    has_mouse, is_composing, local_offset_minutes, now_ms, random_hex, random_id, read_element, remember, remembered,
    remove_remembered, set_title, watch_away,
};
pub use record::{Raw, Record};
pub use subscription::{Delivery, follow_text, read_event, subscribe, subscribe_raw};
pub use tab::{cut, has_fallen_back, mend, unsubscribe};

/// What the browser does once, before any island is hydrated.
pub fn start() {
    page::report_panics();
}
