//! What changes in a view, behind one type. leptos compiles its rendering anew for each closure's type, at about a
//! kilobyte each; boxed closures of one result share theirs. Measured on the home page: see docs/ARCHITECTURE.md.

/// A closure to stand in a view or an attribute.
pub fn dynamic<T>(value: impl FnMut() -> T + Send + 'static) -> Box<dyn FnMut() -> T + Send> {
    Box::new(value)
}
