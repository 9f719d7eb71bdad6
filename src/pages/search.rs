//! `/search?q=…`: messages by their words, in all rooms that one may read. A plain form: no script is needed.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;

use crate::{
    components::layout::Layout,
    server::{
        features::search::{Found, search},
        session::Asking,
        state::AppState,
        store::search::{FOUND, FOUND_END, Hit},
    },
    wire::numbers::{clock, day},
};

#[component]
pub fn SearchPage() -> impl IntoView {
    let (state, asking) = (AppState::current(), Asking::current());
    // Words of rooms that one may not read are looked for too, before they are left out: not as often as one likes.
    let name = asking.name().unwrap_or_else(Asking::source);
    let person = asking.visitor().map(|visitor| visitor.id);
    let (query, before) = use_query_map().with_untracked(|query| (query.get("q"), query.get("before")));
    let query = query.unwrap_or_default();
    let before = before.and_then(|id| id.parse().ok());
    let asked = query.clone();
    let found = Suspend::new(async move {
        if asked.trim().is_empty() {
            return ().into_any();
        }
        if let Some(wait) = state.writes.ask(&["searches of ", &name].concat()) {
            let words = format!("That was too fast. Try again in {} s.", wait.as_secs() + 1);
            return view! { <p class="notice" role="status">{words}</p> }.into_any();
        }
        match search(&state.store, &asked, &person.unwrap_or_default(), before).await {
            Ok(found) => view! { <Hits found query=asked /> }.into_any(),
            Err(error) => {
                tracing::error!(%error, "messages could not be searched");
                view! { <p class="notice">"Nothing can be looked for now."</p> }.into_any()
            }
        }
    });
    view! {
        <Title text="Search · Tidemark" />
        <Meta name="robots" content="noindex" />
        <Layout path="/search">
            <h1>"Search"</h1>
            <form class="search-form" method="get" action="/search" role="search">
                <label class="form__field">
                    <span>"Words in messages of your rooms"</span>
                    <input type="search" name="q" value=query maxlength="300" required />
                </label>
                <button class="button">"Search"</button>
            </form>
            <Suspense>{found}</Suspense>
        </Layout>
    }
}

#[component]
fn Hits(found: Found, query: String) -> impl IntoView {
    let Found { hits, more } = found;
    if hits.is_empty() {
        return view! { <p class="lead" role="status">"No message of a room that you may read has these words."</p> }
            .into_any();
    }
    let oldest = hits.last().map(|hit| hit.id).unwrap_or_default();
    let item = |hit: Hit| {
        let link = ["/rooms/", &hit.room, "?before=", &(hit.id + 1).to_string(), "#m", &hit.id.to_string()].concat();
        view! {
            <li class="hit">
                <p class="hit__text">{marked(&hit.text)}</p>
                <p class="hit__note">
                    <span class="hit__author" style=["--hue: ", &hit.hue.to_string()].concat()>{hit.author}</span>
                    " in " <a href=link>{hit.room_title}</a> " · " {day(hit.time, 0)} " " {clock(hit.time, 0)} " UTC"
                </p>
            </li>
        }
    };
    view! {
        <ol class="hits">{hits.into_iter().map(item).collect_view()}</ol>
        {more.then(|| view! {
            <form method="get" action="/search">
                <input type="hidden" name="q" value=query />
                <input type="hidden" name="before" value=oldest.to_string() />
                <button class="button button--quiet">"Older ones"</button>
            </form>
        })}
    }
    .into_any()
}

/// A text with what was found in it marked.
fn marked(text: &str) -> Vec<AnyView> {
    let mut views = Vec::new();
    for (index, part) in text.split(FOUND).enumerate() {
        let (found, plain) = if index == 0 {
            (None, part)
        } else {
            part.split_once(FOUND_END).map_or((None, part), |(found, plain)| (Some(found), plain))
        };
        views.extend(found.map(|found| view! { <mark>{found.to_owned()}</mark> }.into_any()));
        views.push(plain.to_owned().into_any());
    }
    views
}
