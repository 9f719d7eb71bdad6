//! `LiveStatus`: how far a job is, from the server's rendering on; polled while it is not done, and not a moment longer.

use leptos::{ev::SubmitEvent, html, prelude::*, server_fn::ServerFn};
use serde::{Deserialize, Serialize};

use super::{
    dynamic::dynamic,
    polling_badge::PollingBadge,
    seed::{self, Seed},
};
use crate::{
    api::jobs::{CancelJob, RetryJob},
    client::{
        local_offset_minutes, now_ms,
        polling::{Interval, Mutation, Options, Polled, use_polling},
        submit_form,
    },
    wire::{
        job::{Job, JobStatus},
        numbers::{day, time_of_day},
    },
};

/// Less than the interval, or every other question would count as asked already.
pub const DEDUPING_MS: u32 = 500;

/// What the island starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSeed {
    pub job: Job,
}

impl Seed for JobSeed {
    const ID: &'static str = "job-seed";
}

/// Takes [`JobSeed`].
#[island]
pub fn LiveStatus() -> impl IntoView {
    let JobSeed { job } = seed::take();
    let id = job.id.clone();
    let options = Options {
        refresh_interval: Interval::Of(|job: &Job| job.status.poll_ms()),
        // The page was rendered with it just now; one that was put away and taken out again is asked about on focus.
        revalidate_on_mount: Some(false),
        deduping_interval: DEDUPING_MS,
        ..Options::default()
    };
    let url = ["/api/jobs/", &job.id].concat();
    let polled = use_polling(move || Some(url.clone()), options, Some(job.clone()));
    let data = polled.data;
    let of =
        move |show: fn(&Job) -> String| dynamic(move || data.with(|job| job.as_ref().map_or_else(String::new, show)));
    let is = move |test: fn(JobStatus) -> bool| data.with(|job| job.as_ref().is_some_and(|job| test(job.status)));
    // The server knows no zone and writes UTC; the reader's own comes after hydration.
    let zone = RwSignal::new(0);
    Effect::new(move |_| zone.set(local_offset_minutes(now_ms() as u64)));
    let note = RwSignal::new(String::new());
    let (cancel_id, retry_id) = (id.clone(), id.clone());
    let said = NodeRef::<html::P>::new();
    let cancel = change(polled, note, said, CancelJob::PATH, id.clone());
    let retry = change(polled, note, said, RetryJob::PATH, id);
    view! {
        <section class="job" aria-labelledby="job-title" data-status=of(|job| job.status.as_str().to_owned())>
            <header class="job__header">
                <h1 id="job-title" class="job__title">{job.title}</h1>
                <PollingBadge asks=Signal::derive(move || is(|status| !status.has_ended())) failed=Signal::derive(move || polled.error.with(Option::is_some)) />
            </header>
            <p class="job__status" role="status" tabindex="-1" node_ref=said>
                <span class="job__word">{of(|job| word(job.status).to_owned())}</span>
                " "
                <span class="job__doing">{of(doing)}</span>
            </p>
            <div class="job__progress">
                <progress class="job__bar" max="100" value=of(|job| job.progress.to_string()) aria-label="Progress"></progress>
                <span class="job__percent">{of(|job| [&job.progress.to_string(), " %"].concat())}</span>
            </div>
            <p class="job__error">{of(|job| job.error.clone().unwrap_or_default())}</p>
            {dynamic(move || data.with(|job| job.as_ref().and_then(|job| job.result.clone().map(result))))}
            <div class="job__buttons">
                <form class="job__form" method="post" action=CancelJob::PATH hidden=dynamic(move || is(JobStatus::has_ended)) on:submit=cancel>
                    <input type="hidden" name="id" value=cancel_id />
                    <button class="button button--quiet">"Cancel"</button>
                </form>
                <form class="job__form" method="post" action=RetryJob::PATH hidden=dynamic(move || !data.with(|job| job.as_ref().is_some_and(may_retry))) on:submit=retry>
                    <input type="hidden" name="id" value=retry_id />
                    <button class="button">"Try again"</button>
                </form>
            </div>
            <p class="job__note" role="alert">{dynamic(move || note.get())}</p>
            <p class="job__times">
                "Asked for " {dynamic(move || data.with(|job| job.as_ref().map(|job| moment(job.created, zone.get()))))}
                " · last change " {dynamic(move || data.with(|job| job.as_ref().map(|job| moment(job.updated, zone.get()))))}
            </p>
        </section>
    }
}

/// Sends a form's job to its server function, and asks how the job is then.
fn change(
    polled: Polled<Job>,
    note: RwSignal<String>,
    said: NodeRef<html::P>,
    path: &'static str,
    id: String,
) -> impl FnMut(SubmitEvent) + 'static {
    move |event: SubmitEvent| {
        event.prevent_default();
        note.set(String::new());
        let id = id.clone();
        leptos::task::spawn_local(async move {
            let work = async { submit_form(path, "id", &id).await.map(|()| None) };
            match polled.mutate(work, Mutation::default()).await {
                // The button goes, and the focus would with it.
                Ok(_) => drop(said.try_get_untracked().flatten().map(|said| said.focus())),
                Err(words) => drop(note.try_set(words)),
            }
        });
    }
}

fn result(path: String) -> impl IntoView {
    // What is to be looked at is a page; the rest is a file.
    let words = if path.starts_with("/jobs/") { "Open the digest" } else { "Download the file" };
    view! { <p class="job__result"><a class="button" href=path>{words}</a></p> }
}

/// It failed, was cancelled, or what it made is gone.
fn may_retry(job: &Job) -> bool {
    job.status.has_ended() && job.result.is_none()
}

/// A status in words.
pub fn word(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "Queued",
        JobStatus::Running => "Running",
        JobStatus::Completed => "Completed",
        JobStatus::Failed => "Failed",
        JobStatus::Cancelled => "Cancelled",
    }
}

/// What is not said by the status itself.
pub fn doing(job: &Job) -> String {
    match job.status {
        JobStatus::Queued | JobStatus::Running => job.doing.clone(),
        JobStatus::Completed if job.result.is_none() => job.doing.clone(),
        JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled => String::new(),
    }
}

fn moment(ms: u64, zone: i32) -> String {
    [&day(ms, zone), " ", &time_of_day(ms, zone)].concat()
}
