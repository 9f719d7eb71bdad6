//! Server functions: check, delegate. One file a feature.

pub mod feed;
