//! The settings of the assistant: which models answer, and what an answer may take. `boot.rs` hands them on as providers and
//! ceilings.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    ConfigError,
    checks::{check_address, check_header, not_allowed, within},
    list_or_commas,
};
use crate::server::{features::chat::Ceilings, model::Provider};

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

    pub(super) fn check(&self) -> Result<(), ConfigError> {
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
