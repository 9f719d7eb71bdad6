//! The configuration: defaults, then `Leptos.toml`, then the environment (`TIDEMARK_STREAM__HEARTBEAT_MS=…`).
//! A wrong value stops the start with the key, the value and what is allowed; so does a secret in the file, which goes into
//! the binary and is quoted by the guide. `tests/config.rs` compares `Leptos.toml` with the defaults here.

use std::{fmt, net::IpAddr, ops::RangeInclusive, path::PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
    value::Value,
};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::{features::chat::Ceilings, model::Provider};
use crate::wire::feed::SAMPLING_INTERVALS_MS;

/// What is never told to anybody. In a file these are empty.
pub const SECRETS: [&str; 4] = ["session_key", "assistant.anthropic_key", "assistant.openai_key", "mail.smtp_url"];

/// See `Leptos.toml` for what each setting does and what follows from changing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub log: String,
    #[serde(deserialize_with = "list_or_commas")]
    pub allowed_origins: Vec<String>,
    pub inspector: Switch,
    /// Empty: generated, and kept in the data folder.
    pub session_key: String,
    pub secure_cookies: bool,
    /// Empty: the address we listen on.
    pub public_url: String,
    pub client_address: ClientAddress,
    pub shutdown_ms: u64,
    pub assistant: AssistantConfig,
    pub feed: FeedConfig,
    pub jobs: JobsConfig,
    pub mail: MailConfig,
    pub stream: StreamConfig,
    pub limits: LimitsConfig,
}

/// Which models answer: Anthropic's where there is a key, an OpenAI-compatible server's where there is an address, and always
/// the offline guide. The first is the default.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssistantConfig {
    /// A secret.
    pub anthropic_key: String,
    #[serde(deserialize_with = "list_or_commas")]
    pub anthropic_models: Vec<String>,
    pub anthropic_base_url: String,
    pub anthropic_version: String,
    /// A secret.
    pub openai_key: String,
    #[serde(deserialize_with = "list_or_commas")]
    pub openai_models: Vec<String>,
    pub openai_base_url: String,
    pub system_prompt: String,
    pub output_tokens: u32,
    pub thinking_tokens: u32,
    pub context_tokens: u32,
    pub message_chars: u32,
    pub conversation_chars: u32,
    pub conversation_messages: u32,
    pub answers_at_once_per_person: u32,
    pub answers_at_once_per_address: u32,
    pub answers_at_once: u32,
    pub requests_a_minute_per_person: u32,
    pub requests_a_minute_per_address: u32,
    pub requests_a_minute: u32,
    pub tokens_a_day_per_person: u64,
    pub tokens_a_day_per_address: u64,
    pub tokens_a_day: u64,
}

impl fmt::Debug for AssistantConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssistantConfig").field("providers", &self.providers()).finish_non_exhaustive()
    }
}

impl AssistantConfig {
    pub fn providers(&self) -> Vec<Provider> {
        let anthropic = (!self.anthropic_key.is_empty()).then(|| Provider::Anthropic {
            key: self.anthropic_key.clone(),
            models: self.anthropic_models.clone(),
            base_url: self.anthropic_base_url.clone(),
            version: self.anthropic_version.clone(),
            thinking_tokens: self.thinking_tokens,
        });
        let openai = (!self.openai_base_url.is_empty()).then(|| Provider::OpenAi {
            key: self.openai_key.clone(),
            models: self.openai_models.clone(),
            base_url: self.openai_base_url.clone(),
            window: self.context_tokens,
        });
        anthropic.into_iter().chain(openai).collect()
    }

    pub fn ceilings(&self) -> Ceilings {
        Ceilings {
            output_tokens: self.output_tokens,
            answers_at_once_per_person: self.answers_at_once_per_person,
            answers_at_once_per_address: self.answers_at_once_per_address,
            answers_at_once: self.answers_at_once,
            requests_a_minute_per_person: self.requests_a_minute_per_person,
            requests_a_minute_per_address: self.requests_a_minute_per_address,
            requests_a_minute: self.requests_a_minute,
            tokens_a_day_per_person: self.tokens_a_day_per_person,
            tokens_a_day_per_address: self.tokens_a_day_per_address,
            tokens_a_day: self.tokens_a_day,
            message_chars: self.message_chars,
            conversation_chars: self.conversation_chars,
            conversation_messages: self.conversation_messages,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        within("assistant.output_tokens", self.output_tokens, 1..=128_000)?;
        if self.thinking_tokens != 0 && !(1_024..self.output_tokens).contains(&self.thinking_tokens) {
            let allowed = format!("0, or 1024 to less than assistant.output_tokens = {}", self.output_tokens);
            return not_allowed("assistant.thinking_tokens", self.thinking_tokens, allowed);
        }
        within("assistant.context_tokens", self.context_tokens, 1_024..=100_000_000)?;
        within("assistant.message_chars", self.message_chars, 1..=400_000)?;
        within("assistant.conversation_chars", self.conversation_chars, self.message_chars..=10_000_000)?;
        within("assistant.conversation_messages", self.conversation_messages, 1..=100_000)?;
        within("assistant.answers_at_once_per_person", self.answers_at_once_per_person, 1..=10_000)?;
        within("assistant.answers_at_once_per_address", self.answers_at_once_per_address, 1..=100_000)?;
        within("assistant.answers_at_once", self.answers_at_once, 1..=100_000)?;
        within("assistant.requests_a_minute_per_person", self.requests_a_minute_per_person, 1..=1_000_000)?;
        within("assistant.requests_a_minute_per_address", self.requests_a_minute_per_address, 1..=1_000_000)?;
        within("assistant.requests_a_minute", self.requests_a_minute, 1..=10_000_000)?;
        check_header("assistant.anthropic_key", &self.anthropic_key)?;
        check_header("assistant.anthropic_version", &self.anthropic_version)?;
        check_header("assistant.openai_key", &self.openai_key)?;
        let names = "set, where there is a key or an address: the names of models there".to_owned();
        if !self.anthropic_key.is_empty() && self.anthropic_models.is_empty() {
            return not_allowed("assistant.anthropic_models", "[]", names);
        }
        check_address("assistant.anthropic_base_url", &self.anthropic_base_url)?;
        if self.openai_base_url.is_empty() {
            let set = !self.openai_key.is_empty() || !self.openai_models.is_empty();
            let allowed =
                "set, where there is openai_key or openai_models: whom to ask, as in https://api.openai.com/v1";
            return if set { not_allowed("assistant.openai_base_url", "", allowed.into()) } else { Ok(()) };
        }
        check_address("assistant.openai_base_url", &self.openai_base_url)?;
        if self.openai_models.is_empty() {
            return not_allowed("assistant.openai_models", "[]", names);
        }
        let most = self.context_tokens / 2;
        if self.output_tokens > most {
            let allowed = format!("at most {most}, half of assistant.context_tokens, where there is openai_base_url");
            return not_allowed("assistant.output_tokens", self.output_tokens, allowed);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    pub interval_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    pub workers: u32,
    pub unfinished_per_person: u32,
    pub result_days: u32,
    pub result_megabytes_per_person: u32,
    pub result_megabytes: u32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// Empty: links are printed to the log. Holds a password.
    pub smtp_url: String,
    pub from: String,
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig").field("from", &self.from).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    pub heartbeat_ms: u64,
    pub retry_min_ms: u32,
    pub retry_max_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    pub connections_per_address: u32,
    pub reserved_files: u32,
    pub writes_per_minute: u32,
}

/// On, off, or `auto`: on in development (`LEPTOS_ENV=DEV`) and off in production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    Auto,
    On,
    Off,
}

/// Where a visitor's address is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAddress {
    /// The other end of the TCP connection.
    Peer,
    /// The last entry of `X-Forwarded-For`, which the proxy in front of us wrote. Without a proxy anyone could.
    XForwardedFor,
}

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error(transparent)]
    Read(#[from] Box<figment::Error>),
    #[error("tidemark.{key} = {value} is not allowed: {allowed}")]
    NotAllowed { key: &'static str, value: String, allowed: String },
    #[error(
        "tidemark.{key} is a secret, and {file} is no place for one: it goes into the binary, and the assistant quotes it. \
         Set {variable} in the environment or in .env"
    )]
    Secret { key: &'static str, file: String, variable: String },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            log: "info".into(),
            allowed_origins: Vec::new(),
            inspector: Switch::Auto,
            session_key: String::new(),
            secure_cookies: false,
            public_url: String::new(),
            client_address: ClientAddress::Peer,
            shutdown_ms: 5_000,
            assistant: AssistantConfig {
                anthropic_key: String::new(),
                anthropic_models: vec!["claude-sonnet-4-6".into()],
                anthropic_base_url: "https://api.anthropic.com".into(),
                anthropic_version: "2023-06-01".into(),
                openai_key: String::new(),
                openai_models: Vec::new(),
                openai_base_url: String::new(),
                system_prompt: "You are a helpful assistant. Answer briefly, in Markdown.".into(),
                output_tokens: 2_048,
                thinking_tokens: 0,
                context_tokens: 32_000,
                message_chars: 32_000,
                conversation_chars: 100_000,
                conversation_messages: 100,
                answers_at_once_per_person: 3,
                answers_at_once_per_address: 10,
                answers_at_once: 200,
                requests_a_minute_per_person: 20,
                requests_a_minute_per_address: 60,
                requests_a_minute: 600,
                tokens_a_day_per_person: 100_000,
                tokens_a_day_per_address: 300_000,
                tokens_a_day: 2_000_000,
            },
            feed: FeedConfig { interval_ms: 1_000 },
            jobs: JobsConfig {
                workers: 2,
                unfinished_per_person: 10,
                result_days: 7,
                result_megabytes_per_person: 200,
                result_megabytes: 5_000,
            },
            mail: MailConfig { smtp_url: String::new(), from: "Tidemark <tidemark@localhost>".into() },
            stream: StreamConfig { heartbeat_ms: 15_000, retry_min_ms: 1_000, retry_max_ms: 5_000 },
            limits: LimitsConfig { connections_per_address: 256, reserved_files: 128, writes_per_minute: 240 },
        }
    }
}

impl Config {
    /// Reads `file` (its `[tidemark]` table; it may be missing) and the environment, and checks every value.
    pub fn load(file: &str) -> Result<Self, ConfigError> {
        let written = Figment::from(Toml::file(file)).focus("tidemark");
        if let Some(key) = SECRETS.into_iter().find(|key| is_secret_in(&written, key)) {
            let variable = format!("TIDEMARK_{}", key.to_uppercase().replace('.', "__"));
            return Err(ConfigError::Secret { key, file: file.to_owned(), variable });
        }
        let figment = Figment::from(Serialized::defaults(Self::default()))
            .merge(written)
            .merge(Env::prefixed("TIDEMARK_").split("__"));
        let config: Self = figment.extract().map_err(Box::new)?;
        config.check()?;
        Ok(config)
    }

    /// Whether the inspector is there, given the environment the server runs in.
    pub fn inspector_is_on(&self, production: bool) -> bool {
        match self.inspector {
            Switch::On => true,
            Switch::Off => false,
            Switch::Auto => !production,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
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

/// An address of a mail server without a user's name and password is none.
fn is_secret_in(written: &Figment, key: &str) -> bool {
    match written.find_value(key) {
        Ok(Value::String(_, text)) if key == "mail.smtp_url" => text.contains('@'),
        Ok(Value::String(_, text)) => !text.is_empty(),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// Where a provider is asked. Its key has a setting of its own: an address is no secret, and stands in logs.
fn check_address(key: &'static str, address: &str) -> Result<(), ConfigError> {
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
fn check_header(key: &'static str, value: &str) -> Result<(), ConfigError> {
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

fn within<N: PartialOrd + fmt::Display>(
    key: &'static str,
    value: N,
    range: RangeInclusive<N>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    not_allowed(key, value, format!("{} to {}", range.start(), range.end()))
}

fn not_allowed(key: &'static str, value: impl fmt::Display, allowed: String) -> Result<(), ConfigError> {
    Err(ConfigError::NotAllowed { key, value: value.to_string(), allowed })
}

/// A list in a file; in the environment, a list or words separated by commas.
fn list_or_commas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Commas(String),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::List(list) => list,
        Either::Commas(text) => {
            text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
    })
}

/// What limits count as one: an IPv4 address, or the 64 bits of an IPv6 address that a provider gives to one customer, who
/// has all the addresses beneath.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

/// A visitor's address, as configured. An unreadable header counts as the proxy's own address.
pub fn client_address(how: ClientAddress, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
    let forwarded = || forwarded_for?.rsplit(',').next()?.trim().parse().ok();
    match how {
        ClientAddress::Peer => peer,
        ClientAddress::XForwardedFor => forwarded().unwrap_or(peer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_are_one() {
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ] {
            assert_eq!(network(address.parse().unwrap()).to_string(), counted);
        }
    }
}
