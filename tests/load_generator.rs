//! Runs the unit tests of the load generator's pure modules (`benches/load/`): a bench target without the standard
//! harness runs none of its own.

// Each module is used in full by the generator, and here only by its tests.
#![allow(dead_code)]

#[path = "../benches/load"]
mod load {
    mod arguments;
    mod frame;
    mod heads;
    mod histogram;
    mod http;
    mod pace;
    mod position;
    mod process;
    mod sse;
    mod subscription;
    mod tally;
    mod target;
}
