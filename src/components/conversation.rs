//! `LiveConversation`: a conversation with the assistant, from the server's rendering on. `answer.rs` and `question.rs` show
//! what was said; what one does is `conversation_ask.rs` (to ask), `conversation_acts.rs` (all else) and
//! `conversation_scroll.rs` (to read).

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    answer::answer_row,
    answer_foot::model_of,
    connection_badge::ConnectionBadge,
    conversation_acts::{MESSAGES, STOP, clicked, listen_for_escape, pressed, submitted},
    conversation_ask::{self, ASK_FIELD, MODEL_FIELD},
    conversation_list, conversation_scroll,
    conversation_state::{Chat, ConversationSeed, Entry},
    dynamic::dynamic,
    markup::{element, escaped, form, select},
    part::{Line, Part, list, part, when},
    question::{pending_line, question_row},
    seed,
};
use crate::{
    api::assistant::{AskAssistant, ShareConversation, StopAnswer},
    client::{Delivery, Raw, Record, effect, set_title, subscribe_raw},
    wire::{Topic, assistant::DELETED},
};

/// What there is to ask where nobody has asked anything.
const SUGGESTIONS: &[&str] = &[
    "Which pattern fits a live dashboard?",
    "What happens to my stream when I close the laptop?",
    "How do I add a background job?",
    "SSE or WebSocket?",
];

/// Takes [`ConversationSeed`].
#[island]
pub fn LiveConversation() -> impl IntoView {
    let mut seed: ConversationSeed = seed::take();
    let chat = Chat::new(&mut seed);
    let ConversationSeed { conversation, fresh, models, link, person, listed, client, draft } = seed;
    if let Some(person) = person {
        conversation_list::watch(person, listed, if fresh { String::new() } else { chat.id() });
    }
    if !fresh {
        let topic = Topic::Conversation { id: conversation.id };
        subscribe_raw(topic, conversation.position, Box::new(move |delivery| happened(chat, delivery)));
        effect(move |_| set_title(&[&chat.title.get(), " · Tidemark"].concat()));
    }
    conversation_ask::keep(chat);
    conversation_scroll::watch(chat);
    listen_for_escape(chat);
    let mine = conversation.mine;
    let fields = (chat.id(), client.clone());
    let welcome = move || suggestions(&fields.0, &fields.1);
    view! {
        <section
            class="conversation" aria-labelledby="conversation-title"
            on:submit=move |event| submitted(chat, &event)
            on:click=move |event| clicked(chat, &event)
            on:keydown=move |event| pressed(&event)
            on:input=move |event| conversation_ask::input(chat, &event)
        >
            <header class="conversation__header">
                <h1 id="conversation-title" class="conversation__title">{dynamic(move || chat.title.get())}</h1>
                {when(move || !mine, || part(view! { <ConnectionBadge /> }))}
                {when(move || mine && !fresh, move || share(chat, link.clone()))}
            </header>
            {when(move || fresh && chat.pending.with(Option::is_none), welcome)}
            <ol class="conversation__messages" id=MESSAGES aria-label="Messages" tabindex="-1">
                {messages(chat)}
                {list(move || chat.pending.get().map(pending_line).into_iter().collect())}
            </ol>
            {when(move || chat.is_gone(), move || part(view! { <p class="notice" role="status">{dynamic(move || chat.gone.get())}</p> }))}
            <p class="assistant__hidden" role="status" data-said="">{dynamic(move || chat.said.get())}</p>
            {when(move || mine && !chat.is_gone(), move || dock(chat, models.clone(), client.clone(), &draft))}
        </section>
    }
}

/// What was said, without what a question on its way is to replace.
fn messages(chat: Chat) -> impl IntoView {
    let row = move |entry: Entry| -> Line {
        let make = move || match entry.message.with_untracked(|message| message.answer) {
            true => answer_row(chat, entry),
            false => question_row(chat, entry),
        };
        (entry.id.to_string(), Box::new(make))
    };
    list(move || {
        let until = chat.pending.with(|pending| pending.as_ref().and_then(|pending| pending.instead_of.parse().ok()));
        chat.entries
            .with(|entries| entries.iter().take_while(|entry| Some(entry.id) != until).copied().map(row).collect())
    })
}

fn suggestions(conversation: &str, client: &str) -> Part {
    let button = |text: &&str| {
        element("button", &["class=\"suggestion\" name=\"text\" value=\"", &escaped(text), "\""].concat(), text)
    };
    let buttons: String = SUGGESTIONS.iter().map(button).collect();
    let fields = [("conversation", conversation), ("client", client)];
    let html = form("suggestions", AskAssistant::PATH, &fields, &buttons);
    part(view! { <div class="conversation__begin" inner_html=html></div> })
}

fn share(chat: Chat, link: String) -> Part {
    let words = move || if chat.shared.get() { "Shared" } else { "Share" };
    let shown = move || {
        let (link, text) = (link.clone(), link.clone());
        part(view! {
            <p class="share__link">
                <input class="share__address" readonly value=link aria-label="The link to share" />
                <button class="act act--scripted" type="button" data-do="copy" data-text=text>"Copy the link"</button>
            </p>
        })
    };
    part(view! {
        <details class="share">
            <summary>{dynamic(words)}</summary>
            <div class="share__panel">
                <form method="post" action=ShareConversation::PATH>
                    <input type="hidden" name="conversation" value=chat.id() />
                    <input type="hidden" name="shared" value=dynamic(move || if chat.shared.get() { "false" } else { "true" }) />
                    <button class="switch" role="switch" aria-checked=dynamic(move || if chat.shared.get() { "true" } else { "false" })>
                        "Anybody with the link may read this"
                    </button>
                </form>
                {when(move || chat.shared.get(), shown)}
            </div>
        </details>
    })
}

/// Where one asks. It stays at the window's end.
fn dock(chat: Chat, models: Vec<String>, client: String, failed: &str) -> Part {
    let send = || part(view! { <button class="button ask__send">"Send"</button> });
    let stop = || part(view! { <button class="button button--quiet ask__send" form=STOP>"Stop"</button> });
    let attributes = ["class=\"ask__model\" aria-label=\"Model\" id=\"", MODEL_FIELD, "\""].concat();
    // It goes on with what has answered last.
    let last = chat.entries.with_untracked(|entries| {
        entries
            .iter()
            .rev()
            .map(|entry| entry.message.with_untracked(|message| model_of(message).to_owned()))
            .find(|model| !model.is_empty())
    });
    let model = if models.len() > 1 { select(&attributes, &models, &last.unwrap_or_default()) } else { String::new() };
    let running = move || chat.running().is_some();
    let stopping = move || {
        let id = move || chat.running().unwrap_or(0).to_string();
        part(view! {
            <form id=STOP class="assistant__hidden" method="post" action=StopAnswer::PATH>
                <input type="hidden" name="conversation" value=chat.id() />
                <input type="hidden" name="message" value=dynamic(id) />
            </form>
        })
    };
    let end = || {
        part(
            view! { <button class="button button--quiet dock__end" type="button" data-do="end">"Jump to the end"</button> },
        )
    };
    part(view! {
        <div class="dock">
            {when(move || chat.away.get(), end)}
            <form class="ask" method="post" action=AskAssistant::PATH>
                <input type="hidden" name="conversation" value=chat.id() />
                <input type="hidden" name="client" value=client />
                <label class="assistant__hidden" for=ASK_FIELD>"Your question"</label>
                <textarea
                    id=ASK_FIELD class="ask__text" name="text" rows="1" required autofocus=true
                    placeholder="Ask something"
                    inner_html=escaped(failed)
                ></textarea>
                <div class="ask__row">
                    <ConnectionBadge />
                    <div class="ask__choice" inner_html=model></div>
                    {when(move || !running(), send)}
                    {when(running, stop)}
                </div>
            </form>
            {when(running, stopping)}
            <p class="dock__note" role="alert">{dynamic(move || chat.note.get())}</p>
        </div>
    })
}

/// What the conversation's topic tells: to look again, whatever it is, or that there is nothing to look at.
fn happened(chat: Chat, delivery: Delivery<Raw>) {
    match delivery {
        Delivery::Events(events) => {
            let kind = |json: &str| Record::parse(json)?.text("type");
            if events.iter().any(|event| kind(&event.data.0).as_deref() == Some(DELETED)) {
                return chat.close("This conversation was deleted.");
            }
            chat.refresh();
        }
        Delivery::Reset(_) => chat.refresh(),
        Delivery::Lost if chat.is_mine() => {
            chat.close("This conversation was deleted, or you are no longer signed in as who began it.")
        }
        Delivery::Lost => chat.close("This conversation is no longer shared with you."),
        Delivery::Resumed { .. } => {}
    }
}
