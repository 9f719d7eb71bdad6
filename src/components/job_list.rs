//! One's jobs, newest first, from the server's rendering on; polled while one of them is not done.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    dynamic::dynamic,
    live_status::{DEDUPING_MS, doing, word},
    part::{Line, Part, list, part, when},
    polling_badge::PollingBadge,
    seed::{self, Seed},
};
use crate::{
    client::{
        effect, local_offset_minutes, now_ms,
        polling::{Interval, Options, use_polling},
    },
    wire::{
        job::Job,
        numbers::{clock, day},
    },
};

/// What the island starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobsSeed {
    pub jobs: Vec<Job>,
}

impl Seed for JobsSeed {
    const ID: &'static str = "jobs-seed";
}

type Data = ReadSignal<Option<Vec<Job>>>;

/// Takes [`JobsSeed`].
#[island]
pub fn JobList() -> impl IntoView {
    let JobsSeed { jobs } = seed::take();
    let options = Options {
        refresh_interval: Interval::Of(|jobs: &Vec<Job>| if is_busy(jobs) { 1_000 } else { 0 }),
        revalidate_on_mount: Some(false),
        deduping_interval: DEDUPING_MS,
        ..Options::default()
    };
    let polled = use_polling(|| Some("/api/jobs".to_owned()), options, Some(jobs));
    let data = polled.data;
    let zone = RwSignal::new(0);
    effect(move |_| zone.set(local_offset_minutes(now_ms() as u64)));
    let busy = Signal::derive(move || data.with(|jobs| jobs.as_ref().is_some_and(|jobs| is_busy(jobs))));
    let jobs = list(move || data.get().unwrap_or_default().into_iter().map(|job| line(job, data, zone)).collect());
    let none = move || data.with(|jobs| jobs.as_ref().is_none_or(Vec::is_empty));
    view! {
        <section class="job-list" aria-labelledby="job-list-title">
            <header class="job__header">
                <h2 id="job-list-title">"Your jobs"</h2>
                <PollingBadge asks=busy failed=Signal::derive(move || polled.error.with(Option::is_some)) />
            </header>
            {when(none, || part(view! { <p class="job-list__none">"None yet. The first one takes a second."</p> }))}
            <ol class="job-list__items">{jobs}</ol>
        </section>
    }
}

/// A row stays while its job is listed, and with it the focus; what changes reads its job again.
fn line(job: Job, data: Data, zone: RwSignal<i32>) -> Line {
    (job.id.clone(), Box::new(move || item(job, data, zone)))
}

fn item(job: Job, data: Data, zone: RwSignal<i32>) -> Part {
    let Job { id, title, created, .. } = job;
    let href = ["/jobs/", &id].concat();
    let of = move |show: fn(&Job) -> String| {
        let id = id.clone();
        dynamic(move || data.with(|jobs| jobs.iter().flatten().find(|job| job.id == id).map_or_else(String::new, show)))
    };
    let time = move || [&day(created, zone.get()), " ", &clock(created, zone.get())].concat();
    part(view! {
        <li class="job-item" data-status=of(|job| job.status.as_str().to_owned())>
            <a class="job-item__title" href=href>{title}</a>
            <span class="job-item__status">{of(status)}</span>
            <span class="job-item__time">{dynamic(time)}</span>
        </li>
    })
}

fn status(job: &Job) -> String {
    match job.status.has_ended() {
        true => word(job.status).to_owned(),
        false => [word(job.status), " · ", &job.progress.to_string(), " % · ", &doing(job)].concat(),
    }
}

fn is_busy(jobs: &[Job]) -> bool {
    jobs.iter().any(|job| !job.status.has_ended())
}
