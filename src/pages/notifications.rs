//! `/notifications`: what one was told, newest first. Looking at it marks nothing as read; the button does.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};

use crate::{
    api::notifications::MarkNotificationsRead,
    components::layout::Layout,
    server::{
        features::notifications::{SHOWN, newest},
        flash,
        session::Asking,
        state::AppState,
    },
    wire::{
        notification::Notification,
        numbers::{clock, day},
    },
};

#[component]
pub fn NotificationsPage() -> impl IntoView {
    let state = AppState::current();
    let (visitor, flash) = (Asking::current().visitor(), flash::take());
    let list = Suspend::new(async move {
        let Some(visitor) = visitor else { return ().into_any() };
        match newest(&state.store, &visitor.id, SHOWN).await {
            Ok((notifications, unread, _)) => view! { <List notifications unread /> }.into_any(),
            Err(error) => {
                tracing::error!(%error, "the notifications could not be read");
                view! { <p class="notice">"Your notifications cannot be shown now."</p> }.into_any()
            }
        }
    });
    view! {
        <Title text="Notifications · Tidemark" />
        // What is one's own is nothing for search engines.
        <Meta name="robots" content="noindex" />
        <Layout path="/notifications">
            <h1>"Notifications"</h1>
            {flash.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <div id="notifications">
                <Suspense>{list}</Suspense>
            </div>
            <script type="module" nonce=leptos::nonce::use_nonce()>{include_str!("notifications.js")}</script>
        </Layout>
    }
}

#[component]
fn List(notifications: Vec<Notification>, unread: u32) -> impl IntoView {
    let Some(newest) = notifications.first().map(|notification| notification.id) else {
        return view! { <p class="lead">"Nobody has told you anything yet."</p> }.into_any();
    };
    let mark = (unread > 0).then(|| {
        view! {
            <form method="post" action=MarkNotificationsRead::PATH>
                <input type="hidden" name="through" value=newest.to_string() />
                <button class="button button--quiet">"Mark all as read"</button>
            </form>
        }
    });
    let item = |notification: Notification| {
        let text = match notification.link {
            Some(link) => view! { <a href=link>{notification.text}</a> }.into_any(),
            None => notification.text.into_any(),
        };
        let class = if notification.read { "notification" } else { "notification notification--unread" };
        view! {
            <li class=class data-id=notification.id.to_string()>
                <p>{text}</p>
                <p class="notification__note">
                    {(!notification.read).then_some("new · ")} {words_of(&notification.kind).to_owned()} " · "
                    {day(notification.time, 0)} " " {clock(notification.time, 0)} " UTC"
                </p>
            </li>
        }
    };
    view! {
        {mark}
        <ol class="notifications">{notifications.into_iter().map(item).collect_view()}</ol>
    }
    .into_any()
}

/// What happened, in words. What others publish says it as they call it.
fn words_of(kind: &str) -> &str {
    match kind {
        "Mentioned" => "You were mentioned",
        "JobCompleted" => "A job is done",
        "JobFailed" => "A job failed",
        "Welcomed" => "Welcome",
        other => other,
    }
}
