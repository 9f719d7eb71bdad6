//! `/assistant`: a new conversation. `/assistant/{conversation}`: one's own, or one that somebody shares, which can only be
//! read. Both are complete in the server's HTML; beside them one's conversations (`conversation_list.rs`).

use leptos::{nonce::use_nonce, prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{conversation_list::ConversationList, not_found::NotFoundPage};
use crate::{
    api::assistant::AskAssistant,
    components::{conversation::LiveConversation, conversation_state::ConversationSeed, layout::Layout, seed},
    server::{
        asker,
        features::{chat::Used, conversations::list_topic},
        flash,
        model::guide::ADD_A_MODEL,
        plain_forms,
        session::Asking,
        state::AppState,
        store::StoreError,
    },
    wire::{
        Epoch, Position,
        assistant::{Conversation, ConversationItem, Status},
        numbers::grouped,
        topic::Segment,
    },
};

/// So many of one's conversations are listed; older ones are found by searching.
pub(super) const LISTED: u32 = 100;

/// One's own conversation opens at its end, before anything of it is painted. A link to a message leads there.
const TO_THE_END: &str = "location.hash || scrollTo(0, document.documentElement.scrollHeight)";

/// What both pages are made of.
struct Found {
    seed: ConversationSeed,
    /// Of somebody who is nobody, nothing.
    items: Vec<ConversationItem>,
    search: String,
    used: Option<Used>,
}

#[component]
pub fn AssistantPage() -> impl IntoView {
    view! { <Asked id=None /> }
}

#[component]
pub fn ConversationPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("conversation")).unwrap_or_default();
    view! { <Asked id=Some(id) /> }
}

#[component]
fn Asked(id: Option<String>) -> impl IntoView {
    let (state, asking) = (AppState::current(), Asking::current());
    let search = use_query_map().with_untracked(|query| query.get("q")).unwrap_or_default();
    let flash = flash::take();
    let draft = plain_forms::typed(AskAssistant::PATH).get("text").unwrap_or_default();
    let page = Suspend::new(async move {
        match find(&state, &asking, id, search, draft).await {
            Ok(Some(found)) => view! { <Page found flash /> }.into_any(),
            Ok(None) => view! { <NotFoundPage /> }.into_any(),
            Err(error) => {
                tracing::error!(%error, "a conversation could not be read");
                view! { <Layout path="/assistant"><p class="notice">"The conversation cannot be shown now."</p></Layout> }
                    .into_any()
            }
        }
    });
    view! { <Suspense>{page}</Suspense> }
}

async fn find(
    state: &AppState,
    asking: &Asking,
    id: Option<String>,
    search: String,
    draft: String,
) -> Result<Option<Found>, StoreError> {
    let person = asking.person.as_ref().map(|person| person.id.as_str());
    let random = || format!("{:032x}", rand::random::<u128>());
    let fresh = id.is_none();
    let conversation = match id {
        Some(id) => state.assistant.view(&id, person).await?,
        None => new_conversation(&random()),
    };
    let Some(conversation) = conversation else { return Ok(None) };
    let list = person.and_then(list_topic);
    // Before the list is read: what changes in between is told, and the list looked at once more.
    let listed = match &list {
        Some(list) => state.store.head(&mut *state.store.read().await?, list).await?,
        None => Position { epoch: Epoch(0), offset: 0 },
    };
    let items = match person {
        Some(person) => state.assistant.list(person, &search, LISTED).await?,
        None => Vec::new(),
    };
    let used = if conversation.mine { Some(asker::used_today().await?) } else { None };
    let link = format!("{}/assistant/{}", state.base_url_for_asker(), conversation.id);
    let models = state.assistant.models();
    let person = person.and_then(|person| Segment::new(person).ok());
    let seed = ConversationSeed { conversation, fresh, models, link, person, listed, client: random(), draft };
    Ok(Some(Found { seed, items, search, used }))
}

/// One in which nothing has been asked. Who asks something in it makes it.
fn new_conversation(id: &str) -> Option<Conversation> {
    Some(Conversation {
        id: Segment::new(id).ok()?,
        title: "What would you like to know?".to_owned(),
        position: Position { epoch: Epoch(0), offset: 0 },
        mine: true,
        shared: false,
        messages: Vec::new(),
    })
}

#[component]
fn Page(found: Found, flash: Option<String>) -> impl IntoView {
    let Found { seed, items, search, used } = found;
    let Conversation { id, title, mine, ref messages, .. } = seed.conversation.clone();
    let (guide, fresh) = (seed.models.len() < 2, seed.fresh);
    let current = if seed.fresh { String::new() } else { id.to_string() };
    let title = if seed.fresh { "Assistant".to_owned() } else { title };
    let writes = messages.iter().any(|message| message.status == Status::Running);
    view! {
        <Title text=[&title, " · Tidemark"].concat() />
        // What one has asked, and what is shared with a few, is nothing for search engines.
        <Meta name="robots" content="noindex" />
        <Layout path="/assistant">
            <div class="assistant">
                <ConversationList items current=current.clone() search used=used.map(used_today) />
                <div class="assistant__main">
                    {flash.map(|words| view! { <p class="notice" role="status">{words}</p> })}
                    {(!mine).then(|| view! {
                        <p class="notice">
                            "Somebody shares this conversation with whoever has its address. You can read it here, as it goes on. "
                            <a href="/assistant">"Ask something yourself"</a>
                        </p>
                    })}
                    {(mine && guide).then(|| view! {
                        <p class="notice">
                            "This is search over the documentation, not a model. To talk to one, put "
                            <code>{ADD_A_MODEL}</code> " into " <code>".env"</code> " and restart."
                        </p>
                    })}
                    {writes.then(|| view! {
                        <noscript>
                            <p class="notice">
                                "The answer is being written. "
                                <a href=["/assistant/", &current].concat()>"See how far it has come"</a>
                            </p>
                        </noscript>
                    })}
                    {seed::plant(seed)}
                    <LiveConversation />
                    {(mine && !fresh).then(|| view! { <script nonce=use_nonce()>{TO_THE_END}</script> })}
                </div>
            </div>
        </Layout>
    }
}

/// In words; nothing where nobody pays.
pub(super) fn used_today(used: Used) -> String {
    let tokens = grouped(used.input_tokens + used.output_tokens);
    let ceiling = used.ceiling.map(grouped);
    ceiling.map_or_else(String::new, |ceiling| ["Today: ", &tokens, " tokens of ", &ceiling].concat())
}
