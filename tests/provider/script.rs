//! What the fake does, chosen by markers in the text of the last message that a person wrote. They are listed at the head of
//! `fake_model.rs`. Pure.

use serde_json::{Map, Value};

use super::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    Error,
    /// Twice, then it answers.
    Busy,
    Overloaded,
    Refuse,
    KeyIsWrong,
    SayNothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    TooLong,
    Refused,
    Error,
    Cut,
    Silence,
    Garbage,
    /// Not one event.
    Nothing,
    Never,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: String,
    pub input: Map<String, Value>,
    /// Asked for again, when it has been answered.
    pub again: bool,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub before: Option<Before>,
    pub end: End,
    /// The answer's text. None: the default one.
    pub text: Option<String>,
    /// Words a second. None: all at once.
    pub rate: Option<f64>,
    pub thinks: bool,
    /// The bytes of the answer come in pieces of three.
    pub split: bool,
    pub calls: Vec<Call>,
    /// What is counted, instead of the words.
    pub usage: Option<(u32, u32)>,
    /// What was said without the markers.
    pub question: String,
}

impl Script {
    pub fn read(said: &str) -> Self {
        let mut script = Self {
            before: None,
            end: End::Done,
            text: None,
            rate: None,
            thinks: false,
            split: false,
            calls: Vec::new(),
            usage: None,
            question: String::new(),
        };
        let mut question = String::new();
        let mut rest = said;
        while let Some(open) = rest.find('[') {
            question.push_str(&rest[..open]);
            let marked = &rest[open + 1..];
            rest = match script.marker(marked) {
                Some(after) => after,
                None => {
                    question.push('[');
                    marked
                }
            };
        }
        question.push_str(rest);
        script.question = question.split_whitespace().collect::<Vec<_>>().join(" ");
        script
    }

    /// Whether there is any marker in this.
    pub fn is_in(said: &str) -> bool {
        Self::read(said).question.len() < said.split_whitespace().collect::<Vec<_>>().join(" ").len()
    }

    /// Reads one marker, and returns what follows it.
    fn marker<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        for (word, again) in [("tool ", false), ("tool-again ", true)] {
            if let Some(rest) = text.strip_prefix(word) {
                return self.call(rest, again);
            }
        }
        let (marker, after) = text.split_once(']')?;
        let (name, value) = marker.split_once(' ').unwrap_or((marker, ""));
        match name {
            "slow" => self.rate = Some(10.0),
            "fast" => self.rate = Some(200.0),
            "rate" => self.rate = Some(value.parse().ok()?),
            "words" => self.text = Some(words::counted(value.parse().ok()?)),
            "say" => self.text = Some(value.to_owned()),
            "markdown" => self.text = Some(words::MARKDOWN.to_owned()),
            "usage" => {
                let (input, output) = value.split_once(' ')?;
                self.usage = Some((input.parse().ok()?, output.parse().ok()?));
            }
            "think" => self.thinks = true,
            "split" => self.split = true,
            "error" => self.before = Some(Before::Error),
            "429" => self.before = Some(Before::Busy),
            "529" => self.before = Some(Before::Overloaded),
            "400" => self.before = Some(Before::Refuse),
            "401" => self.before = Some(Before::KeyIsWrong),
            "silence" => self.before = Some(Before::SayNothing),
            "error-mid" => self.end = End::Error,
            "cut" => self.end = End::Cut,
            "silence-mid" => self.end = End::Silence,
            "garbage" => self.end = End::Garbage,
            "nothing" => self.end = End::Nothing,
            "endless" => self.end = End::Never,
            "refuse" => self.end = End::Refused,
            "max" => self.end = End::TooLong,
            number => self.text = Some(words::counted(number.parse().ok()?)),
        }
        Some(after)
    }

    fn call<'a>(&mut self, text: &'a str, again: bool) -> Option<&'a str> {
        let end = text.find([' ', ']'])?;
        let (name, rest) = (&text[..end], text[end..].trim_start());
        let (input, rest) = if rest.starts_with('{') {
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Map<String, Value>>();
            let input = values.next()?.ok()?;
            (input, &rest[values.byte_offset()..])
        } else {
            (Map::new(), rest)
        };
        let after = rest.trim_start().strip_prefix(']')?;
        self.calls.push(Call { name: name.to_owned(), input, again });
        Some(after)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn markers_are_read_and_taken_out_and_other_brackets_stay() {
        let script =
            Script::read("[slow] What [is] this? [tool search {\"for\": [1, \"]\"]}] [tool now][error-mid] [words 3]");
        assert_eq!((script.rate, script.end, script.question.as_str()), (Some(10.0), End::Error, "What [is] this?"));
        let call = |name: &str, input: Value| Call {
            name: name.into(),
            input: input.as_object().cloned().unwrap(),
            again: false,
        };
        assert_eq!(script.calls, [call("search", json!({ "for": [1, "]"] })), call("now", json!({}))]);
        assert_eq!(script.text.as_deref(), Some("w1 w2 w3"));
        assert!(Script::is_in("a [cut]") && !Script::is_in("a [b] c") && !Script::is_in("  plain  text "));
    }
}
