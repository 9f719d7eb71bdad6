//! `use_polling`: a component's view of a key. Typed; everything beneath knows texts and `Value`s only.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
};

use leptos::prelude::*;
use serde::de::DeserializeOwned;

use super::{
    cache::{self, Component, Show},
    input::{Failure, Input, Outcome, Shown},
    options::{Mutation, Options},
    rules::Value,
};
use crate::client::json;

/// What is known of a component's key. Where no component of the page has a key (`None`), nothing is, and nothing is asked.
pub struct Polled<T: 'static> {
    /// What the server said last; before, the first value; over a change, its optimistic data.
    pub data: ReadSignal<Option<T>>,
    /// Why there is nothing newer, until there is.
    pub error: ReadSignal<Option<Failure>>,
    /// A request is under way, and the server has not said anything yet. A first value does not count.
    pub is_loading: ReadSignal<bool>,
    /// A request is under way.
    pub is_validating: ReadSignal<bool>,
    id: u32,
}

impl<T> Clone for Polled<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Polled<T> {}

/// Components, and changes: numbered over all visitors where it renders, which means nothing there.
static LAST: AtomicU32 = AtomicU32::new(0);

/// Keeps what `GET {key}` answers as JSON, newest first, until the component that calls it is gone; all components of a
/// key share its requests. Without a key nothing is asked. `key` may read signals; `first` is the value of the first key
/// that the page was rendered with, the same on both sides. Does nothing on the server but show it.
pub fn use_polling<T: Clone + DeserializeOwned + Send + Sync + 'static>(
    key: impl Fn() -> Option<String> + 'static,
    options: Options<T>,
    first: Option<T>,
) -> Polled<T> {
    let id = LAST.fetch_add(1, Ordering::Relaxed);
    let keeps = options.keep_previous_data;
    let rules = options.into_rules();
    let asks = untrack(&key).is_some() && rules.asks_on_mount(true, first.is_some());
    let (data, set_data) = signal(first.clone());
    let (error, set_error) = signal(None::<Failure>);
    let (is_loading, set_loading) = signal(asks);
    let (is_validating, set_validating) = signal(asks);

    // Each signal is set only when it changes: what is shown is told more often.
    let last = RefCell::new(None::<Value>);
    let show: Show = Rc::new(move |shown: Shown| {
        let same = match (&shown.data, &*last.borrow()) {
            (Some(new), Some(old)) => Rc::ptr_eq(new, old),
            (None, None) => true,
            _ => false,
        };
        if !same && (shown.data.is_some() || !keeps) {
            set_data.set(shown.data.as_ref().and_then(|data| data.downcast_ref::<T>().cloned()));
            last.replace(shown.data);
        }
        change(shown.is_loading, is_loading, set_loading);
        change(shown.is_validating, is_validating, set_validating);
        change(shown.error, error, set_error);
    });

    // Effects run in the browser only. This one runs once: it reads no signal.
    Effect::new(move |_| on_cleanup(move || cache::leave(id)));
    let mut first = first;
    Effect::new(move |before: Option<Option<String>>| {
        let key = key();
        if before.as_ref() == Some(&key) {
            return key;
        }
        cache::leave(id);
        let first = first.take().map(|first| Rc::new(first) as Value);
        match &key {
            Some(key) => {
                let component = Component { id, rules: rules.clone(), first, parse: parse::<T>, show: show.clone() };
                cache::join(key.clone(), component, before.is_none());
            }
            None => show(Shown { data: None, error: None, is_loading: false, is_validating: false }),
        }
        key
    });
    Polled { data, error, is_loading, is_validating, id }
}

fn change<V: PartialEq + Send + Sync + 'static>(new: V, now: ReadSignal<V>, set: WriteSignal<V>) {
    if now.try_with_untracked(|now| *now != new) == Some(true) {
        set.set(new);
    }
}

fn parse<T: DeserializeOwned + 'static>(text: &str) -> Option<Value> {
    json::parse::<T>(text).map(|value| Rc::new(value) as Value)
}

impl<T: Clone + Send + Sync + 'static> Polled<T> {
    /// Asks the server now, whatever was asked just before and whoever else waits.
    pub fn revalidate(self) {
        self.tell(Input::Revalidate);
    }

    /// Shows this, for every component of the key, without asking the server.
    pub fn set(self, data: T) {
        let mutation = LAST.fetch_add(1, Ordering::Relaxed);
        self.tell(Input::Mutate { mutation, optimistic: None });
        self.tell(Input::Mutated { mutation, outcome: Outcome::Data(Rc::new(data)), revalidate: false });
    }

    /// A change, for a handler: what `work` does at the server. Shows `optimistic_data` meanwhile, then what `work` came
    /// to (`Ok(None)`: that the server will say), then what the server says. What it answers from before the change is
    /// not shown. The error is handed back, and is not `Polled::error`.
    pub async fn mutate<E>(
        self,
        work: impl Future<Output = Result<Option<T>, E>>,
        Mutation { optimistic_data, rollback_on_error, revalidate }: Mutation<T>,
    ) -> Result<(), E> {
        // The key of now: what comes of the change is its, wherever the component has gone.
        let key = cache::key_of(self.id);
        let tell = |input| {
            if let Some(key) = &key {
                cache::tell(key, input);
            }
        };
        let mutation = LAST.fetch_add(1, Ordering::Relaxed);
        tell(Input::Mutate { mutation, optimistic: optimistic_data.map(|data| Rc::new(data) as Value) });
        let result = work.await;
        let (outcome, result) = match result {
            Ok(Some(data)) => (Outcome::Data(Rc::new(data)), Ok(())),
            Ok(None) => (Outcome::Done, Ok(())),
            Err(error) => (Outcome::Failed { rollback: rollback_on_error }, Err(error)),
        };
        tell(Input::Mutated { mutation, outcome, revalidate });
        result
    }

    fn tell(self, input: Input) {
        if let Some(key) = cache::key_of(self.id) {
            cache::tell(&key, input);
        }
    }
}
