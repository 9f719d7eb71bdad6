//! The inspector: what the core is doing now, over the same kind of stream that it inspects.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    connection_badge::ConnectionBadge,
    dynamic::dynamic,
    inspector_state::InspectorState,
    seed::{self, Seed},
};
use crate::{
    client::{Delivery, subscribe},
    wire::{
        Topic,
        inspector::Fields,
        stream::{Keyed, Snapshot},
    },
};

/// A field's name, and how the page calls it.
type Column = (&'static str, &'static str);

const SERVER: &[Column] = &[
    ("started", "Started (UTC)"),
    ("streams", "Streams"),
    ("sockets", "Sockets"),
    ("events_out", "Events out"),
    ("bytes_out", "Bytes out"),
    ("not_listed", "Not listed"),
];
const TOPICS: &[Column] = &[
    ("topic", "Topic"),
    ("kind", "Kind"),
    ("head", "Head"),
    ("length", "In memory"),
    ("bytes", "Bytes"),
    ("cursors", "Cursors"),
    ("lag", "Furthest behind"),
];
const CONNECTIONS: &[Column] = &[
    ("serial", "Number"),
    ("transport", "Transport"),
    ("address", "Address"),
    ("since", "Since (UTC)"),
    ("cursors", "Cursors"),
];

/// What the inspector's island starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InspectorSeed {
    pub snapshot: Snapshot<Keyed<Fields>>,
}

impl Seed for InspectorSeed {
    const ID: &'static str = "inspector-seed";
}

/// Takes [`InspectorSeed`].
#[island]
pub fn Inspector() -> impl IntoView {
    let InspectorSeed { snapshot } = seed::take();
    let position = snapshot.position;
    let state = RwSignal::new(InspectorState::new(snapshot.events));
    subscribe(Topic::Inspector, position, move |delivery: Delivery<Keyed<Fields>>| match delivery {
        Delivery::Events(events) => state.update(|state| state.apply(events)),
        Delivery::Reset(reset) => state.set(InspectorState::new(reset.snapshot.events)),
        Delivery::Resumed { .. } | Delivery::Lost => {}
    });
    let figure = move |(name, title): &Column| {
        let name = *name;
        let text = move || state.with(|state| state.group("server").map(|row| row.1.get(name).to_owned()).next());
        view! { <div><dt>{*title}</dt><dd>{dynamic(text)}</dd></div> }
    };
    view! {
        <section class="inspector">
            <p class="inspector__state"><ConnectionBadge /></p>
            <dl class="figures">{SERVER.iter().map(figure).collect_view()}</dl>
            <Rows title="Topics" prefix="topic/" columns=TOPICS state />
            <Rows title="Connections" prefix="connection/" columns=CONNECTIONS state />
        </section>
    }
}

#[component]
fn Rows(
    title: &'static str,
    prefix: &'static str,
    columns: &'static [Column],
    state: RwSignal<InspectorState>,
) -> impl IntoView {
    let row = move |(key, fields): &(String, Fields)| {
        let cell = |(name, _): &Column| view! { <td data-field=*name>{fields.get(name).to_owned()}</td> };
        view! { <tr data-key=key.clone()>{columns.iter().map(cell).collect_view()}</tr> }
    };
    let rows = move || state.with(|state| state.group(prefix).map(row).collect_view());
    let head = |(name, title): &Column| view! { <th scope="col" data-field=*name>{*title}</th> };
    view! {
        <h2>{title}</h2>
        <div class="table-scroll" role="region" aria-label=title tabindex="0">
            <table>
                <thead>
                    <tr>{columns.iter().map(head).collect_view()}</tr>
                </thead>
                <tbody>{dynamic(rows)}</tbody>
            </table>
        </div>
    }
}
