//! Jobs over the real router: asked for, polled, done, stopped, begun again; and what is refused.

mod http {
    pub mod server;
}
mod job_cases {
    mod ends;
    pub mod kinds;
    mod refusals;
    mod results;
    mod summaries;
}
mod assistant_cases {
    pub mod script;
}

use axum::http::{Method, StatusCode};
use http::server::{Answer, Server};
use serde_json::Value;
use tidemark::server::{features::rooms, store::StoreError, store::people::Person};

pub const HTML: (&str, &str) = ("accept", "text/html");

/// A visitor's cookie.
pub async fn visit(server: &Server) -> String {
    let page = server.get("/", &[HTML]).await;
    let cookie = page.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    server.get("/api/head?topic=feed", &[("cookie", &cookie)]).await;
    cookie
}

/// Who came last.
pub async fn newest_person(server: &Server) -> Person {
    let mut read = server.state.store.read().await.expect("a read");
    let id: String = sqlx::query_scalar("SELECT id FROM person ORDER BY rowid DESC LIMIT 1")
        .fetch_one(&mut *read)
        .await
        .expect("one");
    drop(read);
    let found = server.state.store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.person(&id).await }));
    found.await.expect("a look").expect("a person")
}

/// A server with a lobby, and a visitor.
pub async fn lobby() -> (Server, String) {
    let server = Server::new().await;
    rooms::found(&server.state.store).await.expect("the lobby");
    let cookie = visit(&server).await;
    (server, cookie)
}

pub async fn ask(server: &Server, headers: &[(&str, &str)], body: &str) -> Answer {
    server.send(Method::POST, "/api/jobs", headers, body.to_owned()).await
}

/// Asks for a job that is taken on, and returns it.
pub async fn start(server: &Server, cookie: &str, body: &str) -> Value {
    let mut answer = ask(server, &[("cookie", cookie)], body).await;
    let text = answer.text().await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{text}");
    let job: Value = serde_json::from_str(&text).expect("a job");
    assert_eq!(answer.header("location"), format!("/api/jobs/{}", job["id"].as_str().expect("an id")));
    job
}

pub async fn status(server: &Server, cookie: &str, id: &str) -> Value {
    let text = server.get(&format!("/api/jobs/{id}"), &[("cookie", cookie)]).await.text().await;
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no job: {text}"))
}

/// Polls until the status is this one.
pub async fn until(server: &Server, cookie: &str, id: &str, wanted: &str) -> Value {
    let reached = async {
        loop {
            let job = status(server, cookie, id).await;
            if job["status"] == wanted {
                return job;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(std::time::Duration::from_secs(20), reached).await {
        Ok(job) => job,
        Err(_) => panic!("{wanted} was not reached: {}", status(server, cookie, id).await),
    }
}

pub fn id(job: &Value) -> &str {
    job["id"].as_str().expect("an id")
}
