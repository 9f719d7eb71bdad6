//! One question over a connection of its own, and the words of the answer as they come. As little as possible is done for each:
//! the fake provider shares the core.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Who is asked, how, and how a word looks in the answer.
#[derive(Clone, Debug)]
pub struct Target {
    address: String,
    path: &'static str,
    word: &'static [u8],
}

impl Target {
    /// The provider itself, over Anthropic's wire.
    pub fn provider(address: &str) -> Self {
        Self { address: address.to_owned(), path: "/v1/messages", word: b"text_delta" }
    }

    /// A server with the article's route.
    pub fn server(address: &str) -> Self {
        Self { address: address.to_owned(), path: "/api/chat", word: b"data: {\"text\"" }
    }

    fn request(&self, question: &str) -> String {
        let Self { address, path, .. } = self;
        let question = serde_json::json!([{ "role": "user", "content": question }]);
        let body = match *path {
            "/api/chat" => format!(r#"{{"messages":{question}}}"#),
            _ => format!(r#"{{"model":"m","max_tokens":9,"stream":true,"messages":{question}}}"#),
        };
        format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: key\r\nanthropic-version: 2023-06-01\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

/// An answer of one word takes no longer, or never ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// From the question to the first word, over a connection that is open.
pub async fn first_token(target: &Target) -> io::Result<Duration> {
    let asked = tokio::time::timeout(PATIENCE, ask_for_one(target)).await;
    asked.unwrap_or_else(|_| Err(io::Error::other(format!("{}: an answer did not end", target.address))))
}

async fn ask_for_one(target: &Target) -> io::Result<Duration> {
    let mut stream = connect(target).await?;
    let request = target.request("[words 1]");
    let asked = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    let mut words = Words::default();
    let mut bytes = [0; 4_096];
    let mut found = None;
    // To the end: what comes after it is not to weigh on the next question.
    loop {
        match stream.read(&mut bytes).await? {
            0 => return found.ok_or_else(|| io::Error::other(format!("{}: no word came", target.address))),
            read if words.count(&bytes[..read], target.word) > 0 => found = found.or(Some(asked.elapsed())),
            _ => {}
        }
    }
}

/// Reads an answer to its end, and counts its words.
pub async fn read(target: &Target, question: &str, tokens: &AtomicU64) -> io::Result<()> {
    let mut stream = connect(target).await?;
    stream.write_all(target.request(question).as_bytes()).await?;
    let mut words = Words::default();
    let mut bytes = [0; 4_096];
    loop {
        match stream.read(&mut bytes).await? {
            0 => return Ok(()),
            read => tokens.fetch_add(words.count(&bytes[..read], target.word), Ordering::Relaxed),
        };
    }
}

async fn connect(target: &Target) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(&target.address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// How much of a word's mark was at the end of the last bytes.
#[derive(Debug, Default)]
struct Words(usize);

impl Words {
    /// How often the mark ends in these bytes. It begins with a letter that is not in its rest.
    fn count(&mut self, bytes: &[u8], mark: &[u8]) -> u64 {
        let mut found = 0;
        for byte in bytes {
            self.0 = if *byte == mark[self.0] { self.0 + 1 } else { usize::from(*byte == mark[0]) };
            if self.0 == mark.len() {
                found += 1;
                self.0 = 0;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_wherever_the_bytes_end() {
        let text = b"data: {\"text\":\"dada\"}\n\nddata: {\"text\":\"b\"}\n\ndata: [DONE]\n\n";
        for size in 1..=text.len() {
            let mut words = Words::default();
            let counted: u64 = text.chunks(size).map(|bytes| words.count(bytes, b"data: {\"text\"")).sum();
            assert_eq!(counted, 2, "{size}");
        }
    }
}
