//! Many answers of a language model at once, read through servers and from the provider's fake itself: what a token costs the
//! server in CPU time, what it adds to the first token, and its memory an answer. Called by `scripts/bench-chat`, which starts
//! them all.
//!
//! `chat_load --provider ADDRESS --server NAME,ADDRESS,PID… --answers N --rate TOKENS --seconds S`

mod ask;
#[path = "../load/histogram.rs"]
#[allow(dead_code)] // The other load generator's.
mod histogram;
#[path = "../load/process.rs"]
#[allow(dead_code)] // Other systems than Linux.
mod process;
mod table;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ask::{Target, first_token, read};
use clap::Parser;
use histogram::Histogram;
use table::Row;

/// All answers are begun within this time: their words then do not come all at once.
const RAMP: Duration = Duration::from_secs(2);

/// Then they go on for so long before it is measured.
const SETTLE: Duration = Duration::from_secs(3);

/// Questions to find out what is added to the first token, one after the other.
const QUESTIONS: usize = 400;
const WARM_UP: usize = 100;

#[derive(Debug, Parser)]
struct Arguments {
    /// Where the fake provider listens.
    #[arg(long)]
    provider: String,
    /// A name, an address and a process.
    #[arg(long)]
    server: Vec<String>,
    #[arg(long, default_value_t = 1_000)]
    answers: usize,
    /// Tokens a second of each answer.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    #[arg(long, default_value_t = 30)]
    seconds: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let provider = Target::provider(&arguments.provider);
    let mut rows = Vec::new();
    for server in &arguments.server {
        let mut parts = server.split(',');
        let mut part = || parts.next().ok_or_else(|| std::io::Error::other(format!("{server}: NAME,ADDRESS,PID")));
        let (name, address, pid) =
            (part()?.to_owned(), part()?.to_owned(), part()?.parse().map_err(std::io::Error::other)?);
        rows.push(measure(&arguments, &provider, name, &Target::server(&address), pid).await?);
    }
    println!("{}", table::table(&rows, arguments.answers, arguments.rate));
    let whole = rows.first().is_some_and(|row| row.failed == 0);
    std::process::exit(i32::from(!whole));
}

async fn measure(
    arguments: &Arguments,
    provider: &Target,
    name: String,
    server: &Target,
    pid: u32,
) -> std::io::Result<Row> {
    let (mut direct, mut through) = (Histogram::new(), Histogram::new());
    for number in 0..WARM_UP + QUESTIONS {
        let (one, other) = (first_token(provider).await?, first_token(server).await?);
        if number >= WARM_UP {
            direct.record(one.as_micros() as u64);
            through.record(other.as_micros() as u64);
        }
    }

    let before = process::usage(pid)?;
    let all = Duration::from_secs(u64::from(arguments.seconds)) + RAMP + SETTLE + SETTLE;
    let words = u64::from(arguments.rate) * all.as_secs();
    let tokens = Arc::<AtomicU64>::default();
    let failed = Arc::<AtomicU64>::default();
    let over = Arc::<AtomicBool>::default();
    let readers: Vec<_> = (0..arguments.answers)
        .map(|number| {
            let (server, tokens, failed, over) = (server.clone(), tokens.clone(), failed.clone(), over.clone());
            let (delay, rate) = (RAMP.mul_f64(number as f64 / arguments.answers as f64), arguments.rate);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let ended = read(&server, &format!("[rate {rate}][words {words}] {number}"), &tokens).await;
                // None may end before all do.
                if ended.is_err() || !over.load(Ordering::Relaxed) {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(RAMP + SETTLE).await;

    let (begun, first) = (Instant::now(), tokens.load(Ordering::Relaxed));
    let (used, own) = (process::usage(pid)?, process::usage(std::process::id())?);
    let end = begun + Duration::from_secs(u64::from(arguments.seconds));
    let mut memory = used.memory;
    let mut loaded = [Histogram::new(), Histogram::new()];
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
        memory = memory.max(process::usage(pid)?.memory);
        for (target, times) in [provider, server].into_iter().zip(&mut loaded) {
            let asked = Instant::now();
            // A server that cannot follow answers after the end, if at all: it took at least so long.
            let time = match tokio::time::timeout_at(end.into(), first_token(target)).await {
                Ok(Ok(time)) => time,
                Ok(Err(_)) | Err(_) => asked.elapsed(),
            };
            times.record(time.as_micros() as u64);
        }
    }
    let window = begun.elapsed();
    let read = tokens.load(Ordering::Relaxed) - first;
    let (used_then, own_then) = (process::usage(pid)?, process::usage(std::process::id())?);
    over.store(true, Ordering::Relaxed);
    let failed = failed.load(Ordering::Relaxed);
    readers.iter().for_each(|reader| reader.abort());
    // They are gone before the next one is measured.
    for reader in readers {
        let _ = reader.await;
    }
    let median = |times: &Histogram| times.quantile(0.5) as f64 / 1_000.0;
    Ok(Row {
        name,
        tokens_per_second: read as f64 / window.as_secs_f64(),
        cpu_us: (used_then.cpu - used.cpu).as_secs_f64() * 1e6 / read.max(1) as f64,
        server_share: (used_then.cpu - used.cpu).as_secs_f64() / window.as_secs_f64(),
        load_share: (own_then.cpu - own.cpu).as_secs_f64() / window.as_secs_f64(),
        added_ms: median(&through) - median(&direct),
        added_p99_ms: (through.quantile(0.99) as f64 - direct.quantile(0.99) as f64) / 1_000.0,
        added_loaded_ms: median(&loaded[1]) - median(&loaded[0]),
        memory_kib: memory.saturating_sub(before.memory) as f64 / 1024.0 / arguments.answers as f64,
        failed,
    })
}
