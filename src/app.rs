//! The HTML shell, the routes, and the script that hydrates islands. Native only: navigation is real links.

use axum::http::{HeaderValue, header, request::Parts};
use leptos::{config::Env, nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::{Link, MetaTags, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    components::layout::Frame,
    pages::{
        account::AccountPage,
        assistant::{AssistantPage, ConversationPage},
        documentation::DocumentationPage,
        home::HomePage,
        inspector::InspectorPage,
        job::{DigestPage, JobPage},
        jobs::JobsPage,
        not_found::NotFoundPage,
        notifications::NotificationsPage,
        room::RoomPage,
        rooms::{JoinPage, RoomsPage},
        search::SearchPage,
        sign_in::SignInPage,
    },
    server::{assets::Bundle, session::Asking, state::AppState},
};

pub use crate::pages::conversation_list::list as conversation_list;

/// The document around every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets = AppState::current().assets.clone();
    content_security_policy(&options);
    let asking = Asking::current();
    let frame = Frame { inspector: AppState::current().inspector, visitor: asking.visitor(), bell: asking.bell };
    let live = frame.bell.is_some();
    provide_context(frame);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" id="leptos" href=assets.css.clone() />
                <AutoReload options />
                <MetaTags />
            </head>
            <body>
                {live.then(|| view! { <Hydration /> })}
                <App />
            </body>
        </html>
    }
}

/// Only our own scripts run, and those of this very page. Style attributes are allowed: the strip's cells have them.
fn content_security_policy(options: &LeptosOptions) {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    // In development the page listens to cargo-leptos, which tells it to reload.
    let reload = match options.env {
        Env::DEV => format!(" ws://*:{}", options.reload_port),
        Env::PROD => String::new(),
    };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'{reload}; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        // Every page shows who looks at it.
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=HomePage />
                <Route path=path!("/inspector") view=InspectorPage />
                <Route path=path!("/rooms") view=RoomsPage ssr=SsrMode::Async />
                <Route path=path!("/rooms/join") view=JoinPage ssr=SsrMode::Async />
                <Route path=path!("/rooms/:room") view=RoomPage ssr=SsrMode::Async />
                <Route path=path!("/assistant") view=AssistantPage ssr=SsrMode::Async />
                <Route path=path!("/assistant/:conversation") view=ConversationPage ssr=SsrMode::Async />
                <Route path=path!("/jobs") view=JobsPage ssr=SsrMode::Async />
                <Route path=path!("/jobs/:id") view=JobPage ssr=SsrMode::Async />
                <Route path=path!("/jobs/:id/digest") view=DigestPage ssr=SsrMode::Async />
                <Route path=path!("/search") view=SearchPage ssr=SsrMode::Async />
                <Route path=path!("/docs/:file") view=DocumentationPage ssr=SsrMode::Async />
                // They wait for the store: the whole page is sent at once, and works without a script.
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                <Route path=path!("/notifications") view=NotificationsPage ssr=SsrMode::Async />
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}

/// Loads the WASM and hydrates the page's islands. Only pages that have an island include it, so the others load no
/// script at all. (leptos' own `HydrationScripts` reads the hash file on every rendering and waits until the browser
/// is idle; this waits for nothing.)
#[component]
pub fn Hydration() -> impl IntoView {
    let path = use_context::<Parts>().map_or_else(String::new, |parts| parts.uri.path().to_owned());
    let code = AppState::current().assets.code(Bundle::of(&path)).clone();
    let script = include_str!("hydration.js").replace("{js}", &code.js).replace("{wasm}", &code.wasm);
    view! {
        <Link rel="modulepreload" href=code.js.clone() />
        <Link rel="preload" href=code.wasm.clone() as_="fetch" type_="application/wasm" crossorigin="anonymous" />
        <script type="module" nonce=leptos::nonce::use_nonce()>{script}</script>
    }
}
