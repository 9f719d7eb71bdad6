//! The HTML shell, the routes, and the script that hydrates islands. Native only: navigation is real links.

use leptos::prelude::*;
use leptos_meta::{Link, MetaTags, provide_meta_context};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

use crate::{
    pages::{home::HomePage, inspector::InspectorPage, not_found::NotFoundPage},
    server::state::AppState,
};

/// The document around every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets = AppState::current().assets.clone();
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
                <App />
            </body>
        </html>
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
            </Routes>
        </Router>
    }
}

/// Loads the WASM and hydrates the page's islands. Only pages that have an island include it, so the others load no
/// script at all. (leptos' own `HydrationScripts` reads the hash file on every rendering and waits until the browser
/// is idle; this waits for nothing.)
#[component]
pub fn Hydration() -> impl IntoView {
    let assets = AppState::current().assets.clone();
    let script = include_str!("hydration.js").replace("{js}", &assets.js).replace("{wasm}", &assets.wasm);
    view! {
        <Link rel="modulepreload" href=assets.js.clone() />
        <Link rel="preload" href=assets.wasm.clone() as_="fetch" type_="application/wasm" crossorigin="anonymous" />
        <script type="module" nonce=leptos::nonce::use_nonce()>{script}</script>
    }
}
