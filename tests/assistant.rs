//! Conversations and runs over the real store and router, with a model that says what it is told to, when it is told to.

mod http {
    pub mod server;
}
mod assistant_cases {
    mod script;
    mod stage;

    mod ends;
    mod looks;
    mod other_clients;
    mod rights;
    mod room_html;
    mod room_questions;
    mod rooms;
    mod runs;
    mod tools;
    mod versions;
}
