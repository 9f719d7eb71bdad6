//! Every route, on one page.

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower::ServiceBuilder;
use tower_http::{
    compression::{
        CompressionBody, CompressionLayer,
        predicate::{DefaultPredicate, Predicate},
    },
    cors::{AllowOrigin, CorsLayer},
    csrf::CsrfLayer,
    services::ServeDir,
    trace::TraceLayer,
};

use super::{
    bodies::{self, BODY_BYTES},
    http_error, plain_forms, rate_limit, session,
    state::AppState,
    transports::{chat, conversations, events, history, jobs, rooms, snapshot, sse, ui, ws},
};
use crate::{
    app::{App, conversation_list, shell},
    error::{AppError, ErrorKind},
};

/// Of conversations with a model: as many characters as they may have, in the longest encoding, and their JSON.
fn conversation_bytes(state: &AppState) -> usize {
    const AROUND: usize = 100 * 1024;
    state.config.assistant.conversation_chars as usize * 4 + AROUND
}

pub fn router(state: AppState) -> anyhow::Result<Router> {
    let (pages, development) = (generate_route_list(App), state.development());
    let context = {
        let state = state.clone();
        move || leptos::prelude::provide_context(state.clone())
    };
    let render = {
        let state = state.clone();
        move || shell(state.leptos.clone())
    };

    let api = Router::new()
        .route("/api/stream", get(sse::open))
        .route("/api/stream/{connection}", post(sse::change_topics))
        .route("/api/snapshot", get(snapshot::snapshot))
        .route("/api/head", get(snapshot::head))
        .route("/api/topics/{*path}", get(events::read).post(events::publish))
        .route("/api/command", post(ws::over_http))
        .route("/api/chat", post(chat::answer).layer(DefaultBodyLimit::max(conversation_bytes(&state))))
        .route("/api/chat/{id}/stream", get(ui::resume))
        .route("/api/chat/{id}/stop", post(ui::stop))
        .route("/api/conversations", get(conversations::list))
        .route("/api/conversations/list", get(conversation_list))
        .route("/api/conversations/{id}", get(conversations::one))
        .route("/api/rooms", get(rooms::list))
        .route("/api/rooms/{room}/messages", get(history::messages))
        .route("/api/jobs", get(jobs::list).post(jobs::start))
        .route("/api/jobs/{name}", get(jobs::status))
        .route("/api/jobs/{name}/result", get(jobs::result))
        .route("/api/jobs/{name}/cancel", post(jobs::cancel))
        .route("/api/jobs/{name}/retry", post(jobs::retry))
        .layer(cors(&state)?);

    Ok(Router::new()
        .merge(api)
        .route("/api/fn/{*name}", post(server_function))
        .route("/api/{*rest}", get(|| async { http_error::not_found("there is no such interface") }))
        .route("/ws", get(ws::open))
        // Asked for by browsers that show something which is no page, such as an error in JSON.
        .route("/favicon.ico", get(|| async { Redirect::permanent("/favicon.svg") }))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .leptos_routes_with_context(&state, pages, context, render)
        .fallback(static_file_or_not_found)
        .layer(
            ServiceBuilder::new()
                .layer(TraceLayer::new_for_http().on_response(()).on_body_chunk(()).on_eos(()).on_failure(()))
                .map_response(without_compressor)
                // Outside of what reads bodies. The default predicate leaves event streams alone; a compressor would hold
                // events back. Files to be kept are sent as they are: with their length, and in parts that fit together.
                // To compress a development build's WASM would be most of the time in which a page comes.
                .layer(
                    CompressionLayer::new().compress_when(
                        DefaultPredicate::new()
                            .and(is_no_download)
                            .and(move |_, _, headers: &_, _: &_| !(development && is_wasm(headers))),
                    ),
                )
                .layer(middleware::from_fn(security_headers))
                .layer(middleware::from_fn(true_statuses))
                .layer(middleware::from_fn(errors_as_json))
                .layer(middleware::from_fn_with_state(state.clone(), session::identify))
                .layer(middleware::from_fn_with_state(state.clone(), plain_forms::watch))
                .layer(middleware::from_fn_with_state(state.clone(), rate_limit::limit))
                .layer(csrf(&state)?),
        )
        .layer(middleware::from_fn_with_state(state.clone(), bodies::limit))
        .with_state(state))
}

async fn server_function(State(state): State<AppState>, request: Request) -> Response {
    let context = move || leptos::prelude::provide_context(state.clone());
    let answer = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    match answer.status() {
        StatusCode::BAD_REQUEST => http_error::not_found("there is no such server function"),
        _ => answer,
    }
}

/// What libraries refuse in plain text, or without a word, is said to programs as all else is.
async fn errors_as_json(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let answer = next.run(request).await;
    let typed = answer.headers().get(header::CONTENT_TYPE);
    let plain = typed.is_none_or(|typed| typed.as_bytes().starts_with(b"text/plain"));
    if !api || !plain || !answer.status().is_client_error() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let words = axum::body::to_bytes(body, BODY_BYTES).await.unwrap_or_default();
    let (told, body) = http_error::of_status(parts.status, &String::from_utf8_lossy(&words)).into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(told.headers);
    Response::from_parts(parts, body)
}

/// leptos registers a route for each server function; their errors pass here.
async fn true_statuses(request: Request, next: Next) -> Response {
    let function = request.uri().path().starts_with("/api/fn/");
    let answer = next.run(request).await;
    match answer.status() {
        StatusCode::INTERNAL_SERVER_ERROR if function => with_true_status(answer).await,
        _ => answer,
    }
}

/// leptos answers every error with 500; whose fault it is stands in the error.
async fn with_true_status(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES).await else { return http_error::unavailable() };
    if let Ok(error) = serde_json::from_slice::<AppError>(&body) {
        parts.status = match error.kind {
            ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Busy => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Full => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Network | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if matches!(error.kind, ErrorKind::Busy | ErrorKind::Full) {
            parts.headers.insert(header::RETRY_AFTER, error.retry_s.unwrap_or(1).into());
        }
    }
    Response::from_parts(parts, body.into())
}

/// Ready to serve, and not about to stop: what a load balancer asks.
async fn ready(State(state): State<AppState>) -> Response {
    if state.connections.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match state.store.answers().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// Files of the site folder, already compressed where the release build has done so; otherwise the not-found page.
async fn static_file_or_not_found(State(state): State<AppState>, request: Request) -> Response {
    let hashed = state.leptos.hash_files && request.uri().path().starts_with("/pkg/");
    let (parts, body) = request.into_parts();
    let files = ServeDir::new(&*state.leptos.site_root)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    let request = Request::from_parts(parts.clone(), Body::empty());
    let found = tower::ServiceExt::oneshot(files, request).await;
    match found {
        Ok(response) if response.status() != StatusCode::NOT_FOUND => {
            let mut response = response.map(Body::new);
            let forever = "public, max-age=31536000, immutable";
            let cache = if hashed { forever } else { "no-cache" };
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
            response
        }
        _ => {
            let options = state.leptos.clone();
            let context = move || leptos::prelude::provide_context(state.clone());
            let render = leptos_axum::render_app_to_stream_with_context(context, move || shell(options.clone()));
            render(Request::from_parts(parts, body)).await.into_response()
        }
    }
}

/// Who may read the interface from a page of another site. Cookies are never among what they may send.
fn cors(state: &AppState) -> anyhow::Result<CorsLayer> {
    let origins = state.config.allowed_origins.iter().map(|origin| origin.parse());
    Ok(CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.collect::<Result<Vec<HeaderValue>, _>>()?))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            header::HeaderName::from_static("idempotency-key"),
            header::HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER, jobs::POLL_INTERVAL]))
}

/// Nothing is changed by a page of another site, unless its origin is allowed.
fn csrf(state: &AppState) -> anyhow::Result<CsrfLayer> {
    state.config.allowed_origins.iter().try_fold(CsrfLayer::new(), |layer, origin| {
        layer.add_trusted_origin(origin).map_err(|error| anyhow::anyhow!("allowed_origins: {origin}: {error}"))
    })
}

/// A body that is sent as it is has a compressor's room about it all the same, 5.9 KiB: for as long as a stream is open.
fn without_compressor(response: Response<CompressionBody<Body>>) -> Response {
    let is_encoded = response.headers().contains_key(header::CONTENT_ENCODING);
    response.map(|body| if is_encoded { Body::new(body) } else { body.into_inner() })
}

fn is_no_download(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::CONTENT_DISPOSITION)
}

fn is_wasm(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/wasm")
}

async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    response
}
