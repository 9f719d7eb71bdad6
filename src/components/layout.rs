//! What every page stands in: the name, the navigation in two groups, the page, the foot. Static: it reaches no WASM.

use leptos::prelude::*;

use super::{
    bell::{Bell, BellSeed},
    seed,
};
use crate::wire::person::Visitor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    path: &'static str,
    name: &'static str,
}

const PATTERNS: &[Item] = &[
    Item { path: "/", name: "Live feed" },
    Item { path: "/rooms", name: "Rooms" },
    Item { path: "/assistant", name: "Assistant" },
    Item { path: "/jobs", name: "Jobs" },
];
const DEVELOPERS: &[Item] = &[Item { path: "/inspector", name: "Inspector" }];

/// What the layout shows of who is looking and what there is; the shell provides it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Whether there is an inspector to link to.
    pub inspector: bool,
    pub visitor: Option<Visitor>,
    pub bell: Option<BellSeed>,
}

#[component]
pub fn Layout(
    /// The page's own path, marked in the navigation; empty for a page that is not in it.
    path: &'static str,
    children: Children,
) -> impl IntoView {
    let Frame { inspector, visitor, bell } = use_context().unwrap_or_default();
    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <header class="masthead">
            <a class="masthead__name" href="/">
                <svg class="masthead__mark" viewBox="0 0 32 32" aria-hidden="true">
                    <path d="M3 12q3.25-4 6.5 0t6.5 0 6.5 0 6.5 0" />
                    <path d="M3 19h26" />
                    <path d="M3 26h14" />
                </svg>
                "Tidemark"
            </a>
            <nav class="masthead__nav" aria-label="Main">
                <Group name="Patterns" items=PATTERNS path />
                {inspector.then(|| view! { <Group name="Developers" items=DEVELOPERS path /> })}
            </nav>
            <div class="masthead__own">
                {bell.map(|seed| view! {
                    {seed::plant(seed)}
                    <Bell />
                })}
                {visitor.map(|visitor| view! {
                    <a
                        class="masthead__person"
                        href="/account"
                        aria-current=(path == "/account").then_some("page")
                        style=["--hue: ", &visitor.hue.to_string()].concat()
                    >
                        <span class="masthead__hidden">"You are "</span>
                        {visitor.name}
                    </a>
                })}
            </div>
        </header>
        <main id="main" class="page" tabindex="-1">{children()}</main>
        <footer class="foot">
            <p>"Tidemark, the real-time starter for Rust. A topic is a log, a connection is a cursor."</p>
        </footer>
    }
}

#[component]
fn Group(name: &'static str, items: &'static [Item], path: &'static str) -> impl IntoView {
    view! {
        <div class="masthead__group">
            <span class="masthead__group-name" id=["nav-", name].concat()>{name}</span>
            <ul aria-labelledby=["nav-", name].concat()>
                {items
                    .iter()
                    .map(|item| {
                        view! {
                            <li>
                                <a href=item.path aria-current=(item.path == path).then_some("page")>{item.name}</a>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </div>
    }
}
