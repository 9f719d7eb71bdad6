//! Two peers for `scripts/bench-jobs`: the state of a job from a bare axum handler, out of a map in memory, and out of
//! SQLite as the server reads it. Neither asks who is there, and an answer has no version.
//! `PORT=3200 DATA=FOLDER cargo run --release --features ssr --example peer_jobs`

use std::{
    collections::HashMap,
    path::Path as FilePath,
    sync::{Arc, RwLock},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tidemark::wire::job::Job;
use tokio::net::TcpListener;

type Jobs = Arc<RwLock<HashMap<String, Job>>>;

/// As many connections as the server reads with.
const READERS: u32 = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3200);
    let data = std::env::var("DATA").map_err(|_| "DATA names a folder for the database")?;
    let memory = Router::new().route("/{id}", get(remembered).put(remember)).with_state(Jobs::default());
    let sqlite = Router::new().route("/{id}", get(stored).put(store)).with_state(open(data.as_ref()).await?);
    let app = Router::new().nest("/memory", memory).nest("/sqlite", sqlite);
    Ok(axum::serve(TcpListener::bind(("127.0.0.1", port)).await?, app).await?)
}

async fn remembered(State(jobs): State<Jobs>, Path(id): Path<String>) -> Response {
    let found = jobs.read().ok().and_then(|jobs| jobs.get(&id).map(|job| Json(job).into_response()));
    found.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// Stands for whatever does the job.
async fn remember(State(jobs): State<Jobs>, Path(id): Path<String>, Json(job): Json<Job>) -> StatusCode {
    match jobs.write() {
        Ok(mut jobs) => {
            jobs.insert(id, job);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn open(folder: &FilePath) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("peer.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new().max_connections(READERS).connect_with(options).await?;
    sqlx::query(
        "CREATE TABLE job (id TEXT PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL, \
         progress INTEGER NOT NULL, doing TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, \
         result TEXT, error TEXT)",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

async fn stored(State(pool): State<SqlitePool>, Path(id): Path<String>) -> Response {
    let row: Result<Option<Row>, _> = sqlx::query_as(
        "SELECT id, kind, title, status, progress, doing, created, updated, result, error FROM job WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&pool)
    .await;
    match row {
        Ok(Some(row)) => Json(row).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn store(State(pool): State<SqlitePool>, Path(id): Path<String>, Json(job): Json<Job>) -> StatusCode {
    let stored = sqlx::query("INSERT INTO job VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(id)
        .bind(job.kind)
        .bind(job.title)
        .bind(job.status.as_str())
        .bind(i64::from(job.progress))
        .bind(job.doing)
        .bind(job.created as i64)
        .bind(job.updated as i64)
        .bind(job.result)
        .bind(job.error)
        .execute(&pool)
        .await;
    if stored.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// A job, with its fields in the same order.
#[derive(serde::Serialize, sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    title: String,
    status: String,
    progress: i64,
    doing: String,
    created: i64,
    updated: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}
