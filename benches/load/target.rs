//! What is measured: a loopback address, the topics its URL asks for, and the request that (re)opens a stream.

use std::{
    fmt::Write,
    net::{SocketAddr, ToSocketAddrs},
};

use super::{
    position::{Order, Position},
    subscription::Topic,
};

/// As many as a stream may carry.
const TOPICS: usize = 16;

#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub topics: Vec<Topic>,
    /// As given, for reports.
    pub url: String,
    host: String,
    path: String,
    /// Query parameters that are not topics, as given.
    rest: String,
}

/// The two ways in which a client may say how far it has read. A browser uses the header, our pages' first request
/// the URL; resumes take turns, so that both are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    Url,
    Header,
}

impl Target {
    /// `latest` names the topics whose positions may skip versions.
    pub fn parse(url: &str, latest: &[String]) -> Result<Self, String> {
        let after = url.strip_prefix("http://").ok_or(format!("{url}: the URL begins with http://"))?;
        let (host, path) = after.find('/').map_or((after, "/"), |slash| after.split_at(slash));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut target = Self {
            address: resolve(host)?,
            topics: Vec::new(),
            url: url.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            rest: String::new(),
        };
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.strip_prefix("topic=") {
                Some(topic) => target.topics.push(parse_topic(topic, latest)?),
                None => target.rest.extend(["&", parameter]),
            }
        }
        match target.topics.len() {
            0 => Err(format!("{url}: the URL names no topic; add ?topic=feed")),
            count if count > TOPICS => Err(format!("a stream carries at most {TOPICS} topics")),
            _ => Ok(target),
        }
    }

    /// The request of a stream that has read each topic up to these positions.
    pub fn request(&self, positions: impl Iterator<Item = Option<Position>>, resume: Resume) -> String {
        let (mut query, mut read) = (String::new(), String::new());
        for (topic, position) in self.topics.iter().zip(positions) {
            let _ = write!(query, "&topic={}", topic.name);
            if let Some(position) = position {
                match resume {
                    Resume::Url => drop(write!(query, "@{position}")),
                    Resume::Header => drop(write!(read, ",{}@{position}", topic.name)),
                }
            }
        }
        query.push_str(&self.rest);
        let mut request = format!("GET {}?{} HTTP/1.1\r\nHost: {}\r\n", self.path, &query[1..], self.host);
        request.push_str("Accept: text/event-stream\r\nCache-Control: no-cache\r\n");
        if let Some(read) = read.strip_prefix(',') {
            let _ = write!(request, "Last-Event-ID: {read}\r\n");
        }
        request.push_str("\r\n");
        request
    }
}

/// Loopback only: this sends thousands of connections, which nobody else's machine should get by a slip.
fn resolve(host: &str) -> Result<SocketAddr, String> {
    let with_port = if host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut addresses = with_port.to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    let unsuitable = format!("{host} is not a loopback address; load is for 127.0.0.0/8, ::1 and localhost only");
    addresses.find(|address| address.ip().is_loopback()).ok_or(unsuitable)
}

fn parse_topic(text: &str, latest: &[String]) -> Result<Topic, String> {
    let text = text.replace("%2F", "/").replace("%2f", "/").replace("%40", "@").replace("%3A", ":").replace("%3a", ":");
    let (name, start) = match text.split_once('@') {
        Some((name, at)) => (name, Some(Position::parse(at).ok_or(format!("{text}: this position cannot be read"))?)),
        None => (text.as_str(), None),
    };
    if name.is_empty() || name.contains(|c: char| !c.is_ascii_graphic() || matches!(c, '%' | ',' | '#')) {
        return Err(format!("{text}: this is no topic"));
    }
    let order = if latest.iter().any(|topic| topic == name) { Order::Rising } else { Order::Consecutive };
    Ok(Topic { name: name.to_owned(), order, start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_targets() {
        for url in ["http://127.0.0.1:3000/s?topic=a", "http://127.9.9.9/s?topic=a", "http://[::1]:80/s?topic=a"] {
            assert!(Target::parse(url, &[]).is_ok(), "{url}");
        }
        for url in ["http://192.0.2.1:80/s?topic=a", "http://0.0.0.0:80/s?topic=a", "https://127.0.0.1/s?topic=a"] {
            assert!(Target::parse(url, &[]).is_err(), "{url}");
        }
    }

    #[test]
    fn a_request_says_how_far_it_has_read_in_the_url_or_in_the_header() {
        let url = "http://127.0.0.1:3000/api/stream?topic=room%2F7&v=1&topic=quotes";
        let target = Target::parse(url, &["quotes".into()]).expect("a fine URL");
        assert_eq!(
            target.topics.iter().map(|topic| topic.order).collect::<Vec<_>>(),
            [Order::Consecutive, Order::Rising]
        );
        let positions = || [Some(Position { epoch: 0xaa, offset: 7 }), None].into_iter();
        let by_url = target.request(positions(), Resume::Url);
        assert!(by_url.starts_with(
            "GET /api/stream?topic=room/7@00000000000000aa:7&topic=quotes&v=1 HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n"
        ));
        assert!(by_url.ends_with("\r\nCache-Control: no-cache\r\n\r\n"));
        let by_header = target.request(positions(), Resume::Header);
        assert!(by_header.starts_with("GET /api/stream?topic=room/7&topic=quotes&v=1 HTTP/1.1\r\n"));
        assert!(by_header.ends_with("\r\nLast-Event-ID: room/7@00000000000000aa:7\r\n\r\n"));
    }

    #[test]
    fn a_url_without_a_topic_or_with_a_broken_one_is_explained() {
        for query in ["", "?x=1", "?topic=", "?topic=a@1", "?topic=a,b", "?topic=a%20b"] {
            assert!(Target::parse(&format!("http://127.0.0.1:1/{query}"), &[]).is_err(), "{query}");
        }
    }
}
