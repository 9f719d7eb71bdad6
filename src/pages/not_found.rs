//! Every address that leads nowhere: 404, and a way on.

use axum::http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;

use crate::components::layout::Layout;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found · Tidemark" />
        <Layout path="">
            <h1>"There is nothing here"</h1>
            <p class="lead">"The address may be mistyped, or what it led to is gone."</p>
            <p><a class="button" href="/">"To the live feed"</a></p>
        </Layout>
    }
}
