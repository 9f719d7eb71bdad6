//! One question to the server, and its answer as the schedule understands it. Knows no type of data: text in, text out.

use gloo_net::http::{Request, Response};
use web_sys::{AbortSignal, RequestCache};

use super::input::Failure;
use crate::client::http::{UNREACHABLE, why};

pub struct Reply {
    pub said: Said,
    /// The header `Poll-Interval`, in milliseconds.
    pub advised_ms: Option<u32>,
}

pub enum Said {
    Text {
        text: String,
        etag: Option<String>,
    },
    /// What has the tag that was sent.
    NotModified,
    Failed {
        failure: Failure,
        retry_after_ms: Option<f64>,
    },
}

/// `GET`, past the browser's own cache: what has not changed is told by the tag that we keep.
pub async fn ask(url: &str, etag: Option<&str>, signal: Option<&AbortSignal>) -> Reply {
    let mut request = Request::get(url).cache(RequestCache::NoStore).abort_signal(signal);
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    let Ok(response) = request.send().await else { return unreachable() };
    let advised_ms = number(&response, "poll-interval");
    let retry_after_ms = number(&response, "retry-after").map(|seconds| f64::from(seconds) * 1_000.0);
    let (ok, status, tag) = (response.ok(), response.status(), response.headers().get("etag"));
    if status == 304 && etag.is_some() {
        return Reply { said: Said::NotModified, advised_ms };
    }
    let Ok(text) = response.text().await else { return unreachable() };
    let said = if ok {
        Said::Text { text, etag: tag }
    } else {
        Said::Failed { failure: Failure { status, message: why(&text) }, retry_after_ms }
    };
    Reply { said, advised_ms }
}

fn unreachable() -> Reply {
    let failure = Failure { status: 0, message: UNREACHABLE.to_owned() };
    Reply { said: Said::Failed { failure, retry_after_ms: None }, advised_ms: None }
}

/// A header that is a whole number. (`Retry-After` may be a date as well; then it is passed over.)
fn number(response: &Response, name: &str) -> Option<u32> {
    response.headers().get(name)?.trim().parse().ok()
}
