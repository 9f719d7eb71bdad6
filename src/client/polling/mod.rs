//! Polling: what a URL answers, kept new while somebody looks at it. Stale-while-revalidate with the semantics, names and
//! defaults of SWR 2.5.1, for answers in JSON; `schedule.rs` is the pure core, held against npm's `swr` by
//! `tests/polling.rs`, and `cache.rs`, `request.rs` and `hook.rs` are the thin shell.
//!
//! ```no_run
//! use leptos::prelude::*;
//! use tidemark::client::polling::{Interval, Mutation, Options, use_polling};
//!
//! #[derive(Clone, serde::Deserialize)]
//! struct Job {
//!     percent: u32,
//! }
//!
//! #[component]
//! fn Progress(id: u64, first: Job) -> impl IntoView {
//!     let url = format!("/api/jobs/{id}");
//!     let options = Options {
//!         // Once a second until it is done.
//!         refresh_interval: Interval::Of(|job: &Job| if job.percent < 100 { 1_000 } else { 0 }),
//!         // The page was rendered just now.
//!         revalidate_on_mount: Some(false),
//!         ..Options::default()
//!     };
//!     let job = use_polling(move || Some(url.clone()), options, Some(first));
//!     let restart = move |_| {
//!         let mutation = Mutation { optimistic_data: Some(Job { percent: 0 }), ..Mutation::default() };
//!         leptos::task::spawn_local(async move {
//!             let work = tidemark::client::submit_form("/api/restart_job", "id", "7");
//!             let _why = job.mutate(async { work.await.map(|()| None) }, mutation).await;
//!         });
//!     };
//!     view! {
//!         <p>{move || job.data.get().map(|job| job.percent)} " %"</p>
//!         <p role="alert">{move || job.error.get().map(|error| error.message)}</p>
//!         <button on:click=restart>"Again"</button>
//!     }
//! }
//! ```
//!
//! # Beyond SWR
//!
//! - `ETag` and 304: the tag of the last answer is sent along. Where there is none, the same text is the same data.
//! - `Retry-After` (seconds) of an error decides when it is retried, and until then nothing asks by itself.
//! - `Poll-Interval` (milliseconds) of an answer is the interval that the server advises ([`Interval::Advised`]).
//! - A request is cancelled when its key's last component goes, and when a later one takes its place.
//!
//! # Where it differs from SWR on purpose
//!
//! - A retry that is due while the page is hidden or offline waits until it is not. SWR asks all the same, or, if the
//!   error came while hidden, never again by itself.
//! - There is one retry at a time, that of the newest error, and none once an answer has come. SWR lets each run out.
//! - A request that a later one replaces is cancelled. SWR drops its answer but shows its error; and its interval goes on
//!   from the older answer, ours from the newer.
//! - After the last component has gone, SWR waits for the answer and keeps it. Ours has cancelled it, so the next
//!   component asks anew.
//! - An interval of 0 is for as long as the data says so: when a change or another component's request brings data with
//!   an interval, the loop goes on, and an interval that has become 0 meanwhile asks no more. SWR looks only after its
//!   own requests, and a 0 is for good.
//! - The function of an interval is asked about the first value as well, and not about nothing.
//! - The first value is the first key's only.
//! - There is no `suspense`, `fallback`, `isPaused`, `compare`, `onSuccess` and the like: signals and Effects do that.

mod cache;
mod hook;
pub mod input;
mod options;
mod request;
pub mod rules;
pub mod schedule;

pub use hook::{Polled, use_polling};
pub use input::Failure;
pub use options::{Interval, Mutation, Options};
