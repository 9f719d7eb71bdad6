//! `/sign-in?token=…`: where a link leads. A button uses it up; opening the page does not.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;

use crate::{
    api::sign_in::SignIn,
    components::layout::Layout,
    server::{features::sign_in::leads_to, state::AppState, store::now_ms},
};

#[component]
pub fn SignInPage() -> impl IntoView {
    let state = AppState::current();
    let token = use_query_map().with(|query| query.get("token").unwrap_or_default());
    let content = Suspend::new(async move {
        match leads_to(&state.store, &token, now_ms()).await {
            Ok(Some((person, email))) => view! {
                <p class="lead">
                    "The link is good. It makes this browser " <b>{person.name}</b>
                    {email.map(|email| [", known as ", &email].concat())}
                    ". Go on only if that is you."
                </p>
                <form method="post" action=SignIn::PATH>
                    <input type="hidden" name="token" value=token />
                    <button class="button">"Sign in"</button>
                </form>
            }
            .into_any(),
            Ok(None) => view! {
                <p class="lead">"The link was used already, or has expired. Ask for another."</p>
                <p><a class="button" href="/account">"To your account"</a></p>
            }
            .into_any(),
            Err(error) => {
                tracing::error!(%error, "a link could not be looked up");
                view! { <p class="notice">"The link cannot be checked now. Load the page again in a moment."</p> }
                    .into_any()
            }
        }
    });
    view! {
        <Title text="Sign in · Tidemark" />
        // The address holds a secret.
        <Meta name="referrer" content="same-origin" />
        <Meta name="robots" content="noindex" />
        <Layout path="">
            <h1>"Sign in"</h1>
            <Suspense>{content}</Suspense>
        </Layout>
    }
}
