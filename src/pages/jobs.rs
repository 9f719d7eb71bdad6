//! `/jobs`: having something done in the background, and what has been.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;

use crate::{
    api::jobs::StartJob,
    components::{
        job_list::{JobList, JobsSeed},
        layout::Layout,
        seed,
    },
    server::{
        features::{
            keys::Action,
            rooms::{self, RoomError, SHOWN},
        },
        flash,
        jobs::queue::view,
        plain_forms,
        session::{Asking, may},
        state::AppState,
        store::{jobs::Owner, rooms::RoomRow},
    },
    wire::job::{Job, SHOWN_JOBS},
};

#[component]
pub fn JobsPage() -> impl IntoView {
    let state = AppState::current();
    let (asking, flash) = (Asking::current(), flash::take());
    let room = use_query_map().with_untracked(|query| query.get("room"));
    let typed = plain_forms::typed(StartJob::PATH);
    let (chosen, format) = (typed.get("room").or(room), typed.get("format"));
    let page = Suspend::new(async move {
        match find(&state, &asking, chosen.as_deref()).await {
            Ok(Found { jobs, rooms, missing }) => view! {
                {jobs.iter().any(|job| !job.status.has_ended()).then(|| view! {
                    <noscript><meta http-equiv="refresh" content="2" /></noscript>
                })}
                {missing.then(|| view! { <p class="notice" role="status">"That room is not there, or is not yours to read. Choose another."</p> })}
                <Order rooms chosen missing format />
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
        <Meta name="description" content="Work that takes a while goes on without the tab; its status is polled as long as there is something to tell." />
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

/// What the page is made of.
struct Found {
    jobs: Vec<Job>,
    rooms: Vec<RoomRow>,
    /// The room that was asked for is not among them.
    missing: bool,
}

/// A room that was asked for and may be read is offered, though it be too old for the list or archived.
async fn find(state: &AppState, asking: &Asking, chosen: Option<&str>) -> Result<Found, RoomError> {
    let person = asking.visitor().map(|visitor| visitor.id).unwrap_or_default();
    let listed = state.store.rooms_of(&person, SHOWN).await?;
    let mut rooms: Vec<_> = listed.into_iter().map(|listed| listed.room).collect();
    let mut missing = false;
    if let Some(id) = chosen.filter(|id| rooms.iter().all(|room| room.id != *id)) {
        let further = match rooms::topic(id) {
            Ok(topic) if may(state, asking, Action::Read, &topic).await? => state.store.room(id).await?,
            Ok(_) | Err(_) => None,
        };
        missing = further.is_none();
        rooms.extend(further);
    }
    let rows = state.store.jobs_of(&Owner::Person(person), SHOWN_JOBS).await?;
    Ok(Found { jobs: rows.iter().map(view).collect(), rooms, missing })
}

const FORMATS: [(&str, &str); 3] = [("markdown", "Markdown"), ("json", "JSON"), ("csv", "CSV")];

#[component]
fn Order(rooms: Vec<RoomRow>, chosen: Option<String>, missing: bool, format: Option<String>) -> impl IntoView {
    let option = |(value, name, chosen): (String, String, &Option<String>)| {
        let selected = chosen.as_ref() == Some(&value);
        view! { <option value=value selected=selected>{name}</option> }
    };
    let options = rooms.into_iter().map(|room| option((room.id, room.title, &chosen))).collect_view();
    let formats = FORMATS.map(|(value, name)| option((value.to_owned(), name.to_owned(), &format)));
    // Nothing is chosen in place of a room that was meant.
    let none = missing.then(|| view! { <option value="" selected>"Choose a room"</option> });
    view! {
        <form class="panel job-form" method="post" action=StartJob::PATH>
            <input type="hidden" name="client" value=format!("{:016x}", rand::random::<u64>()) />
            <label class="form__field">
                <span>"Room"</span>
                <select name="room" required>{none}{options}</select>
            </label>
            <label class="form__field">
                <span>"Format of a transcript"</span>
                <select name="format">{formats.to_vec()}</select>
            </label>
            <div class="job-form__buttons">
                <button class="button" name="kind" value="export">"Export its transcript"</button>
                <button class="button button--quiet" name="kind" value="digest">"Make a digest"</button>
            </div>
        </form>
    }
}
