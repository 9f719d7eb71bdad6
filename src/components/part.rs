//! A part of a view behind one type, and a list of such parts: in the browser. `part_server.rs` is the server's.
//!
//! `AnyView` would do, but for every view in it it brings the code that patches it in place and that hydrates it piece
//! by piece, and `<For>` its diffing for every type of row: see docs/ARCHITECTURE.md. A part is built or hydrated once
//! and then replaced as a whole, so what may have the focus while it changes belongs into a closure inside of it.

use std::sync::Arc;

use leptos::{
    prelude::Owner,
    tachys::{
        html::attribute::any_attribute::AnyAttribute,
        hydration::Cursor,
        no_attrs,
        renderer::{
            Rndr,
            types::{Element, Node, Placeholder},
        },
        view::{Mountable, Position, PositionState, Render, RenderHtml},
    },
};

use super::dynamic::{Dynamic, dynamic};

/// Any view at all.
pub struct Part(Box<dyn Unbuilt>);

pub fn part<V>(view: V) -> Part
where
    V: RenderHtml + 'static,
    V::State: 'static,
{
    Part(Box::new(view))
}

/// A line of a list by its key. It is made once, and stays for as long as the list has its key.
pub type Line = (String, Box<dyn FnOnce() -> Part + Send>);

/// What [`list`] puts into a view.
pub struct List {
    lines: Vec<Line>,
    /// Of the view around the list: what a line holds outlives the closure's run that made it.
    around: Option<Owner>,
}

/// A list that changes, to stand in a view. Lines that stay are to stay in their order: one that is overtaken is made
/// anew.
pub fn list(mut lines: impl FnMut() -> Vec<Line> + Send + 'static) -> Dynamic<List> {
    let around = Owner::current();
    dynamic(move || List { lines: lines(), around: around.clone() })
}

/// A part that is there or is not, to stand in a view: a list of one line or none, so that both are one type.
pub fn when(
    mut shown: impl FnMut() -> bool + Send + 'static,
    make: impl Fn() -> Part + Send + Sync + 'static,
) -> Dynamic<List> {
    let make: Arc<dyn Fn() -> Part + Send + Sync> = Arc::new(make);
    list(move || shown().then(|| once(make.clone())).into_iter().collect())
}

fn once(make: Arc<dyn Fn() -> Part + Send + Sync>) -> Line {
    (String::new(), Box::new(move || make()))
}

trait Unbuilt: Send {
    fn build(self: Box<Self>) -> Box<dyn Mountable>;
    fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> Box<dyn Mountable>;
}

impl<V> Unbuilt for V
where
    V: RenderHtml + 'static,
    V::State: 'static,
{
    fn build(self: Box<Self>) -> Box<dyn Mountable> {
        Box::new(Render::build(*self))
    }

    fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> Box<dyn Mountable> {
        Box::new(RenderHtml::hydrate::<true>(*self, cursor, position))
    }
}

/// A part that is in the page.
pub struct Built(Box<dyn Mountable>);

impl Render for Part {
    type State = Built;

    fn build(self) -> Built {
        Built(Unbuilt::build(self.0))
    }

    fn rebuild(self, state: &mut Built) {
        let mut new = Render::build(self);
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl Mountable for Built {
    fn unmount(&mut self) {
        self.0.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.0.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.0.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.0.elements()
    }
}

/// A list that is in the page, and the comment at its end.
pub struct Lines {
    lines: Vec<Made>,
    end: Placeholder,
}

struct Made {
    key: String,
    built: Built,
    /// Of what the line holds; it goes after the line.
    _owner: Option<Owner>,
}

impl Made {
    fn new((key, make): Line, around: Option<&Owner>, place: impl FnOnce(Part) -> Built) -> Self {
        let own = around.map(|around| around.with(Owner::new));
        let built = match &own {
            Some(own) => own.with(|| place(make())),
            None => place(make()),
        };
        Self { key, built, _owner: own }
    }
}

impl Render for List {
    type State = Lines;

    fn build(self) -> Lines {
        let make = |line| Made::new(line, self.around.as_ref(), Render::build);
        Lines { lines: self.lines.into_iter().map(make).collect(), end: Rndr::create_placeholder() }
    }

    fn rebuild(self, state: &mut Lines) {
        let mut old = std::mem::take(&mut state.lines).into_iter();
        for line in self.lines {
            // All that stands before the line that stays is gone from the list.
            if let Some(at) = old.as_slice().iter().position(|old| old.key == line.0) {
                old.by_ref().take(at).for_each(|mut gone| gone.built.unmount());
                state.lines.extend(old.next());
                continue;
            }
            let mut new = Made::new(line, self.around.as_ref(), Render::build);
            if !old.as_slice().first().is_some_and(|next| next.built.insert_before_this(&mut new.built)) {
                state.end.insert_before_this(&mut new.built);
            }
            state.lines.push(new);
        }
        old.for_each(|mut gone| gone.built.unmount());
    }
}

impl Mountable for Lines {
    fn unmount(&mut self) {
        self.lines.iter_mut().for_each(|line| line.built.unmount());
        self.end.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.lines.iter_mut().for_each(|line| line.built.mount(parent, marker));
        self.end.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.lines.iter().any(|line| line.built.insert_before_this(child)) || self.end.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.lines.iter().flat_map(|line| line.built.elements()).collect()
    }
}

impl Part {
    fn find(self, cursor: &Cursor, position: &PositionState) -> Built {
        Built(self.0.hydrate(cursor, position))
    }
}

impl List {
    fn find(self, cursor: &Cursor, position: &PositionState) -> Lines {
        let find = |line| Made::new(line, self.around.as_ref(), |part| part.find(cursor, position));
        let lines = self.lines.into_iter().map(find).collect();
        let end = cursor.next_placeholder(position);
        position.set(Position::NextChild);
        Lines { lines, end }
    }
}

/// The rest of what leptos asks of a view: most of it is for the server.
macro_rules! in_the_browser {
    ($($view:ty)*) => {$(
        no_attrs!($view);

        impl RenderHtml for $view {
            type AsyncOutput = Self;
            type Owned = Self;

            const MIN_LENGTH: usize = 0;

            fn dry_resolve(&mut self) {}

            async fn resolve(self) -> Self {
                self
            }

            fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

            fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
                self.find(cursor, position)
            }

            fn into_owned(self) -> Self {
                self
            }
        }
    )*};
}

in_the_browser!(Part List);
