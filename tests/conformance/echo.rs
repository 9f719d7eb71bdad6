//! An endpoint that says back what it hears, for conformance runs: the limits, faults and ends of `GET /ws`, and none of its
//! messages. It is an example and no part of the server, so that nothing can switch it on there.
//! `PORT=3300 cargo run --features ssr --example echo`

use axum::{
    Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    response::Response,
    routing::get,
};
use futures::StreamExt;
use tidemark::server::transports::ws::protocol::{answer_close, fault, limited, part, write};
use tokio::net::TcpListener;

/// Autobahn's largest message, in bytes. Ours are far below: what is tested is how they are framed.
const MOST: usize = 16 * 1024 * 1024;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{}", listener.local_addr()?.port());
    axum::serve(listener, Router::new().route("/", get(open))).await
}

async fn open(upgrade: WebSocketUpgrade) -> Response {
    limited(upgrade, MOST).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    loop {
        match socket.next().await {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                if write(&mut socket, std::iter::once(message)).await.is_none() {
                    return;
                }
            }
            Some(Ok(Message::Close(_))) => return answer_close(&mut socket).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Err(error)) => match fault(&error) {
                Some(why) => return part(&mut socket, why).await,
                None => return,
            },
            None => return,
        }
    }
}
