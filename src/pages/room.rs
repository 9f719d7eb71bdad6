//! `/rooms/{room}`: the conversation, complete in the server's HTML, and beneath it what its members may do.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use leptos_router::hooks::{use_params_map, use_query_map};

use super::not_found::NotFoundPage;
use crate::{
    api::rooms::{ArchiveRoom, Invite, PostMessage, RemoveMember, RenameRoom},
    components::{
        chat_room::{ChatRoom, RoomSeed},
        layout::Layout,
        seed,
    },
    server::{
        features::{
            keys::Action,
            messages,
            rooms::{self, RoomError, SHOWN, TITLE_CHARS},
        },
        flash, plain_forms,
        session::{Asking, may},
        state::AppState,
        store::{people::Person, rooms::RoomRow},
    },
    wire::{
        Topic,
        person::Visitor,
        stream::{Keyed, Snapshot},
        topic::Segment,
    },
};

/// What the page is made of.
struct Found {
    room: RoomRow,
    seed: RoomSeed,
    /// Of a room that one belongs to.
    members: Vec<Person>,
    member: bool,
}

#[component]
pub fn RoomPage() -> impl IntoView {
    let state = AppState::current();
    let asking = Asking::current();
    let room = use_params_map().with_untracked(|params| params.get("room")).unwrap_or_default();
    let before = use_query_map().with_untracked(|query| query.get("before")).and_then(|id| id.parse().ok());
    let flash = flash::take();
    let draft = plain_forms::typed(PostMessage::PATH).get("text").unwrap_or_default();
    let page = Suspend::new(async move {
        match find(&state, &asking, &room, before, draft).await {
            Ok(Some(found)) => view! { <Room found flash /> }.into_any(),
            Ok(None) => view! { <NotFoundPage /> }.into_any(),
            Err(error) => {
                tracing::error!(%error, "a room could not be read");
                view! { <Layout path="/rooms"><p class="notice">"The room cannot be shown now."</p></Layout> }
                    .into_any()
            }
        }
    });
    view! { <Suspense>{page}</Suspense> }
}

async fn find(
    state: &AppState,
    asking: &Asking,
    id: &str,
    before: Option<u64>,
    draft: String,
) -> Result<Option<Found>, RoomError> {
    let Ok(topic) = rooms::topic(id) else { return Ok(None) };
    if !may(state, asking, Action::Read, &topic).await? {
        return Ok(None);
    }
    let Some(room) = state.store.room(id).await? else { return Ok(None) };
    let me = asking.visitor();
    let (history, seen) = messages::history(&state.store, id, before, me.as_ref().map(|me| me.id.as_str())).await?;
    let members = if room.private || room.owner.is_some() { state.store.members(id, SHOWN).await? } else { Vec::new() };
    let segment = Segment::new(id).map_err(|_| RoomError::Unknown)?;
    let seed = RoomSeed {
        title: room.title.clone(),
        archived: room.archived,
        past: before.is_some(),
        presence: latest(state, Topic::Presence { room: segment.clone() }).into(),
        typing: latest(state, Topic::Typing { room: segment.clone() }).into(),
        room: segment,
        me,
        history,
        seen,
        client: format!("{:032x}", rand::random::<u128>()),
        draft,
    };
    Ok(Some(Found { member: seen.is_some(), room, seed, members }))
}

/// A latest as it is now.
fn latest(state: &AppState, topic: Topic) -> Snapshot<Keyed<Visitor>> {
    let json = state.topics.snapshot(&topic);
    serde_json::from_slice(&json).unwrap_or_else(|error| {
        tracing::error!(%error, %topic, "a snapshot cannot be read");
        Snapshot { position: state.topics.head(&topic), topic, events: Vec::new() }
    })
}

#[component]
fn Room(found: Found, flash: Option<String>) -> impl IntoView {
    let Found { room, seed, members, member } = found;
    let me = seed.me.as_ref().map(|me| me.id.clone()).unwrap_or_default();
    let owner = room.owner.as_deref() == Some(me.as_str());
    view! {
        // Islands connect over a WebSocket: client/socket.rs.
        <Meta name="tidemark-connection" content="socket" />
        <Title text=[&room.title, " · Tidemark"].concat() />
        <Meta name="description" content=["What is said in ", &room.title, ", as it is said."].concat() />
        <Layout path="/rooms">
            {flash.map(|words| view! { <p class="notice notice--wraps" role="status">{words}</p> })}
            {seed.past.then(|| view! {
                <p class="notice">
                    "You are reading older messages. " <a href=["/rooms/", &room.id].concat()>"To the newest"</a>
                </p>
            })}
            {seed::plant(seed)}
            <ChatRoom />
            <script type="module" nonce=leptos::nonce::use_nonce()>{include_str!("room.js")}</script>
            {(member && (owner || room.private || !members.is_empty()))
                .then(|| view! { <About room members me owner /> })}
        </Layout>
    }
}

#[component]
fn About(room: RoomRow, members: Vec<Person>, me: String, owner: bool) -> impl IntoView {
    let id = room.id.clone();
    let owner_id = room.owner.clone();
    let row = |member: Person| {
        let may_remove = (owner || member.id == me) && owner_id.as_deref() != Some(&member.id);
        let words = if member.id == me { "Leave" } else { "Remove" };
        let label = if member.id == me { "Leave this room".to_owned() } else { ["Remove ", &member.name].concat() };
        view! {
            <li class="member">
                <span class="member__name" style=["--hue: ", &member.hue.to_string()].concat()>{member.name}</span>
                {(owner_id.as_deref() == Some(&member.id)).then(|| view! { <span class="member__note">"owner"</span> })}
                {may_remove.then(|| view! {
                    <form method="post" action=RemoveMember::PATH>
                        <input type="hidden" name="room" value=id.clone() />
                        <input type="hidden" name="member" value=member.id />
                        <button class="button button--quiet" aria-label=label>{words}</button>
                    </form>
                })}
            </li>
        }
    };
    let members = members.into_iter().map(row).collect_view();
    let owners = (owner && !room.archived).then(|| {
        view! {
            <form method="post" action=Invite::PATH>
                <input type="hidden" name="room" value=room.id.clone() />
                <button class="button">"Make an invitation"</button>
                <p class="form__note">"A link for a week. A new one replaces the one before."</p>
            </form>
            <form class="form" method="post" action=RenameRoom::PATH>
                <input type="hidden" name="room" value=room.id.clone() />
                <label class="form__field">
                    <span>"What it is called"</span>
                    <input name="title" value=plain_forms::typed(RenameRoom::PATH).get("title").unwrap_or(room.title) maxlength=TITLE_CHARS.to_string() required autocomplete="off" />
                </label>
                <button class="button button--quiet">"Rename"</button>
            </form>
            <form method="post" action=ArchiveRoom::PATH>
                <input type="hidden" name="room" value=room.id.clone() />
                <button class="button button--quiet">"Archive"</button>
                <p class="form__note">"It can be read from then on, and nothing more can be said."</p>
            </form>
        }
    });
    view! {
        <details class="panel about-room">
            <summary>"Members and settings"</summary>
            <p><a href=["/jobs?room=", &room.id].concat()>"Export this room, or make a digest of it"</a></p>
            <ul class="members">{members}</ul>
            {owners}
        </details>
    }
}
