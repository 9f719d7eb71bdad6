//! What is allowed. [`Config::load`] checks every value before anything starts; of the assistant's settings, `assistant.rs`
//! says what is checked. A value that may be a secret is not told.

use std::{fmt, ops::RangeInclusive};

use super::{Config, ConfigError};
use crate::wire::feed::SAMPLING_INTERVALS_MS;

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("shutdown_ms", self.shutdown_ms, 0..=600_000)?;
        within("stream.heartbeat_ms", self.stream.heartbeat_ms, 100..=300_000)?;
        within("stream.retry_min_ms", self.stream.retry_min_ms, 0..=600_000)?;
        within("stream.retry_max_ms", self.stream.retry_max_ms, self.stream.retry_min_ms..=600_000)?;
        within("limits.connections_per_address", self.limits.connections_per_address, 1..=10_000_000)?;
        self.assistant.check()?;
        within("jobs.workers", self.jobs.workers, 0..=64)?;
        within("jobs.unfinished_per_person", self.jobs.unfinished_per_person, 1..=10_000)?;
        within("jobs.result_days", self.jobs.result_days, 1..=400)?;
        within("jobs.result_megabytes_per_person", self.jobs.result_megabytes_per_person, 1..=1_000_000)?;
        within("jobs.result_megabytes", self.jobs.result_megabytes, 1..=100_000_000)?;
        within("limits.reserved_files", self.limits.reserved_files, 32..=65_536)?;
        within("limits.writes_per_minute", self.limits.writes_per_minute, 4..=1_000_000)?;
        if !SAMPLING_INTERVALS_MS.contains(&self.feed.interval_ms) {
            return not_allowed("feed.interval_ms", self.feed.interval_ms, format!("one of {SAMPLING_INTERVALS_MS:?}"));
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log) {
            return not_allowed("log", &self.log, format!("a tracing filter such as info or tidemark=debug ({error})"));
        }
        if !self.public_url.is_empty() {
            check_origin("public_url", &self.public_url)?;
        }
        if !self.mail.smtp_url.is_empty() && self.public_url.is_empty() {
            return not_allowed("public_url", "", "set, where mail is: links in mails lead there".into());
        }
        self.allowed_origins.iter().try_for_each(|origin| check_origin("allowed_origins", origin))
    }
}

/// Where a provider is asked. Its key has a setting of its own: an address is no secret, and stands in logs.
pub(super) fn check_address(key: &'static str, address: &str) -> Result<(), ConfigError> {
    let open = |url: &reqwest::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    };
    match reqwest::Url::parse(address) {
        Ok(url) if open(&url) => Ok(()),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            not_allowed(key, "…", "an address without a name and password: a key has a setting of its own".into())
        }
        _ => {
            not_allowed(key, address, "an address such as https://api.example.com/v1, with http:// or https://".into())
        }
    }
}

/// What is sent in a header. It may be a secret: the value is not told.
pub(super) fn check_header(key: &'static str, value: &str) -> Result<(), ConfigError> {
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    not_allowed(key, "…", "letters, digits and signs of ASCII, without spaces or line breaks".into())
}

/// An origin is compared byte for byte, so it has to be written as browsers send it.
fn check_origin(key: &'static str, origin: &str) -> Result<(), ConfigError> {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:[]".contains(&b);
    match rest {
        Some(host) if !host.is_empty() && host.bytes().all(plain) => Ok(()),
        _ => not_allowed(
            key,
            origin,
            "scheme, host and port in lower case without a path, as in https://example.com:8443".into(),
        ),
    }
}

pub(super) fn within<N: PartialOrd + fmt::Display>(
    key: &'static str,
    value: N,
    range: RangeInclusive<N>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    not_allowed(key, value, format!("{} to {}", range.start(), range.end()))
}

pub(super) fn not_allowed(key: &'static str, value: impl fmt::Display, allowed: String) -> Result<(), ConfigError> {
    Err(ConfigError::NotAllowed { key, value: value.to_string(), allowed })
}
