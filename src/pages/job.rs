//! `/jobs/{id}`: one's job, live; and `/jobs/{id}/digest`: what a digest found out, as a page.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_params_map;

use super::not_found::NotFoundPage;
use crate::{
    components::{
        layout::Layout,
        live_status::{JobSeed, LiveStatus},
        seed,
    },
    server::{
        features::jobs::{self, JobError, Name},
        flash,
        jobs::{Digest, Made, Speaker, queue::view as job_view},
        session::Asking,
        state::AppState,
        store::jobs::JobRow,
    },
    wire::{
        job::JobStatus,
        numbers::{count, day, grouped},
    },
};

/// The job that the address names, if it is for whoever asks.
async fn find(state: &AppState, asking: &Asking, id: &str) -> Result<Option<JobRow>, JobError> {
    // A capability opens the interface; this page is its owner's, who may change something here.
    let Some(name) = id.parse::<Name>().ok().filter(|name| name.capability.is_none()) else { return Ok(None) };
    match jobs::find(&state.store, &name, async |row| asking.reads(row)).await {
        Ok((row, _)) => Ok(Some(row)),
        Err(JobError::Unknown) => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(error: &JobError) -> AnyView {
    tracing::error!(%error, "a job could not be read");
    view! { <Layout path="/jobs"><p class="notice">"The job cannot be shown now."</p></Layout> }.into_any()
}

#[component]
pub fn JobPage() -> impl IntoView {
    let (state, asking, flash) = (AppState::current(), Asking::current(), flash::take());
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let page = Suspend::new(async move {
        match find(&state, &asking, &id).await {
            Ok(Some(row)) => view! { <Shown row flash /> }.into_any(),
            Ok(None) => view! { <NotFoundPage /> }.into_any(),
            Err(error) => failed(&error),
        }
    });
    view! { <Suspense>{page}</Suspense> }
}

#[component]
fn Shown(row: JobRow, flash: Option<String>) -> impl IntoView {
    let job = job_view(&row);
    // Without a script the page itself is what asks again.
    let reload =
        (!job.status.has_ended()).then(|| view! { <noscript><meta http-equiv="refresh" content="2" /></noscript> });
    let shared = jobs::shared_path(&row);
    view! {
        <Title text=[&job.title, " · Tidemark"].concat() />
        <Meta name="robots" content="noindex" />
        <Layout path="/jobs">
            {reload}
            {flash.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            {seed::plant(JobSeed { job })}
            <LiveStatus />
            <details class="panel">
                <summary>"For programs"</summary>
                <p>"Whoever knows this address may read this job, without a cookie and from allowed origins too:"</p>
                <pre class="commands" tabindex="0">{shared}</pre>
            </details>
            <p><a href="/jobs">"All your jobs"</a></p>
        </Layout>
    }
}

#[component]
pub fn DigestPage() -> impl IntoView {
    let (state, asking) = (AppState::current(), Asking::current());
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let page = Suspend::new(async move {
        let row = match find(&state, &asking, &id).await {
            Ok(Some(row)) => row,
            Ok(None) => return view! { <NotFoundPage /> }.into_any(),
            Err(error) => return failed(&error),
        };
        let may = state.jobs.may_still_read(&row).await;
        match (may, row.result.as_deref().and_then(|json| serde_json::from_str(json).ok())) {
            (Err(error), _) => failed(&error.into()),
            (Ok(true), Some(Made::Digest(digest))) => view! { <DigestShown digest=*digest id /> }.into_any(),
            (Ok(may), _) if row.status == JobStatus::Completed => view! { <Gone title=row.title id may /> }.into_any(),
            _ => view! { <NotFoundPage /> }.into_any(),
        }
    });
    view! { <Suspense>{page}</Suspense> }
}

/// A digest that was there.
#[component]
fn Gone(title: String, id: String, may: bool) -> impl IntoView {
    let why = match may {
        true => "It was kept for some days, and is gone. The job can be begun again.",
        false => "You may not read any more what it is about.",
    };
    view! {
        <Title text=[&title, " · Tidemark"].concat() />
        <Layout path="/jobs">
            <h1>{title}</h1>
            <p class="lead">{why}</p>
            <p><a href=["/jobs/", &id].concat()>"To the job"</a></p>
        </Layout>
    }
}

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[component]
fn DigestShown(digest: Digest, id: String) -> impl IntoView {
    let Digest { room, title, messages, people, first, last, days, hours, weekdays, speakers, summary } = digest;
    let busiest = (messages > 0).then(|| {
        let (hour, weekday) = (place_of_most(&hours), WEEKDAYS[place_of_most(&weekdays)]);
        format!("Most is said on {weekday}s, and between {hour:02}:00 and {:02}:00 UTC.", (hour + 1) % 24)
    });
    let hours: Vec<_> = hours.iter().enumerate().map(|(hour, count)| (format!("{hour:02}"), *count)).collect();
    let weekdays: Vec<_> = WEEKDAYS.iter().zip(weekdays).map(|(name, count)| ((*name).to_owned(), count)).collect();
    let speakers: Vec<_> = speakers.into_iter().map(|Speaker { name, messages }| (name, messages)).collect();
    let span = (messages > 0).then(|| [&day(first, 0), " to ", &day(last, 0), ", UTC"].concat());
    view! {
        <Title text=["Digest of ", &title, " · Tidemark"].concat() />
        <Meta name="robots" content="noindex" />
        <Layout path="/jobs">
            <h1>{["Digest of ", &title].concat()}</h1>
            <p class="lead">{span.unwrap_or_else(|| "Nothing has been said here yet.".to_owned())}</p>
            {summary.map(|words| view! { <section class="panel"><h2>"Summary"</h2><p>{words}</p></section> })}
            <dl class="figures">
                <div><dt>"Messages"</dt><dd>{grouped(messages)}</dd></div>
                <div><dt>"People"</dt><dd>{grouped(people)}</dd></div>
                <div><dt>"Days"</dt><dd>{grouped(days)}</dd></div>
                <div><dt>"A day, on average"</dt><dd>{grouped(messages.checked_div(days).unwrap_or(0))}</dd></div>
            </dl>
            {busiest.map(|words| view! { <p>{words}</p> })}
            <Bars title="Who said most" bars=speakers />
            <Bars title="By the hour of the day" bars=hours />
            <Bars title="By the day of the week" bars=weekdays />
            <p>
                <a href=["/rooms/", &room].concat()>"To the room"</a> " · "
                <a href=["/jobs/", &id].concat()>"To the job"</a>
            </p>
        </Layout>
    }
}

/// Where the highest number is; of several, the first.
fn place_of_most(numbers: &[u64]) -> usize {
    let most = numbers.iter().max();
    numbers.iter().position(|number| Some(number) == most).unwrap_or(0)
}

/// Numbers with a name each, as bars that are as long as the numbers say, and as words for those who do not see them.
#[component]
fn Bars(title: &'static str, bars: Vec<(String, u64)>) -> impl IntoView {
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let bar = |(name, number): (String, u64)| {
        let style = ["--part: ", &(number * 1_000 / most).to_string()].concat();
        view! {
            <li class="bar" style=style>
                <span class="bar__name">{name}</span>
                <span class="bar__line" aria-hidden="true"></span>
                <span class="bar__number">{count(number, "message")}</span>
            </li>
        }
    };
    view! {
        <section class="panel bars">
            <h2>{title}</h2>
            <ul>{bars.into_iter().map(bar).collect_view()}</ul>
        </section>
    }
}
