//! The configuration: defaults, then `Leptos.toml`, then the environment (`TIDEMARK_STREAM__HEARTBEAT_MS=…`).
//! A wrong value stops the start with the key, the value and what is allowed; so does a secret in the file, which goes into
//! the binary and is quoted by the guide. `tests/config.rs` compares `Leptos.toml` with the defaults here.
//!
//! `defaults.rs` has the defaults, `checks.rs` what is allowed, `assistant.rs` the settings of the assistant, `address.rs` how
//! a visitor's address is read.

mod address;
mod assistant;
mod checks;
mod defaults;

use std::{fmt, path::PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
    value::Value,
};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

pub use address::{ClientAddress, client_address, network};
pub use assistant::AssistantConfig;

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
