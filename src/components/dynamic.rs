//! What changes in a view, behind few types: in the browser. `dynamic_server.rs` is the server's.
//!
//! leptos compiles its rendering anew for each closure's type, at about a kilobyte each, and an effect for each type of
//! what is shown, at two. Here closures of one result share their rendering, and all share one effect: see
//! docs/ARCHITECTURE.md.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use leptos::{
    attr::{Attribute, AttributeValue, any_attribute::AnyAttribute},
    prelude::RenderEffect,
    tachys::{
        html::element::InnerHtmlValue,
        hydration::Cursor,
        renderer::types::{Element, Node},
        view::{Mountable, Position, PositionState, Render, RenderHtml, add_attr::AddAnyAttr},
    },
};

use crate::client::morph;

/// A closure in a view or an attribute.
pub struct Dynamic<T>(Box<dyn FnMut() -> T + Send>);

/// A closure to stand in a view or an attribute.
pub fn dynamic<T>(value: impl FnMut() -> T + Send + 'static) -> Dynamic<T> {
    Dynamic(Box::new(value))
}

/// What a page has handed to its islands on the server. There is none of it here, and the code that would look for it is
/// half a kilobyte for each type.
pub fn planted<T>() -> Option<T> {
    None
}

/// The one effect: it runs at once, and again whenever a signal that it has read changes, until it is dropped.
fn watch(mut run: Box<dyn FnMut()>) -> RenderEffect<()> {
    RenderEffect::new(move |_| run())
}

/// What is in the page, and what keeps it new.
pub struct Shown<S> {
    state: Rc<RefCell<Option<S>>>,
    _effect: RenderEffect<()>,
}

impl<T> Dynamic<T>
where
    T: RenderHtml + 'static,
    T::State: 'static,
{
    /// Finds what the server has rendered at this place, or makes it.
    fn show(mut self, mut place: Option<(Cursor, PositionState)>) -> Shown<T::State> {
        let state = Rc::new(RefCell::new(None));
        let shown = state.clone();
        let effect = watch(Box::new(move || {
            let value = (self.0)();
            let mut shown = shown.borrow_mut();
            match (&mut *shown, place.take()) {
                (Some(state), _) => value.rebuild(state),
                (none, Some((cursor, position))) => *none = Some(value.hydrate::<true>(&cursor, &position)),
                (none, None) => *none = Some(value.build()),
            }
        }));
        Shown { state, _effect: effect }
    }
}

impl<T> Render for Dynamic<T>
where
    T: RenderHtml + 'static,
    T::State: 'static,
{
    type State = Shown<T::State>;

    fn build(self) -> Self::State {
        self.show(None)
    }

    fn rebuild(self, state: &mut Self::State) {
        let mut old = std::mem::replace(state, self.build());
        old.insert_before_this(state);
        old.unmount();
    }
}

impl<T> RenderHtml for Dynamic<T>
where
    T: RenderHtml + 'static,
    T::State: 'static,
{
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        self.show(Some((cursor.clone(), position.clone())))
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl<T> AddAnyAttr for Dynamic<T>
where
    T: RenderHtml + 'static,
    T::State: 'static,
{
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self::Output<A> {
        self
    }
}

impl<S: Mountable> Mountable for Shown<S> {
    fn unmount(&mut self) {
        if let Some(state) = &mut *self.state.borrow_mut() {
            state.unmount();
        }
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        if let Some(state) = &mut *self.state.borrow_mut() {
            state.mount(parent, marker);
        }
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.state.borrow().as_ref().is_some_and(|state| state.insert_before_this(child))
    }

    fn elements(&self) -> Vec<Element> {
        self.state.borrow().as_ref().map(Mountable::elements).unwrap_or_default()
    }
}

impl<S> Drop for Shown<S> {
    /// The effect's task lets go of it later only, and what is in it would be kept new until then.
    fn drop(&mut self) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            drop(state.take());
        }
    }
}

impl<T> AttributeValue for Dynamic<T>
where
    T: AttributeValue + 'static,
    T::State: 'static,
{
    type State = RenderEffect<()>;
    type AsyncOutput = ();
    type Cloneable = ();
    type CloneableOwned = ();

    fn html_len(&self) -> usize {
        0
    }

    fn to_html(self, _: &str, _: &mut String) {}

    fn to_template(_: &str, _: &mut String) {}

    fn hydrate<const FROM_SERVER: bool>(self, key: &str, el: &Element) -> Self::State {
        self.keep(key, el, true)
    }

    fn build(self, el: &Element, key: &str) -> Self::State {
        self.keep(key, el, false)
    }

    fn rebuild(self, _: &str, _: &mut Self::State) {}

    fn into_cloneable(self) {}

    fn into_cloneable_owned(self) {}

    fn dry_resolve(&mut self) {}

    async fn resolve(self) {}
}

impl<T> Dynamic<T>
where
    T: AttributeValue + 'static,
    T::State: 'static,
{
    /// Keeps an attribute, which the server may have rendered.
    fn keep(mut self, key: &str, el: &Element, found: bool) -> RenderEffect<()> {
        let (key, el) = (key.to_owned(), el.clone());
        let mut state = None;
        watch(Box::new(move || {
            let value = (self.0)();
            match &mut state {
                Some(state) => value.rebuild(&key, state),
                none if found => *none = Some(value.hydrate::<true>(&key, &el)),
                none => *none = Some(value.build(&el, &key)),
            }
        }))
    }
}

impl InnerHtmlValue for Dynamic<String> {
    type State = RenderEffect<()>;
    type AsyncOutput = String;
    type Cloneable = Arc<str>;
    type CloneableOwned = Arc<str>;

    fn html_len(&self) -> usize {
        0
    }

    fn to_html(self, _: &mut String) {}

    fn to_template(_: &mut String) {}

    fn hydrate<const FROM_SERVER: bool>(self, el: &Element) -> Self::State {
        self.keep_inside(el, true)
    }

    fn build(self, el: &Element) -> Self::State {
        self.keep_inside(el, false)
    }

    fn rebuild(self, _: &mut Self::State) {}

    fn into_cloneable(self) -> Arc<str> {
        Arc::default()
    }

    fn into_cloneable_owned(self) -> Arc<str> {
        Arc::default()
    }

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> String {
        String::new()
    }
}

impl Dynamic<String> {
    /// Keeps what is in an element, which the server may have rendered. Of what is in it only that changes which is another.
    fn keep_inside(mut self, el: &Element, found: bool) -> RenderEffect<()> {
        let el = el.clone();
        let mut shown = None;
        watch(Box::new(move || {
            let html = Some((self.0)());
            if html != shown {
                let words = html.as_deref().unwrap_or_default();
                match shown {
                    Some(_) => morph(&el, words),
                    None if found => {}
                    None => el.set_inner_html(words),
                }
                shown = html;
            }
        }))
    }
}
