//! JSON as Rust values: the browser's own parser, then serde. serde_json would cost every visitor 30 kB, of which the
//! better part formats numbers for error messages that nobody reads; here, what cannot be read says so and nothing else.
//!
//! Numbers are JavaScript's: integers are exact up to 2^53, and larger ones are refused. Missing fields, defaults, renames
//! and enums are as in serde_json. Unknown fields are passed over, `deny_unknown_fields` or not; a map's keys are texts;
//! borrowed texts are not supported, since a JavaScript string lends nothing, nor is `alias`, since a struct is handed its
//! fields, and an enum its variant, by their places; and a field named like something that every JavaScript object has
//! (`constructor`) is found where it is missing.

use js_sys::{Array, JSON, Object, Reflect};
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    },
};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    record::{RAW, stringify},
    unreadable::Unreadable,
};

/// Nothing if it is not JSON, or not of a `T`.
pub fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    T::deserialize(Value(JSON::parse(json).ok()?)).ok()
}

struct Value(JsValue);

/// Up to here every integer is a number of its own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Value {
    fn is_absent(&self) -> bool {
        self.0.is_null() || self.0.is_undefined()
    }

    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0.as_f64() {
            Some(number) if number.abs() > EXACT || number.trunc() != number => Err(Unreadable),
            Some(number) if number >= 0.0 => visitor.visit_u64(number as u64),
            Some(number) => visitor.visit_i64(number as i64),
            None => Err(Unreadable),
        }
    }

    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_f64(self.0.as_f64().ok_or(Unreadable)?)
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_string(self.0.as_string().ok_or(Unreadable)?)
    }

    fn object(self) -> Result<Object, Unreadable> {
        if self.0.is_object() && !Array::is_array(&self.0) { Ok(self.0.unchecked_into()) } else { Err(Unreadable) }
    }
}

macro_rules! each {
    ($($method:ident)* => $read:ident) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            self.$read(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Value {
    type Error = Unreadable;

    each!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 => integer);
    each!(deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 => integer);
    each!(deserialize_f32 deserialize_f64 => float);
    each!(deserialize_char deserialize_str deserialize_string deserialize_identifier => text);
    each!(deserialize_bytes deserialize_byte_buf => deserialize_seq);

    /// For types that take whatever there is.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.is_absent() {
            visitor.visit_unit()
        } else if let Some(yes) = self.0.as_bool() {
            visitor.visit_bool(yes)
        } else if let Some(number) = self.0.as_f64() {
            if number.trunc() == number && number.abs() <= EXACT { self.integer(visitor) } else { self.float(visitor) }
        } else if self.0.is_string() {
            self.text(visitor)
        } else if Array::is_array(&self.0) {
            self.deserialize_seq(visitor)
        } else {
            self.deserialize_map(visitor)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_bool(self.0.as_bool().ok_or(Unreadable)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.is_absent() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.is_absent() { visitor.visit_unit() } else { Err(Unreadable) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if name == RAW {
            return visitor.visit_string(stringify(&self.0).ok_or(Unreadable)?);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let array = self.0.dyn_into().map_err(|_| Unreadable)?;
        visitor.visit_seq(Items { array, next: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let array = Object::entries(&self.object()?);
        visitor.visit_map(Entries { entries: Items { array, next: 0 }, value: JsValue::UNDEFINED })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(Fields { object: self.object()?, fields: fields.iter() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(Variant::of(self, variants)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }
}

struct Items {
    array: Array,
    next: u32,
}

impl Items {
    fn take(&mut self) -> Option<JsValue> {
        (self.next < self.array.length()).then(|| {
            self.next += 1;
            self.array.get(self.next - 1)
        })
    }
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unreadable> {
        self.take().map(|item| seed.deserialize(Value(item))).transpose()
    }
}

/// An object whose keys are not known beforehand.
struct Entries {
    entries: Items,
    value: JsValue,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unreadable> {
        let Some(pair) = self.entries.take() else { return Ok(None) };
        let pair: Array = pair.unchecked_into();
        self.value = pair.get(1);
        seed.deserialize(Value(pair.get(0))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unreadable> {
        seed.deserialize(Value(std::mem::take(&mut self.value)))
    }
}

/// An object of a struct, as its fields in their order, which is less code than by their names. Only the fields that the
/// struct has are looked for, whatever else there is.
struct Fields {
    object: Object,
    fields: std::slice::Iter<'static, &'static str>,
}

impl Fields {
    fn take(&mut self) -> Result<JsValue, Unreadable> {
        let field = self.fields.next().ok_or(Unreadable)?;
        Reflect::get(&self.object, &JsValue::from_str(field)).map_err(|_| Unreadable)
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unreadable> {
        let value = self.take()?;
        let missing = value.is_undefined();
        match seed.deserialize(Value(value)) {
            // What is no `Option` has a default, or the struct cannot be read.
            Err(Unreadable) if missing => Ok(None),
            read => read.map(Some),
        }
    }
}

/// `"Name"`, or `{"Name": content}`.
struct Variant {
    /// Among the variants.
    place: u64,
    content: JsValue,
}

impl Variant {
    fn of(value: Value, variants: &[&str]) -> Result<Self, Unreadable> {
        let (name, content) = if value.0.is_string() {
            (value.0, JsValue::UNDEFINED)
        } else {
            let entries = Object::entries(&value.object()?);
            let pair: Array = entries.get(0).dyn_into().map_err(|_| Unreadable)?;
            if entries.length() != 1 {
                return Err(Unreadable);
            }
            (pair.get(0), pair.get(1))
        };
        let name = name.as_string().ok_or(Unreadable)?;
        let place = variants.iter().position(|variant| *variant == name).ok_or(Unreadable)?;
        Ok(Self { place: place as u64, content })
    }
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Unreadable;
    type Variant = Value;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Value), Unreadable> {
        Ok((seed.deserialize(self.place.into_deserializer())?, Value(self.content)))
    }
}

impl<'de> VariantAccess<'de> for Value {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        if self.is_absent() { Ok(()) } else { Err(Unreadable) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unreadable> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_struct("", fields, visitor)
    }
}
