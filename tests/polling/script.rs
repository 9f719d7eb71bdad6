//! A script of `end2end/swr-scripts.mjs`, with what npm's `swr` did.

use std::{collections::HashMap, rc::Rc};

use serde::Deserialize;
use tidemark::client::polling::rules::{Refresh, Rules, Value};

#[derive(Deserialize)]
pub struct Script {
    pub name: String,
    pub options: Given,
    pub answers: Vec<Reply>,
    pub events: Vec<Event>,
    pub until: f64,
    /// When, and for which key.
    pub asked: Vec<(f64, String)>,
    pub shown: Vec<Shown>,
}

/// When, who, data, error, is_loading, is_validating.
pub type Shown = (f64, String, Option<String>, Option<String>, bool, bool);

#[derive(Clone, Deserialize)]
pub struct Reply {
    pub data: Option<String>,
    pub error: Option<String>,
    pub after: f64,
}

#[derive(Deserialize)]
pub struct Event {
    pub at: f64,
    #[serde(flatten)]
    pub action: Action,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Action {
    Mount {
        #[serde(default = "a")]
        who: String,
        #[serde(default = "one")]
        key: Option<String>,
        #[serde(default)]
        options: Given,
        first: Option<String>,
    },
    Unmount {
        #[serde(default = "a")]
        who: String,
    },
    Key {
        #[serde(default = "a")]
        who: String,
        key: Option<String>,
    },
    Focus,
    Hidden,
    Visible,
    Offline,
    Online,
    Mutate,
    Set {
        data: String,
        revalidate: bool,
    },
    Change {
        takes: f64,
        optimistic: String,
        data: Option<String>,
        #[serde(default)]
        fails: bool,
        #[serde(default = "yes")]
        rollback: bool,
        #[serde(default = "yes")]
        populate: bool,
        #[serde(default = "yes")]
        revalidate: bool,
    },
}

fn a() -> String {
    "a".into()
}

fn one() -> Option<String> {
    Some("/one".into())
}

fn yes() -> bool {
    true
}

/// Options by swr's names, as far as scripts use them.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Given {
    refresh_interval: Option<Interval>,
    refresh_when_hidden: Option<bool>,
    refresh_when_offline: Option<bool>,
    revalidate_on_focus: Option<bool>,
    revalidate_on_reconnect: Option<bool>,
    revalidate_if_stale: Option<bool>,
    revalidate_on_mount: Option<bool>,
    deduping_interval: Option<u32>,
    focus_throttle_interval: Option<u32>,
    should_retry_on_error: Option<bool>,
    error_retry_interval: Option<u32>,
    error_retry_count: Option<u32>,
    keep_previous_data: Option<bool>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Interval {
    Fixed(u32),
    OfData { none: u32, by: HashMap<String, u32>, other: u32 },
}

impl Given {
    pub fn keeps(&self) -> bool {
        self.keep_previous_data == Some(true)
    }

    /// What these say, else what `script` says, else what swr does by itself.
    pub fn over(&self, script: &Given) -> Rc<Rules> {
        let usual = Rules::default();
        macro_rules! either {
            ($field:ident) => {
                self.$field.or(script.$field).unwrap_or(usual.$field)
            };
        }
        Rc::new(Rules {
            refresh: match self.refresh_interval.clone().or(script.refresh_interval.clone()) {
                None => Refresh::Fixed(0),
                Some(Interval::Fixed(ms)) => Refresh::Fixed(ms),
                Some(Interval::OfData { none, by, other }) => Refresh::Of(Box::new(move |data| match data {
                    None => none,
                    Some(data) => by.get(&text(data)).copied().unwrap_or(other),
                })),
            },
            refresh_when_hidden: either!(refresh_when_hidden),
            refresh_when_offline: either!(refresh_when_offline),
            revalidate_on_focus: either!(revalidate_on_focus),
            revalidate_on_reconnect: either!(revalidate_on_reconnect),
            revalidate_if_stale: either!(revalidate_if_stale),
            revalidate_on_mount: self.revalidate_on_mount.or(script.revalidate_on_mount),
            deduping_interval: either!(deduping_interval),
            focus_throttle_interval: either!(focus_throttle_interval),
            should_retry_on_error: either!(should_retry_on_error),
            error_retry_interval: either!(error_retry_interval),
            error_retry_count: self.error_retry_count.or(script.error_retry_count),
        })
    }
}

pub fn text(value: &Value) -> String {
    value.downcast_ref::<String>().expect("texts only").clone()
}

impl Script {
    pub fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("swr.json")).expect("as the recorder wrote it")
    }
}
