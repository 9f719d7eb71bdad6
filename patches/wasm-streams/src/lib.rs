//! What server_fn calls of the crate wasm-streams, in its place (`[patch.crates-io]` in Tidemark's Cargo.toml). That crate
//! exports three JavaScript classes for streams made in Rust. What is exported stays in a bundle although nobody calls
//! it: 3 kB for every visitor of every page.
//!
//! Reading the browser's streams is here and works. Who sends a stream to a server function does not compile and is told
//! why; without the patch it compiles.

use std::{marker::PhantomData, pin::Pin};

use futures_util::stream::{self, Stream};
use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStreamDefaultReader;

pub struct ReadableStream(web_sys::ReadableStream);

impl ReadableStream {
    pub fn from_raw(stream: web_sys::ReadableStream) -> Self {
        Self(stream)
    }

    pub fn into_raw(self) -> web_sys::ReadableStream {
        self.0
    }

    /// Does not compile where it is used.
    pub fn from_stream<S>(_: S) -> Self
    where
        S: Stream<Item = Result<JsValue, JsValue>> + 'static,
    {
        let () = Missing::<S>::HERE;
        unreachable!()
    }

    /// What it says, until it ends or cannot go on. Dropping it cancels it.
    pub fn into_stream(self) -> Pin<Box<dyn Stream<Item = Result<JsValue, JsValue>>>> {
        let reader = Reader(self.0.get_reader().unchecked_into());
        Box::pin(stream::unfold(Some(reader), |reader| async move {
            let reader = reader?;
            match JsFuture::from(reader.0.read()).await {
                Ok(read) => {
                    let field = |name| Reflect::get(&read, &JsValue::from_str(name)).unwrap_or_default();
                    (!field("done").is_truthy()).then(|| (Ok(field("value")), Some(reader)))
                }
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}

struct Reader(ReadableStreamDefaultReader);

impl Drop for Reader {
    fn drop(&mut self) {
        // A stream that has failed refuses, which is nobody's concern.
        let refused = Closure::once(|_: JsValue| {});
        let _ = self.0.cancel().catch(&refused);
        refused.forget();
    }
}

struct Missing<S>(PhantomData<S>);

impl<S> Missing<S> {
    /// Of no stream is this true, but the compiler has to look at one to say so.
    const HERE: () = assert!(
        size_of::<S>() == usize::MAX,
        "a browser that sends streams needs all of wasm-streams: take [patch.crates-io] out of Cargo.toml"
    );
}
