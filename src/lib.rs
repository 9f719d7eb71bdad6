//! Tidemark: real-time patterns in one Leptos crate on Axum. A topic is a log, a connection is a cursor.
//!
//! This file is the map. `docs/ARCHITECTURE.md` has the diagram, the invariants and two walkthroughs.
//!
//! | room | what | may import |
//! |---|---|---|
//! | [`wire`] | what travels: plain types, no I/O | nothing of ours |
//! | [`client`] | browser primitives that know no feature | `wire` |
//! | [`api`] | server functions: check, delegate | `server` (in their bodies), `wire` |
//! | [`components`] | the islands and their parts | `client`, `api`, `wire` |
//! | `pages`, `app` | one file a page; the HTML shell and its routes | `components`, `api`, `wire` |
//! | `server` | native only: transports → features → topics | `wire` |

// Views are deeply nested types.
#![recursion_limit = "256"]

pub mod api;
#[cfg(feature = "ssr")]
pub mod app;
pub mod client;
pub mod components;
pub mod error;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
pub mod wire;

/// Called by the page's script once the WASM is loaded; the script then hydrates each island by its name.
#[cfg(feature = "front")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    client::start();
    #[cfg(feature = "room-island")]
    client::socket::prefer_where_asked();
    leptos::mount::hydrate_islands();
}
