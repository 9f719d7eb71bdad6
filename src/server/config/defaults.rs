//! What each setting is where nobody has set it. `Leptos.toml` says the same, with what follows from changing it, and
//! `tests/config.rs` compares the two.

use super::{
    AssistantConfig, ClientAddress, Config, FeedConfig, JobsConfig, LimitsConfig, MailConfig, StreamConfig, Switch,
};

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
