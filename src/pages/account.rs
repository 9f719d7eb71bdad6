//! `/account`: one's name, one's sessions, one's API keys. Plain forms: no script is loaded.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use qrcode::{QrCode, render::svg};

use crate::{
    api::{
        keys::{CreateKey, RevokeKey},
        people::{SetName, SignOutEverywhere},
        sign_in::{MailSignInLink, MakeDeviceLink},
    },
    components::layout::Layout,
    server::{features::people::NAME_CHARS, flash, plain_forms, session::Asking, state::AppState, store::keys::KeyRow},
};

#[component]
pub fn AccountPage() -> impl IntoView {
    let state = AppState::current();
    let (asking, flash) = (Asking::current(), flash::take());
    let (visitor, email) = (asking.visitor(), asking.person.and_then(|person| person.email));
    let (name, mail) = (plain_forms::typed(SetName::PATH), plain_forms::typed(MailSignInLink::PATH));
    let (person, base) = (visitor.clone(), state.base_url_for_asker());
    let keys = Suspend::new(async move {
        let Some(person) = person else { return ().into_any() };
        match state.store.keys(Some(&person.id)).await {
            Ok(keys) => view! { <Keys keys person=person.id base /> }.into_any(),
            Err(error) => {
                tracing::error!(%error, "the keys could not be read");
                view! { <p class="notice">"Your keys cannot be shown now."</p> }.into_any()
            }
        }
    });
    view! {
        <Title text="You · Tidemark" />
        // What is one's own is nothing for search engines.
        <Meta name="robots" content="noindex" />
        <Layout path="/account">
            <h1>"You"</h1>
            {flash.map(said)}
            {visitor.map(|visitor| view! {
                <section class="panel">
                    <h2>"Your name"</h2>
                    <p>"Others see it beside what you write. Only you have it, or one that looks like it."</p>
                    <form class="form" method="post" action=SetName::PATH>
                        <label class="form__field">
                            <span>"Name"</span>
                            <input
                                name="name"
                                value=name.get("name").unwrap_or(visitor.name)
                                maxlength=NAME_CHARS.to_string()
                                required
                                autocomplete="nickname"
                            />
                        </label>
                        <button class="button">"Change name"</button>
                    </form>
                </section>
            })}
            <section class="panel">
                <h2>"Keep it over devices"</h2>
                <p>{match email {
                    Some(email) => ["You are known as ", &email, ". A link sent there signs you in anywhere."].concat(),
                    None => "A link to your e-mail address signs you in on any device. Nobody else sees the address.".to_owned(),
                }}</p>
                <form class="form" method="post" action=MailSignInLink::PATH>
                    <label class="form__field">
                        <span>"E-mail address"</span>
                        <input name="email" type="email" value=mail.get("email") maxlength="254" required autocomplete="email" />
                    </label>
                    <button class="button">"Send me a link"</button>
                </form>
                <form method="post" action=MakeDeviceLink::PATH>
                    <button class="button button--quiet">"Show a code for my phone"</button>
                </form>
            </section>
            <section class="panel">
                <h2>"Sessions"</h2>
                <p>"Ends every session, link and key of yours, on all devices. Open pages stop receiving at once; nobody can go on as you."</p>
                <form method="post" action=SignOutEverywhere::PATH>
                    <button class="button button--quiet">"Sign out everywhere"</button>
                </form>
            </section>
            <Suspense>{keys}</Suspense>
        </Layout>
    }
}

/// What a form had to say; a link for one's phone as a code to point it at.
fn said(words: String) -> AnyView {
    let is_link = words.starts_with("http") && words.contains("/sign-in?token=");
    let Some(code) = is_link.then(|| QrCode::new(&words).ok()).flatten() else {
        return view! { <p class="notice" role="status">{words}</p> }.into_any();
    };
    let picture = code.render::<svg::Color>().min_dimensions(220, 220).build();
    // Black on white whatever the theme: phones read nothing else. Without the XML declaration, which is no HTML.
    let picture = picture.find("<svg").map(|start| picture[start..].to_owned()).unwrap_or_default();
    view! {
        <section class="panel" role="status">
            <h2>"Point your phone at this"</h2>
            <div class="qr-code" inner_html=picture></div>
            <p>"It brings this session to your phone: once, within five minutes. Or open there: " <code>{words}</code></p>
        </section>
    }
    .into_any()
}

#[component]
fn Keys(keys: Vec<KeyRow>, person: String, base: String) -> impl IntoView {
    let curl = |topic: &str, event: &str| {
        ["curl -H 'Authorization: Bearer YOUR-KEY' -d '", event, "' ", &base, "/api/topics/", topic, "/events"].concat()
    };
    let deployed = curl(&["channel/", &person, "/deployments"].concat(), r#"{"type":"Deployed","data":{}}"#);
    let told = curl(&["user/", &person].concat(), r#"{"type":"Deployed","data":{"text":"Version 2 is live"}}"#);
    let said = curl("room/lobby", r#"{"type":"MessagePosted","data":{"text":"Version 2 is live"}}"#);
    let typed = plain_forms::typed(CreateKey::PATH);
    let grants =
        ["publish:channel/", &person, "/* publish:user/", &person, " publish:room/lobby read:channel/*"].concat();
    let row = |key: KeyRow| {
        let state = match key.revoked_ms {
            Some(_) => view! { "revoked" }.into_any(),
            None => view! {
                <form method="post" action=RevokeKey::PATH>
                    <input type="hidden" name="id" value=key.id />
                    <button class="button button--quiet" aria-label=["Revoke ", &key.name].concat()>"Revoke"</button>
                </form>
            }
            .into_any(),
        };
        view! {
            <tr>
                <th scope="row">{key.name}</th>
                <td><code>{key.grants}</code></td>
                <td>{state}</td>
            </tr>
        }
    };
    let list = (!keys.is_empty()).then(|| {
        view! {
            <div class="table-scroll" role="region" aria-label="Your API keys" tabindex="0">
                <table>
                    <thead><tr><th scope="col">"Key"</th><th scope="col">"May"</th><th scope="col">"State"</th></tr></thead>
                    <tbody>{keys.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        }
    });
    view! {
        <section class="panel">
            <h2>"API keys"</h2>
            <p>"A program with a key publishes to channels of yours, tells you something, or speaks in a room:"</p>
            <pre class="commands" tabindex="0">{[deployed, told, said].join("\n")}</pre>
            {list}
            <form class="form" method="post" action=CreateKey::PATH>
                <label class="form__field"><span>"What it is for"</span><input name="name" value=typed.get("name") maxlength="60" required /></label>
                <label class="form__field">
                    <span>"What it may do, in words separated by spaces"</span>
                    <textarea name="grants" rows="3" required>{typed.get("grants").unwrap_or(grants)}</textarea>
                </label>
                <button class="button">"Make a key"</button>
            </form>
        </section>
    }
}
