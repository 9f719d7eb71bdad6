//! The configuration: the file agrees with the code, the environment wins, and a wrong value says what is allowed.
#![allow(clippy::result_large_err)] // figment's own error type, in its own closures.

use figment::Jail;
use tidemark::server::{
    config::{ClientAddress, Config, SECRETS, Switch, client_address},
    model::without_secrets,
};

const NOWHERE: &str = "no-such-file.toml";

fn text(path: &str) -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + path).expect(path)
}

#[test]
fn every_setting_stands_in_the_file_with_its_default() {
    let file: toml::Table = text("Leptos.toml").parse().expect("TOML");
    let defaults = toml::Table::try_from(Config::default()).expect("a table");
    assert_eq!(file["tidemark"], toml::Value::Table(defaults));
}

#[test]
fn the_leptos_settings_are_those_that_cargo_toml_builds_with() {
    let settings =
        |path: &str| text(path).parse::<toml::Table>().expect("TOML")["package"]["metadata"]["leptos"].clone();
    let (ours, build) = (settings("Leptos.toml"), settings("Cargo.toml"));
    for (key, value) in ours.as_table().expect("a table") {
        assert_eq!(Some(value), build.get(key), "{key}");
    }
}

#[test]
fn every_setting_is_explained_for_the_environment_too() {
    let example = text(".env.example");
    let defaults = toml::Table::try_from(Config::default()).expect("a table");
    for (key, value) in &defaults {
        let nested = value.as_table().map(|table| table.keys().map(|inner| format!("{key}__{inner}")).collect());
        for name in nested.unwrap_or_else(|| vec![key.clone()]) {
            let name = format!("TIDEMARK_{}=", name.to_uppercase());
            assert!(example.contains(&name), "{name}");
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    Jail::expect_with(|jail| {
        jail.create_file("Leptos.toml", "[tidemark]\nlog = \"warn\"\n[tidemark.stream]\nheartbeat_ms = 500\n")?;
        jail.set_env("TIDEMARK_STREAM__HEARTBEAT_MS", "700");
        jail.set_env("TIDEMARK_ALLOWED_ORIGINS", "http://a.test, https://b.test:8443");
        jail.set_env("TIDEMARK_INSPECTOR", "off");
        let config = Config::load("Leptos.toml").expect("valid");
        assert_eq!((config.log.as_str(), config.stream.heartbeat_ms, config.inspector), ("warn", 700, Switch::Off));
        assert_eq!(config.allowed_origins, ["http://a.test", "https://b.test:8443"]);
        assert_eq!(config.stream.retry_max_ms, Config::default().stream.retry_max_ms);
        Ok(())
    });
}

#[test]
fn a_wrong_value_names_the_key_the_value_and_what_is_allowed() {
    for (name, value, words) in [
        (
            "TIDEMARK_FEED__INTERVAL_MS",
            "7",
            "tidemark.feed.interval_ms = 7 is not allowed: one of [250, 500, 1000, 2000]",
        ),
        ("TIDEMARK_STREAM__RETRY_MAX_MS", "1", "tidemark.stream.retry_max_ms = 1 is not allowed: 1000 to 600000"),
        ("TIDEMARK_LIMITS__CONNECTIONS_PER_ADDRESS", "0", "not allowed: 1 to 10000000"),
        ("TIDEMARK_ALLOWED_ORIGINS", "https://a.test/", "https://a.test/ is not allowed: scheme, host and port"),
        (
            "TIDEMARK_ASSISTANT__THINKING_TOKENS",
            "2048",
            "tidemark.assistant.thinking_tokens = 2048 is not allowed: 0, or 1024 to less than assistant.output_tokens = 2048",
        ),
        ("TIDEMARK_ASSISTANT__OUTPUT_TOKENS", "0", "tidemark.assistant.output_tokens = 0 is not allowed: 1 to 128000"),
        ("TIDEMARK_ASSISTANT__MESSAGE_CHARS", "0", "tidemark.assistant.message_chars = 0 is not allowed: 1 to 400000"),
        ("TIDEMARK_ASSISTANT__CONVERSATION_CHARS", "9", "conversation_chars = 9 is not allowed: 32000 to 10000000"),
        ("TIDEMARK_ASSISTANT__REQUESTS_A_MINUTE", "0", "requests_a_minute = 0 is not allowed: 1 to 10000000"),
        (
            "TIDEMARK_ASSISTANT__OPENAI_BASE_URL",
            "http://127.0.0.1:11434/v1",
            "tidemark.assistant.openai_models = [] is not allowed: set, where there is a key or an address",
        ),
        (
            "TIDEMARK_ASSISTANT__OPENAI_MODELS",
            "small",
            "tidemark.assistant.openai_base_url =  is not allowed: set, where there is openai_key or openai_models",
        ),
        ("TIDEMARK_ASSISTANT__OPENAI_KEY", "sk-1", "tidemark.assistant.openai_base_url =  is not allowed: set, where"),
        (
            "TIDEMARK_ASSISTANT__ANTHROPIC_BASE_URL",
            "api.anthropic.com",
            "tidemark.assistant.anthropic_base_url = api.anthropic.com is not allowed: an address such as https://",
        ),
        ("TIDEMARK_ASSISTANT__ANTHROPIC_BASE_URL", "ftp://a.test", "ftp://a.test is not allowed: an address such as"),
        (
            "TIDEMARK_ASSISTANT__ANTHROPIC_BASE_URL",
            "https://u:sk-1@a.test",
            "anthropic_base_url = … is not allowed: an address without a name and password",
        ),
        (
            "TIDEMARK_ASSISTANT__ANTHROPIC_KEY",
            "sk-1\u{fc}",
            "tidemark.assistant.anthropic_key = … is not allowed: letters, digits and signs of ASCII",
        ),
        ("TIDEMARK_ASSISTANT__OPENAI_KEY", "sk-1\nx", "tidemark.assistant.openai_key = … is not allowed"),
        ("TIDEMARK_ASSISTANT__ANTHROPIC_VERSION", "2023 06", "anthropic_version = … is not allowed"),
        ("TIDEMARK_LOG", "tidemark=loud", "tidemark.log = tidemark=loud is not allowed"),
        ("TIDEMARK_INSPECTOR", "maybe", "unknown variant: found `maybe`, expected `one of `auto`, `on`, `off``"),
        ("TIDEMARK_SHUTDOWN_MS", "soon", "invalid type: found string \"soon\", expected u64"),
        ("TIDEMARK_HEARTBEAT", "5", "unknown field: found `heartbeat`, expected `one of"),
    ] {
        Jail::expect_with(|jail| {
            jail.set_env(name, value);
            let error = Config::load(NOWHERE).expect_err(name).to_string();
            assert!(error.contains(words) && !error.contains("sk-1"), "{name}: {error}");
            Ok(())
        });
    }
}

#[test]
fn a_secret_in_the_file_stops_the_start_says_what_to_do_and_is_not_told() {
    for (file, key, variable) in [
        ("session_key = \"sk-1\"", "session_key", "TIDEMARK_SESSION_KEY"),
        (
            "[tidemark.assistant]\nanthropic_key = \"sk-1\"",
            "assistant.anthropic_key",
            "TIDEMARK_ASSISTANT__ANTHROPIC_KEY",
        ),
        ("assistant = { openai_key = 'sk-1' }", "assistant.openai_key", "TIDEMARK_ASSISTANT__OPENAI_KEY"),
        ("assistant.openai_key = 7651", "assistant.openai_key", "TIDEMARK_ASSISTANT__OPENAI_KEY"),
        (
            "public_url = \"https://a.test\"\nmail.smtp_url = \"smtps://u:sk-1@b.test\"",
            "mail.smtp_url",
            "TIDEMARK_MAIL__SMTP_URL",
        ),
    ] {
        Jail::expect_with(|jail| {
            jail.create_file("Leptos.toml", &format!("[tidemark]\n{file}\n"))?;
            let error = Config::load("Leptos.toml").expect_err(file).to_string();
            let words = format!("tidemark.{key} is a secret, and Leptos.toml is no place for one");
            assert!(error.contains(&words) && error.contains(&format!("Set {variable} in the environment")), "{error}");
            assert!(!error.contains("sk-1") && !error.contains("7651"), "{error}");
            jail.create_file("Leptos.toml", "[tidemark]\nsession_key = \"\"\nassistant.openai_key = \"\"\n")?;
            jail.set_env(variable, if key == "session_key" { "12ab" } else { "" });
            Config::load("Leptos.toml").expect("a secret of the environment, and none in the file");
            Ok(())
        });
    }
    Jail::expect_with(|jail| {
        let file = "[tidemark]\npublic_url = \"https://a.test\"\nmail.smtp_url = \"smtp://relay.test\"\n";
        jail.create_file("Leptos.toml", file)?;
        Config::load("Leptos.toml").expect("nobody's password is in it");
        Ok(())
    });
}

#[test]
fn what_is_a_secret_is_left_out_of_what_the_guide_quotes() {
    for key in SECRETS {
        let name = key.rsplit('.').next().expect("a name");
        let told = without_secrets("Leptos.toml", &format!("{name} = \"sk-1\"\n")).into_owned();
        assert_eq!(told, format!("{name} = \"\"\n"));
    }
}

#[test]
fn models_are_named_in_a_list_or_between_commas() {
    Jail::expect_with(|jail| {
        jail.create_file("Leptos.toml", "[tidemark.assistant]\nanthropic_models = [\"large\", \"small\"]\n")?;
        jail.set_env("TIDEMARK_ASSISTANT__OPENAI_MODELS", "one, two");
        jail.set_env("TIDEMARK_ASSISTANT__OPENAI_BASE_URL", "http://127.0.0.1:11434/v1");
        let assistant = Config::load("Leptos.toml").expect("valid").assistant;
        assert_eq!(
            (assistant.anthropic_models, assistant.openai_models),
            (vec!["large".into(), "small".into()], vec!["one".into(), "two".into()])
        );
        jail.set_env("TIDEMARK_ASSISTANT__CONTEXT_TOKENS", "4000");
        let error = Config::load("Leptos.toml").expect_err("too small").to_string();
        assert!(
            error.contains("output_tokens = 2048 is not allowed: at most 2000, half of assistant.context_tokens"),
            "{error}"
        );
        jail.set_env("TIDEMARK_ASSISTANT__OPENAI_BASE_URL", "");
        jail.set_env("TIDEMARK_ASSISTANT__ANTHROPIC_KEY", "key");
        jail.set_env("TIDEMARK_ASSISTANT__ANTHROPIC_MODELS", "");
        let error = Config::load(NOWHERE).expect_err("none").to_string();
        assert!(error.contains("tidemark.assistant.anthropic_models = [] is not allowed"), "{error}");
        Ok(())
    });
}

#[test]
fn a_visitor_s_address_is_read_where_it_is_configured_to_be() {
    let peer = "10.0.0.1".parse().expect("an address");
    let seen = |how, header| client_address(how, peer, header).to_string();
    assert_eq!(seen(ClientAddress::Peer, Some("1.2.3.4")), "10.0.0.1");
    assert_eq!(seen(ClientAddress::XForwardedFor, Some("6.6.6.6, 1.2.3.4")), "1.2.3.4");
    assert_eq!(seen(ClientAddress::XForwardedFor, Some("nonsense")), "10.0.0.1");
    assert_eq!(seen(ClientAddress::XForwardedFor, None), "10.0.0.1");
}
