//! One's jobs, newest first, from the server's rendering on; polled while one of them is not done.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    dynamic::dynamic,
    live_status::{doing, word},
    polling_badge::PollingBadge,
    seed::{self, Seed},
};
use crate::{
    client::{
        local_offset_minutes, now_ms,
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

/// Takes [`JobsSeed`].
#[island]
pub fn JobList() -> impl IntoView {
    let JobsSeed { jobs } = seed::take();
    let options = Options {
        refresh_interval: Interval::Of(|jobs: &Vec<Job>| if is_busy(jobs) { 1_000 } else { 0 }),
        revalidate_on_mount: Some(false),
        ..Options::default()
    };
    let polled = use_polling(|| Some("/api/jobs".to_owned()), options, Some(jobs));
    let data = polled.data;
    let zone = RwSignal::new(0);
    Effect::new(move |_| zone.set(local_offset_minutes(now_ms() as u64)));
    let busy = Signal::derive(move || data.with(|jobs| jobs.as_ref().is_some_and(|jobs| is_busy(jobs))));
    let rows = move || data.get().unwrap_or_default();
    view! {
        <section class="job-list" aria-labelledby="job-list-title">
            <header class="job__header">
                <h2 id="job-list-title">"Your jobs"</h2>
                <PollingBadge asks=busy failed=Signal::derive(move || polled.error.with(Option::is_some)) />
            </header>
            {dynamic(move || rows().is_empty().then(|| view! { <p class="job-list__none">"None yet. The first one takes a second."</p> }))}
            <ol class="job-list__items">
                // What a job looks like is part of its key: a row that changed is another row.
                <For each=rows key=|job| [&job.id, "@", &job.updated.to_string()].concat() let:job>
                    <li class="job-item" data-status=job.status.as_str()>
                        <a class="job-item__title" href=["/jobs/", &job.id].concat()>{job.title.clone()}</a>
                        <span class="job-item__status">
                            {word(job.status)}
                            {(!job.status.has_ended()).then(|| [" · ", &job.progress.to_string(), " % · ", &doing(&job)].concat())}
                        </span>
                        <span class="job-item__time">{dynamic(move || [&day(job.created, zone.get()), " ", &clock(job.created, zone.get())].concat())}</span>
                    </li>
                </For>
            </ol>
        </section>
    }
}

fn is_busy(jobs: &[Job]) -> bool {
    jobs.iter().any(|job| !job.status.has_ended())
}
