//! The models that are set up, from the configuration. Knows the kinds of providers, and nothing of their wires.

use std::{fmt, sync::Arc};

use super::{Guide, Model, Patience, anthropic::Anthropic, openai::OpenAi, upstream::Upstream};

/// Every model that is set up; the first is the default. The offline guide is always the last.
#[derive(Clone, Debug)]
pub struct Models(Vec<Arc<dyn Model>>);

/// Somebody who answers for one or more models.
#[derive(Clone, PartialEq, Eq)]
pub enum Provider {
    Anthropic {
        key: String,
        models: Vec<String>,
        base_url: String,
        version: String,
        /// Tokens that it may think with before it answers. With 0 it does not.
        thinking_tokens: u32,
    },
    /// Ollama, vLLM, llama.cpp, OpenRouter and others take the same requests. Some need no key.
    OpenAi {
        key: String,
        models: Vec<String>,
        base_url: String,
        /// What is taken for the models' window: these servers do not tell.
        window: u32,
    },
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys are secrets.
        let (name, models) = match self {
            Self::Anthropic { models, .. } => ("Anthropic", models),
            Self::OpenAi { models, .. } => ("OpenAi", models),
        };
        f.debug_struct(name).field("models", models).finish_non_exhaustive()
    }
}

/// # Errors
/// If no HTTP client can be made here: no certificates, for instance.
pub fn set_up(providers: Vec<Provider>, patience: Patience) -> Result<Models, reqwest::Error> {
    // One of the two libraries that rustls can count with; the mailer brings the same. Set already: all the better.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut all: Vec<Arc<dyn Model>> = Vec::new();
    for provider in providers {
        let upstream = Upstream::new(patience)?;
        match provider {
            Provider::Anthropic { key, models, base_url, version, thinking_tokens } => {
                all.extend(models.into_iter().map(|model| -> Arc<dyn Model> {
                    Arc::new(Anthropic {
                        upstream: upstream.clone(),
                        key: key.clone(),
                        model,
                        base_url: base_url.clone(),
                        version: version.clone(),
                        thinking_tokens,
                    })
                }));
            }
            Provider::OpenAi { key, models, base_url, window } => {
                all.extend(models.into_iter().map(|model| -> Arc<dyn Model> {
                    Arc::new(OpenAi {
                        upstream: upstream.clone(),
                        key: key.clone(),
                        model,
                        base_url: base_url.clone(),
                        window,
                    })
                }));
            }
        }
    }
    all.push(Arc::new(Guide::embedded()));
    Ok(Models(all))
}

impl Models {
    /// These, of which there is at least one.
    pub fn of(all: Vec<Arc<dyn Model>>) -> Self {
        Self(all)
    }

    pub fn default(&self) -> &Arc<dyn Model> {
        &self.0[0]
    }

    pub fn find(&self, name: &str) -> Option<&Arc<dyn Model>> {
        self.0.iter().find(|model| model.name() == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|model| model.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_is_the_default_and_the_guide_is_always_there_last() {
        let anthropic = Provider::Anthropic {
            key: "sk-secret".into(),
            models: vec!["large".into(), "small".into()],
            base_url: String::new(),
            version: String::new(),
            thinking_tokens: 0,
        };
        let openai = Provider::OpenAi {
            key: "sk-secret".into(),
            models: vec!["local".into()],
            base_url: String::new(),
            window: 9,
        };
        let debug = format!("{anthropic:?} {openai:?}");
        assert!(debug.contains("local") && !debug.contains("sk-secret"), "{debug}");
        let models = set_up(vec![anthropic, openai], Patience::default()).unwrap();
        assert_eq!(models.names().collect::<Vec<_>>(), ["large", "small", "local", "offline guide"]);
        assert_eq!(models.default().name(), "large");
        assert_eq!(models.find("local").map(|model| model.window()), Some(9));
        assert!(models.find("none").is_none());
        let alone = set_up(Vec::new(), Patience::default()).unwrap();
        assert!(!alone.default().is_paid() && !alone.default().takes_tools());
        let debug = format!("{models:?}");
        assert!(!debug.contains("sk-secret"), "{debug}");
    }
}
