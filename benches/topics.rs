//! What the core costs, without any I/O: `cargo bench --features ssr --bench topics`, about a minute. The fan-out stands
//! beside `tokio::sync::broadcast`, measured in the same run. `benches/load` measures the server as a whole.

mod topics {
    pub mod catch_up;
    pub mod crowd;
    pub mod fan_out;
    pub mod publish;
    pub mod streams;
}

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

/// Short: what matters here are ratios, and those of one run.
fn quick() -> Criterion {
    let criterion = Criterion::default().sample_size(15).without_plots();
    criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1_200))
}

criterion_group! {
    name = benches;
    config = quick();
    targets = topics::publish::all, topics::fan_out::all, topics::streams::all, topics::catch_up::all
}
criterion_main!(benches);
