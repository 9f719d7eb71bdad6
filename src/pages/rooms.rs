//! `/rooms`: the rooms there are and what is unread in each; making one. `/rooms/join`: where an invitation leads.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;

use crate::{
    api::rooms::{AcceptInvitation, CreateRoom},
    components::{
        layout::Layout,
        room_list::{RoomList, RoomsSeed},
        seed,
    },
    server::{
        features::rooms::{SHOWN, TITLE_CHARS, invited_to, items},
        flash, plain_forms,
        session::Asking,
        state::AppState,
        store::now_ms,
    },
};

#[component]
pub fn RoomsPage() -> impl IntoView {
    let state = AppState::current();
    let (visitor, flash) = (Asking::current().visitor(), flash::take());
    let typed = plain_forms::typed(CreateRoom::PATH);
    let list = Suspend::new(async move {
        let person = visitor.map(|visitor| visitor.id).unwrap_or_default();
        match state.store.rooms_of(&person, SHOWN).await {
            Ok(rooms) => view! {
                {seed::plant(RoomsSeed { rooms: rooms.into_iter().map(items).collect() })}
                <RoomList />
            }
            .into_any(),
            Err(error) => {
                tracing::error!(%error, "the rooms could not be read");
                view! { <p class="notice">"The rooms cannot be shown now."</p> }.into_any()
            }
        }
    });
    view! {
        <Title text="Rooms · Tidemark" />
        <Meta name="description" content="Chat over one WebSocket, stored, and resumed from the exact message where it stopped." />
        <Layout path="/rooms">
            <h1>"Rooms"</h1>
            <p class="lead">
                "Chat over one WebSocket, stored, and resumed from the exact message where it stopped. Close the laptop in the middle of a conversation; open it."
            </p>
            {flash.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <Suspense>{list}</Suspense>
            <form class="search-form" method="get" action="/search" role="search">
                <label class="form__field">
                    <span>"Words in messages of these rooms"</span>
                    <input type="search" name="q" maxlength="300" required />
                </label>
                <button class="button button--quiet">"Search"</button>
            </form>
            <section class="panel">
                <h2>"Make a room"</h2>
                <form class="form" method="post" action=CreateRoom::PATH>
                    <label class="form__field">
                        <span>"What it is called"</span>
                        <input name="title" value=typed.get("title") maxlength=TITLE_CHARS.to_string() required autocomplete="off" />
                    </label>
                    <label class="form__check">
                        <input type="checkbox" name="private" value="yes" checked=typed.get("private").is_some() />
                        <span>"Private: only for those who come with an invitation"</span>
                    </label>
                    <button class="button">"Make the room"</button>
                </form>
            </section>
        </Layout>
    }
}

#[component]
pub fn JoinPage() -> impl IntoView {
    let state = AppState::current();
    let token = use_query_map().with_untracked(|query| query.get("token")).unwrap_or_default();
    let flash = flash::take();
    let page = Suspend::new(async move {
        match invited_to(&state.store, &token, now_ms()).await {
            Ok(Some(room)) => view! {
                <h1>{["An invitation to ", &room.title].concat()}</h1>
                <p class="lead">"Whoever joins reads everything that was said there, and is seen by the other members."</p>
                {flash.map(|words| view! { <p class="notice" role="status">{words}</p> })}
                <form method="post" action=AcceptInvitation::PATH>
                    <input type="hidden" name="token" value=token />
                    <button class="button">"Join"</button>
                </form>
            }
            .into_any(),
            Ok(None) => view! {
                <h1>"This invitation leads nowhere"</h1>
                <p class="lead">"It has expired, or has been replaced by another. Ask for a new one."</p>
            }
            .into_any(),
            Err(error) => {
                tracing::error!(%error, "an invitation could not be read");
                view! { <p class="notice">"The invitation cannot be looked up now."</p> }.into_any()
            }
        }
    });
    view! {
        <Title text="An invitation · Tidemark" />
        // The address holds a secret.
        <Meta name="robots" content="noindex" />
        <Layout path="/rooms">
            <Suspense>{page}</Suspense>
        </Layout>
    }
}
