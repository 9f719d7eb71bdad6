//! One's conversations beside the assistant's page: the newest first, in groups by when they went on last; to be found,
//! renamed and deleted with plain forms. No island: the conversation's looks at what has become of it, and takes it as HTML
//! (`components/conversation_list.rs`).

use axum::{
    Extension,
    extract::{Query, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::assistant::{LISTED, used_today};
use crate::{
    api::assistant::{DeleteConversation, RenameConversation},
    server::{
        asker,
        features::conversations::TITLE_CHARS,
        http_error,
        session::{Asking, Source},
        state::AppState,
        store::{StoreError, now_ms},
    },
    wire::{assistant::ConversationItem, numbers::day},
};

/// What of the list is asked for.
#[derive(Debug, Deserialize)]
pub struct Shown {
    /// The id of the conversation that is shown beside it.
    #[serde(default)]
    current: String,
    /// What is looked for.
    #[serde(default)]
    q: String,
}

/// `GET /api/conversations/list`: what is in the list now, as HTML.
pub async fn list(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    source: Option<Extension<Source>>,
    Query(Shown { current, q }): Query<Shown>,
) -> Response {
    let Some(person) = asking.person.as_ref() else {
        return http_error::unauthorized("conversations are listed for whoever a page's cookie belongs to");
    };
    let found = async {
        let items = state.assistant.list(&person.id, &q, LISTED).await?;
        let source = source.map(|Extension(Source(source))| source).unwrap_or_default();
        Ok::<_, StoreError>((items, asker::used_by(&state, &asking, source).await?))
    };
    match found.await {
        Ok((items, used)) => {
            let used = Some(used_today(used));
            let html = Owner::new().with(|| view! { <Talks items current search=q used /> }.to_html());
            ([(header::CACHE_CONTROL, "private, no-store")], Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "conversations could not be listed");
            http_error::unavailable()
        }
    }
}

/// On a narrow screen it is folded: what follows the folded element is shown while that is open (`assistant.css`).
#[component]
pub fn ConversationList(
    items: Vec<ConversationItem>,
    /// The id of the one that is shown.
    current: String,
    /// What was looked for.
    search: String,
    /// What was used today, in words.
    used: Option<String>,
) -> impl IntoView {
    view! {
        <details class="talks-fold" open=!search.is_empty()><summary>"Conversations"</summary></details>
        <nav class="talks" aria-label="Conversations">
            <Talks items current search used />
        </nav>
    }
}

#[component]
fn Talks(items: Vec<ConversationItem>, current: String, search: String, used: Option<String>) -> impl IntoView {
    let found = items.len();
    let none = match (found, search.is_empty()) {
        (0, true) => Some("Nothing asked yet."),
        (0, false) => Some("Nothing found."),
        _ => None,
    };
    let older = (found >= LISTED as usize).then_some("Older ones are found by searching.");
    let action = if current.is_empty() { "/assistant".to_owned() } else { ["/assistant/", &current].concat() };
    let all = (!search.is_empty()).then(|| view! { <a class="talks__all" href=action.clone()>"Show all"</a> });
    let groups = groups(items, now_ms() as u64).into_iter().map(|(name, items)| {
        let items = items.into_iter().map(|item| talk(item, &current)).collect_view();
        // Who keeps the list new recognises by their ids what stays.
        let id = ["talks ", &name].concat().to_lowercase().replace(' ', "-");
        view! {
            <h3 class="talks__when" id=["when-", &id].concat()>{name}</h3>
            <ul class="talks__items" id=id>{items}</ul>
        }
    });
    view! {
        <a class="button button--quiet talks__new" href="/assistant">"New conversation"</a>
        <form class="talks__search" method="get" action=action.clone() role="search">
            <input type="search" name="q" value=search maxlength="100" aria-label="Words in your conversations" placeholder="Search" />
            <button class="button button--quiet">"Search"</button>
        </form>
        {all}
        {none.map(|words| view! { <p class="talks__none">{words}</p> })}
        {groups.collect_view()}
        {older.map(|words| view! { <p class="talks__none">{words}</p> })}
        {used.filter(|words| !words.is_empty()).map(|words| view! { <p class="talks__used">{words}</p> })}
    }
}

fn talk(item: ConversationItem, current: &str) -> impl IntoView + use<> {
    let ConversationItem { id, title, shared, .. } = item;
    let label = ["Rename or delete: ", &title].concat();
    let is_current = (id == current).then_some("page");
    let (rename, delete) = (id.clone(), id.clone());
    view! {
        <li class="talk" id=["talk-", &id].concat()>
            <a class="talk__name" href=["/assistant/", &id].concat() aria-current=is_current>
                {title.clone()}
                {shared.then(|| view! { <span class="talk__shared">" shared"</span> })}
            </a>
            <details class="talk__menu" name="talk-menu">
                <summary aria-label=label title="Rename or delete">"⋯"</summary>
                <div class="talk__acts">
                    <form class="talk__rename" method="post" action=RenameConversation::PATH>
                        <input type="hidden" name="conversation" value=rename />
                        <input name="title" value=title maxlength=TITLE_CHARS.to_string() required autocomplete="off" aria-label="What it is called" />
                        <button class="button button--quiet">"Rename"</button>
                    </form>
                    <details class="talk__delete">
                        <summary>"Delete …"</summary>
                        <form method="post" action=DeleteConversation::PATH>
                            <input type="hidden" name="conversation" value=delete />
                            <button class="button">"Delete it for good"</button>
                        </form>
                    </details>
                </div>
            </details>
        </li>
    }
}

/// By how long ago they went on last: the server does not know when the reader's day began.
fn groups(items: Vec<ConversationItem>, now: u64) -> Vec<(String, Vec<ConversationItem>)> {
    let mut groups: Vec<(String, Vec<ConversationItem>)> = Vec::new();
    for item in items {
        let name = group(item.updated, now);
        match groups.last_mut() {
            Some((last, items)) if *last == name => items.push(item),
            _ => groups.push((name, vec![item])),
        }
    }
    groups
}

fn group(updated: u64, now: u64) -> String {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    match now.saturating_sub(updated) / DAY_MS {
        0 => "Last 24 hours".to_owned(),
        1..7 => "Last 7 days".to_owned(),
        7..30 => "Last 30 days".to_owned(),
        _ => {
            let date = day(updated, 0);
            let mut parts = date.split('-');
            let (year, month) = (parts.next().unwrap_or_default(), parts.next().and_then(|month| month.parse().ok()));
            let month = month.and_then(|month: usize| MONTHS.get(month.checked_sub(1)?)).unwrap_or(&"");
            format!("{month} {year}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_are_grouped_by_how_long_ago_they_went_on_last() {
        const DAY: u64 = 86_400_000;
        // 2023-11-14, shortly before midnight.
        let now = 19_675 * DAY + DAY - 1;
        let item = |ago: u64| ConversationItem {
            id: ago.to_string(),
            title: String::new(),
            shared: false,
            updated: now - ago * DAY,
        };
        let grouped = groups([0, 1, 6, 7, 29, 30, 44, 45].map(item).into(), now);
        let counts: Vec<_> = grouped.iter().map(|(name, items)| (name.as_str(), items.len())).collect();
        assert_eq!(
            counts,
            [("Last 24 hours", 1), ("Last 7 days", 2), ("Last 30 days", 2), ("October 2023", 2), ("September 2023", 1)]
        );
        assert_eq!(group(now + DAY, now), "Last 24 hours", "another clock");
    }
}
