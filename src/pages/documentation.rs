//! `/docs/{file}`: the documentation in this binary, which the guide quotes. No script is needed.

use std::{collections::HashMap, sync::LazyLock};

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_params_map;

use super::not_found::NotFoundPage;
use crate::{
    components::layout::Layout,
    server::{
        markdown,
        model::documents::{DOCUMENTS, Document, Section, address, linked},
    },
};

/// Each document as it is shown: its sections with their HTML.
static SHOWN: LazyLock<HashMap<&str, Vec<(Section, String)>>> = LazyLock::new(|| {
    let html = |document: &Document, section: &Section| match document.is_markdown() {
        true => markdown::render(&linked(document.name, &section.text)).concat(),
        false => markdown::render(&["```toml\n", &section.text, "```\n"].concat()).concat(),
    };
    let shown = |document: &'static Document| {
        let sections = document.sections().into_iter();
        let sections = sections.map(|section| {
            let html = without_buttons(&html(document, &section));
            (section, html)
        });
        (document.file(), sections.collect())
    };
    DOCUMENTS.iter().map(shown).collect()
});

#[component]
pub fn DocumentationPage() -> impl IntoView {
    let file = use_params_map().with_untracked(|params| params.get("file")).unwrap_or_default();
    let Some(document) = Document::of_file(&file) else { return view! { <NotFoundPage /> }.into_any() };
    let page = Suspend::new(async move {
        // The first look makes all of it, colours too: elsewhere than where everybody's streams are written.
        let shown = tokio::task::spawn_blocking(|| &*SHOWN).await;
        let sections = shown.ok().and_then(|shown| shown.get(document.file()));
        sections.map(|sections| view! { <Sections document sections /> })
    });
    let description = ["What Tidemark does and how: ", document.name, "."].concat();
    view! {
        <Title text=[document.name, " · Tidemark"].concat() />
        <Meta name="description" content=description />
        <Layout path="/docs">
            <nav aria-label="Documentation">
                <p>
                    {DOCUMENTS
                        .iter()
                        .enumerate()
                        .map(|(at, other)| {
                            let current = (other == document).then_some("page");
                            let before = if at > 0 { " · " } else { "" };
                            view! { {before} <a href=address(other.name, "") aria-current=current>{other.name}</a> }
                        })
                        .collect_view()}
                </p>
            </nav>
            <Suspense>{page}</Suspense>
        </Layout>
    }
    .into_any()
}

#[component]
fn Sections(document: &'static Document, sections: &'static [(Section, String)]) -> impl IntoView {
    let title =
        sections.iter().find(|(section, _)| section.level == 1).map_or(document.name, |(first, _)| &first.title);
    let contents = sections.iter().filter(|(section, _)| section.level == 2).map(|(section, _)| {
        let to = ["#", &section.anchor].concat();
        view! { <li><a href=to>{plain(&section.title)}</a></li> }
    });
    let contents = contents.collect::<Vec<_>>();
    view! {
        <h1>{plain(title)}</h1>
        {(!contents.is_empty()).then(|| view! {
            <details class="folded">
                <summary>"On this page"</summary>
                <nav class="markdown" aria-label="On this page"><ul>{contents}</ul></nav>
            </details>
        })}
        <article class="markdown" style="--heading-size: var(--text-large); --subheading-size: 1em">
            {sections.iter().map(|(section, html)| view! {
                {heading(section)}
                <div class="block" inner_html=html.as_str()></div>
            }).collect_view()}
        </article>
    }
}

/// The first is the page's own.
fn heading(section: &Section) -> AnyView {
    let (id, title) = (section.anchor.clone(), plain(&section.title));
    match section.level {
        0 | 1 => ().into_any(),
        2 => view! { <h2 id=id>{title}</h2> }.into_any(),
        3 => view! { <h3 id=id>{title}</h3> }.into_any(),
        _ => view! { <h4 id=id>{title}</h4> }.into_any(),
    }
}

/// What is copied with a button elsewhere takes a script, which these pages do without.
fn without_buttons(html: &str) -> String {
    let mut parts = html.split("<button");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.filter_map(|rest| Some(rest.split_once("</button>")?.1)).collect::<String>()
}

fn plain(title: &str) -> String {
    title.replace('`', "")
}
