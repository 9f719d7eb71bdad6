//! `/api/jobs`: having work done in the background, and asking how far it is. Made to be polled: an answer has a version
//! (`ETag`), the same version is not sent twice (304), and each says how soon it is worth asking again.

use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use tower_http::services::ServeFile;

use super::tag;
use crate::{
    server::{
        features::{
            jobs::{self, JobError, Name, Order},
            keys::Action,
        },
        http_error,
        jobs::{InputError, Made, queue::view},
        session::{Asking, may},
        state::AppState,
        store::jobs::{JobRow, Owner},
    },
    wire::{
        Position, Topic,
        job::{JobStatus, SHOWN_JOBS},
        topic::Segment,
    },
};

/// In milliseconds, how soon it is worth asking again; 0 is never. `Retry-After` knows whole seconds only.
pub const POLL_INTERVAL: HeaderName = HeaderName::from_static("poll-interval");

/// `{"kind":"export","input":{"room":"lobby","format":"csv"}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    kind: String,
    #[serde(default)]
    input: Value,
}

/// `POST /api/jobs`: 202 with the job and its address, the first time as any other under the same `Idempotency-Key`.
pub async fn start(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = match parse(&body) {
        Ok(asked) => asked,
        Err(words) => return http_error::invalid(&format!(r#"a job is {{"kind":"…","input":{{…}}}}{words}"#)),
    };
    let idempotency_key = match headers.get("idempotency-key").map(|value| value.to_str()).transpose() {
        Ok(idempotency_key) => idempotency_key.map(str::to_owned),
        Err(_) => return refuse(&JobError::IdempotencyKey),
    };
    let Some(owner) = owner(&asking) else { return nobody(&asking) };
    match order(&state, &asking, owner, &asked.kind, &asked.input, idempotency_key).await {
        Ok(row) => {
            let location = format!("/api/jobs/{}", row.id);
            let mut body = serde_json::json!(view(&row));
            body["shared"] = jobs::shared_path(&row).into();
            (StatusCode::ACCEPTED, [(header::LOCATION, location)], advice(row.status), Json(body)).into_response()
        }
        Err(error) => refuse(&error),
    }
}

/// An order, or what is wrong with it beyond that it is none.
fn parse(body: &[u8]) -> Result<Asked, String> {
    match serde_json::from_slice::<Value>(body) {
        Ok(object @ Value::Object(_)) => serde_json::from_value(object).map_err(|error| format!(": {error}")),
        Ok(_) => Err(String::new()),
        Err(error) => Err(format!(": {error}")),
    }
}

/// Has a job done for `owner`, if whoever asks may read what it is about.
pub async fn order(
    state: &AppState,
    asking: &Asking,
    owner: Owner,
    name: &str,
    input: &Value,
    idempotency_key: Option<String>,
) -> Result<JobRow, JobError> {
    let kind = state.jobs.kind(name)?;
    let checked = kind.check(input)?;
    let mut about = String::new();
    for (topic, field) in &checked.reads {
        if !may(state, asking, Action::Read, topic).await? {
            return Err(InputError::new(*field, "the id of a room that you may read").into());
        }
        if let Some(room) = topic.room() {
            about = state.store.room(room.as_str()).await?.map_or_else(String::new, |room| room.title);
        }
    }
    let order = Order { owner, kind, input: checked.input, about, idempotency_key };
    let (row, _) = jobs::start(&state.store, &state.jobs, order, state.config.jobs.unfinished_per_person).await?;
    Ok(row)
}

/// Whose the jobs are that this one asks for. Nobody's, if they may have none done.
pub fn owner(asking: &Asking) -> Option<Owner> {
    if let Some(person) = &asking.person {
        return (!asking.unwritten).then(|| Owner::Person(person.id.clone()));
    }
    owner_by_key(asking, Action::Publish)
}

fn owner_by_key(asking: &Asking, action: Action) -> Option<Owner> {
    let key = asking.key.as_ref()?;
    // Which job it will be is not known yet; grants cover all of them, or none that is new.
    let any = Topic::Job { id: Segment::new(&format!("{:016x}", rand::random::<u64>())).ok()? };
    key.allows(action, &any).then(|| jobs::owner_of_key(key))
}

/// `GET /api/jobs/{name}`.
pub async fn status(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find(&state, &asking, &name).await {
        Ok((row, position)) => {
            let mut job = view(&row);
            // Whoever was shown the job is shown the way to its result.
            if name.contains('.') && job.result.is_some() {
                job.result = Some(format!("/api/jobs/{name}/result"));
            }
            versioned(&headers, position, row.status, Json(job))
        }
        Err(error) => refuse(&error),
    }
}

/// `GET /api/jobs`: one's own, the newest first.
pub async fn list(State(state): State<AppState>, Extension(asking): Extension<Asking>, headers: HeaderMap) -> Response {
    let reader = owner(&asking).or_else(|| owner_by_key(&asking, Action::Read));
    let Some(owner) = reader else { return nobody(&asking) };
    match state.store.jobs_of(&owner, SHOWN_JOBS).await {
        Ok(rows) => {
            let busy = rows.iter().find(|row| !row.status.has_ended()).map(|row| row.status);
            let jobs: Vec<_> = rows.iter().map(view).collect();
            tagged(&headers, &tag::of(&jobs), busy.unwrap_or(JobStatus::Completed), Json(jobs))
        }
        Err(error) => refuse(&error.into()),
    }
}

/// `POST /api/jobs/{id}/cancel`.
pub async fn cancel(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(id): Path<String>,
) -> Response {
    let Some(owner) = owner(&asking) else { return nobody(&asking) };
    answer(jobs::cancel(&state.store, &state.jobs, &owner, &id).await)
}

/// `POST /api/jobs/{id}/retry`.
pub async fn retry(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(id): Path<String>,
) -> Response {
    let Some(owner) = owner(&asking) else { return nobody(&asking) };
    let most = state.config.jobs.unfinished_per_person;
    answer(jobs::retry(&state.store, &state.jobs, &owner, &id, most).await)
}

/// `GET /api/jobs/{name}/result`: the file, streamed from the disk (in parts, if asked for), or what was found out.
pub async fn result(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (row, _) = match find(&state, &asking, &name).await {
        Ok(found) => found,
        Err(error) => return refuse(&error),
    };
    if row.status != JobStatus::Completed {
        return http_error::not_found("there is no result: the job is not completed");
    }
    // Who was removed from a room gets nothing of it from then on, and neither does whoever they have shown it to.
    match state.jobs.may_still_read(&row).await {
        Ok(true) => {}
        Ok(false) => return http_error::gone("what this job is about may not be read by its owner any more"),
        Err(error) => return refuse(&error.into()),
    }
    let made = row.result.as_deref().and_then(|json| serde_json::from_str::<Made>(json).ok());
    match made {
        None => http_error::gone("the result was kept for some days and is gone; have the job done again"),
        Some(Made::Digest(digest)) => ([(header::CACHE_CONTROL, "private, no-cache")], Json(digest)).into_response(),
        Some(Made::File { name, media_type, run, .. }) => {
            file(&state.jobs.file(&row.id, &run), &name, &media_type, request).await
        }
    }
}

async fn file(path: &std::path::Path, name: &str, media_type: &str, request: Request) -> Response {
    let Ok(served) = tower::ServiceExt::oneshot(ServeFile::new(path), request).await;
    if served.status() == StatusCode::NOT_FOUND {
        return http_error::gone("the result is gone; have the job done again");
    }
    let mut served = served.map(Body::new);
    // RFC 6266: a name for all, and the true one for those who know UTF-8.
    let plain: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' }).collect();
    let disposition =
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    let headers = [
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "private, no-cache"),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            served.headers_mut().insert(name, value);
        }
    }
    served
}

async fn find(state: &AppState, asking: &Asking, name: &str) -> Result<(JobRow, Position), JobError> {
    let name = name.parse::<Name>()?;
    jobs::find(&state.store, &name, async |row| asking.reads(row)).await
}

fn answer(changed: Result<JobRow, JobError>) -> Response {
    match changed {
        Ok(row) => (StatusCode::ACCEPTED, advice(row.status), Json(view(&row))).into_response(),
        Err(error) => refuse(&error),
    }
}

/// The version of a job is its topic's position.
fn versioned(headers: &HeaderMap, position: Position, status: JobStatus, answer: impl IntoResponse) -> Response {
    tagged(headers, &format!("\"{position}\""), status, answer)
}

fn tagged(headers: &HeaderMap, tag: &str, status: JobStatus, answer: impl IntoResponse) -> Response {
    let common = ([(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache")], advice(status));
    if tag::is_held(headers, tag) { tag::not_modified(common) } else { (common, answer).into_response() }
}

/// How soon it is worth asking again.
fn advice(status: JobStatus) -> HeaderMap {
    let ms = status.poll_ms();
    let mut headers = HeaderMap::new();
    headers.insert(POLL_INTERVAL, ms.into());
    if ms > 0 {
        headers.insert(header::RETRY_AFTER, ms.div_ceil(1_000).into());
    }
    headers
}

fn nobody(asking: &Asking) -> Response {
    if asking.unwritten {
        return http_error::too_many("many people have come from your address just now; try again in a minute");
    }
    http_error::unauthorized(
        "having jobs done takes a page's cookie, or an API key that may publish:job/*: Authorization: Bearer tmk_…",
    )
}

fn refuse(error: &JobError) -> Response {
    let words = error.to_string();
    match error {
        JobError::Unknown => http_error::not_found(&words),
        JobError::Malformed => http_error::malformed(&words),
        JobError::Input(InputError { field, .. }) => http_error::invalid_field(field, &words),
        JobError::IdempotencyKey => http_error::invalid(&words),
        JobError::Reused | JobError::Completed => http_error::conflict(&words),
        JobError::TooMany(_) => http_error::too_many(&words),
        JobError::Store(error) => {
            tracing::error!(%error, "a job could not be reached");
            http_error::unavailable()
        }
    }
}
