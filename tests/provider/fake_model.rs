//! A fake of language models' providers: Anthropic's Messages API (`/v1/messages`) and OpenAI's chat completions
//! (`/v1/chat/completions`) on one port, without a key, the same for the same question. It refuses what they refuse.
//! `cargo run --features ssr --example fake_model 127.0.0.1:4010`, then for the server
//! `TIDEMARK_ASSISTANT__ANTHROPIC_KEY=key TIDEMARK_ASSISTANT__ANTHROPIC_BASE_URL=http://127.0.0.1:4010`. With port 0 it takes
//! one that is free; its address is the first line that it prints.
//!
//! It quotes the question and says how many messages it was sent, at once, unless the last message that a person wrote has
//! markers, which may stand anywhere in it:
//!
//! | | |
//! |---|---|
//! | `[slow]`, `[fast]`, `[rate N]` | 10, 200 or N words a second |
//! | `[words N]`, `[10000]` | so many words: w1 w2 w3 … |
//! | `[say TEXT]` | this text (without `]`) |
//! | `[markdown]` | headings, lists, a table, fenced blocks, a link, and an attempt to run a script |
//! | `[think]` | thinks first |
//! | `[tool NAME {…}]` | asks for this tool; with its result, quotes that. Several: at once. Without it among the request's tools, says so |
//! | `[tool-again NAME {…}]` | asks for it however often it is answered |
//! | `[max]`, `[refuse]` | ends because it was too long, or refuses |
//! | `[usage IN OUT]` | counts these tokens, not the words |
//! | `[split]` | in pieces of three bytes, which end inside of characters |
//! | `[error]`, `[400]`, `[401]` | that status (500 for `error`) |
//! | `[429]` | too many requests, twice; then the answer. With `retry-after` |
//! | `[529]` | overloaded, always (OpenAI: 503) |
//! | `[silence]`, `[nothing]` | never answers; answers with no event at all |
//! | `[error-mid]`, `[cut]`, `[silence-mid]` | after two words: an error, a dead connection, nothing more |
//! | `[garbage]` | an event that is no JSON |
//! | `[endless]` | does not stop; 100 words a second |
//!
//! `max_tokens` is looked at and not kept to. `GET /requests`: the newest thousand requests (path and body), `DELETE /requests`
//! forgets them. `GET /open`: how many answers are being read now.

mod anthropic;
mod openai;
mod script;
mod serve;
mod wire;
mod words;

use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, serve::service(serve::Shared::new(String::new()))).await
}
