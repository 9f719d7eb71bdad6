//! `/jobs`: having something done in the background, and what has been.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api::jobs::StartJob,
    components::{
        job_list::{JobList, JobsSeed},
        layout::Layout,
        seed,
    },
    server::{
        features::rooms::SHOWN,
        flash,
        jobs::queue::view,
        plain_forms,
        session::Asking,
        state::AppState,
        store::{StoreError, jobs::Owner, rooms::Listed},
    },
    wire::job::{Job, SHOWN_JOBS},
};

#[component]
pub fn JobsPage() -> impl IntoView {
    let state = AppState::current();
    let (person, flash) = (Asking::current().visitor().map(|visitor| visitor.id), flash::take());
    let room = use_query_map().with_untracked(|query| query.get("room"));
    let typed = plain_forms::typed(StartJob::PATH);
    let chosen = typed.get("room").or(room);
    let page = Suspend::new(async move {
        match find(&state, person.unwrap_or_default()).await {
            Ok((jobs, rooms)) => view! {
                {jobs.iter().any(|job| !job.status.has_ended()).then(|| view! {
                    <noscript><meta http-equiv="refresh" content="2" /></noscript>
                })}
                <Order rooms chosen />
                {seed::plant(JobsSeed { jobs })}
                <JobList />
            }
            .into_any(),
            Err(error) => {
                tracing::error!(%error, "jobs could not be read");
                view! { <p class="notice">"Your jobs cannot be shown now."</p> }.into_any()
            }
        }
    });
    view! {
        <Title text="Jobs · Tidemark" />
        <Layout path="/jobs">
            <h1>"Jobs"</h1>
            <p class="lead">
                "Work that takes a while, and a status that is polled: once a second while there is something to tell, not at all in a hidden tab, and never after the end. Close the laptop; the work goes on."
            </p>
            {flash.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <Suspense>{page}</Suspense>
        </Layout>
    }
}

async fn find(state: &AppState, person: String) -> Result<(Vec<Job>, Vec<Listed>), StoreError> {
    let rooms = state.store.rooms_of(&person, SHOWN).await?;
    let rows = state.store.jobs_of(&Owner::Person(person), SHOWN_JOBS).await?;
    Ok((rows.iter().map(view).collect(), rooms))
}

#[component]
fn Order(rooms: Vec<Listed>, chosen: Option<String>) -> impl IntoView {
    let options = rooms
        .into_iter()
        .map(|Listed { room, .. }| {
            let selected = chosen.as_ref() == Some(&room.id);
            view! { <option value=room.id selected=selected>{room.title}</option> }
        })
        .collect_view();
    view! {
        <form class="panel job-form" method="post" action=StartJob::PATH>
            <input type="hidden" name="client" value=format!("{:016x}", rand::random::<u64>()) />
            <label class="form__field">
                <span>"Room"</span>
                <select name="room" required>{options}</select>
            </label>
            <label class="form__field">
                <span>"Format of a transcript"</span>
                <select name="format">
                    <option value="markdown">"Markdown"</option>
                    <option value="json">"JSON"</option>
                    <option value="csv">"CSV"</option>
                </select>
            </label>
            <div class="job-form__buttons">
                <button class="button" name="kind" value="export">"Export its transcript"</button>
                <button class="button button--quiet" name="kind" value="digest">"Make a digest"</button>
            </div>
        </form>
    }
}
