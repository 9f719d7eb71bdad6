//! A question that is on its way, and how it is kept until the server has it.

/// A question that is not among the messages yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub client: String,
    pub conversation: String,
    pub text: String,
    /// Nothing stands for the first.
    pub model: String,
    /// The question that it replaces; nothing if it comes at the end.
    pub instead_of: String,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Sending,
    /// For a connection.
    Waiting,
    /// Why, for people.
    Failed(String),
}

/// Between the fields of a question that is kept: a character that no question has.
const FIELD: char = '\u{1f}';

impl Pending {
    pub fn is_on_its_way(&self) -> bool {
        !matches!(self.state, State::Failed(_))
    }

    /// As it is kept.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for field in [&self.client, &self.conversation, &self.model, &self.instead_of] {
            text.push_str(field);
            text.push(FIELD);
        }
        text + &self.text
    }

    pub fn from_text(text: &str) -> Option<Self> {
        let mut fields = text.splitn(5, FIELD).map(str::to_owned);
        Some(Self {
            client: fields.next()?,
            conversation: fields.next()?,
            model: fields.next()?,
            instead_of: fields.next()?,
            text: fields.next()?,
            state: State::Waiting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_is_kept_comes_back_whole() {
        let [client, conversation, model, instead_of] = ["c", "d", "", "7"].map(str::to_owned);
        let text = "one\ntwo\u{1f}three".to_owned();
        let pending = Pending { client, conversation, text, model, instead_of, state: State::Waiting };
        assert_eq!(Pending::from_text(&pending.to_text()), Some(pending));
        assert_eq!(Pending::from_text(""), None);
    }
}
