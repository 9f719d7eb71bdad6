//! JSON that is not read as a type of ours: objects whose fields are looked up one by one, where a type would be more
//! code than that; parts that stay JSON; texts as JSON. `json.rs` is for everything else.

use std::fmt;

use js_sys::{Array, JSON, Reflect};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use wasm_bindgen::{JsCast, JsValue};

pub struct Record(JsValue);

impl Record {
    /// Nothing if it is not JSON of an object.
    pub fn parse(json: &str) -> Option<Self> {
        JSON::parse(json).ok().filter(JsValue::is_object).map(Self)
    }

    fn get(&self, name: &str) -> Option<JsValue> {
        Reflect::get(&self.0, &JsValue::from_str(name)).ok()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.as_string()
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// The objects in a list.
    pub fn list(&self, name: &str) -> Vec<Self> {
        let list = self.get(name).and_then(|value| value.dyn_into::<Array>().ok());
        list.map(|list| list.iter().map(Self).collect()).unwrap_or_default()
    }

    /// The field as JSON.
    pub fn json(&self, name: &str) -> Option<String> {
        stringify(&self.get(name)?)
    }
}

/// A value that is left as JSON, to be read as what it is later: one type for whatever holds such.
#[derive(Clone, Debug)]
pub struct Raw(pub String);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_str<E: Error>(self, json: &str) -> Result<Raw, E> {
                Ok(Raw(json.to_owned()))
            }
        }

        deserializer.deserialize_newtype_struct(RAW, Text)
    }
}

/// No type of ours is called so.
pub(super) const RAW: &str = "\0raw";

/// A text as JSON.
pub fn quoted(text: &str) -> String {
    stringify(&JsValue::from_str(text)).unwrap_or_default()
}

pub(super) fn stringify(value: &JsValue) -> Option<String> {
    JSON::stringify(value).ok()?.as_string()
}
