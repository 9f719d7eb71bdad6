//! What a run found: text for people, one line of JSON for scripts, and whether it is a success.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};

use super::{histogram::Histogram, process::Usage, tally::Tally};

pub struct Report {
    pub url: String,
    pub connections: usize,
    /// How long it took to open all.
    pub opening: Duration,
    /// How long was measured.
    pub window: Duration,
    /// Events received while measuring.
    pub deliveries: u64,
    pub interrupted: bool,
    pub server_gone: bool,
    /// Before the first connection, with all of them, and at the end of the measurement.
    pub server: Option<[Usage; 3]>,
    /// At the start and the end of the measurement.
    pub generator: [Usage; 2],
    /// Of events delivered live while measuring, in microseconds since they were due.
    pub latencies: Histogram,
    pub tally: Tally,
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

impl Report {
    /// Why the run is no success; empty if it is one.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.tally.faults();
        if self.server_gone {
            faults.push("the server ended".into());
        }
        faults
    }

    pub fn json(&self) -> Value {
        let latency = |share| self.latencies.quantile(share) as f64 / 1_000.0;
        json!({
            "url": self.url,
            "connections": self.connections,
            "opening_seconds": self.opening.as_secs_f64(),
            "seconds": self.window.as_secs_f64(),
            "interrupted": self.interrupted,
            "counts": self.tally,
            "deliveries": self.deliveries,
            "deliveries_per_second": self.per_second(),
            "latency_ms": {
                "count": self.latencies.count(),
                "p50": latency(0.5),
                "p90": latency(0.9),
                "p99": latency(0.99),
                "p999": latency(0.999),
                "max": self.latencies.max() as f64 / 1_000.0,
            },
            "server": self.server.map(|[before, start, end]| json!({
                "memory_before": before.memory,
                "memory_open": start.memory,
                "memory_end": end.memory,
                "bytes_per_connection": self.bytes_per_connection(before, end),
                "cpu_share": self.cpu_share(start, end),
                "cpu_us_per_delivery": self.cpu_us_per_delivery(start, end),
            })),
            "generator": {
                "memory": self.generator[1].memory,
                "cpu_share": self.cpu_share(self.generator[0], self.generator[1]),
            },
            "faults": self.faults(),
        })
    }

    fn per_second(&self) -> f64 {
        self.deliveries as f64 / self.window.as_secs_f64()
    }

    /// At the end, not when all had just opened: by then every buffer has been used.
    fn bytes_per_connection(&self, before: Usage, end: Usage) -> f64 {
        let opened = self.tally.opened.max(1) as f64;
        (end.memory as f64 - before.memory as f64) / opened
    }

    fn cpu_us_per_delivery(&self, start: Usage, end: Usage) -> f64 {
        end.cpu.saturating_sub(start.cpu).as_secs_f64() * 1e6 / self.deliveries.max(1) as f64
    }

    /// Of one core.
    fn cpu_share(&self, start: Usage, end: Usage) -> f64 {
        end.cpu.saturating_sub(start.cpu).as_secs_f64() / self.window.as_secs_f64()
    }

    fn latency_line(&self) -> String {
        if self.latencies.count() == 0 {
            return "no event said when it was due".into();
        }
        let ms = |us: u64| us as f64 / 1_000.0;
        let mut line = String::new();
        for (name, share) in QUANTILES {
            // Writing to a string cannot fail.
            let _ = write!(line, "{name} {:.1} ms, ", ms(self.latencies.quantile(share)));
        }
        let _ = write!(line, "max {:.1} ms after they were due", ms(self.latencies.max()));
        if self.tally.early > 0 {
            let _ = write!(line, "; {} came early", self.tally.early);
        }
        line
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = &self.tally;
        let seconds = self.window.as_secs_f64();
        writeln!(f, "{} connections to {}, measured for {seconds:.1} s", self.connections, self.url)?;
        writeln!(f, "opened      {} in {:.1} s, {} failed", t.opened, self.opening.as_secs_f64(), t.failed)?;
        writeln!(f, "events      {} received, {:.0}/s while measuring", t.events, self.per_second())?;
        writeln!(
            f,
            "continuity  {} gaps ({} events missing), {} duplicates, {} out of order, {} behind at the end",
            t.gaps, t.missing, t.duplicates, t.out_of_order, t.behind
        )?;
        writeln!(
            f,
            "resumes     {} dropped by us, {} by the server; {} resumed, {} events recovered, {} resets",
            t.churned, t.drops, t.resumes, t.recovered, t.resets
        )?;
        writeln!(f, "latency     {}", self.latency_line())?;
        if let Some([before, start, end]) = self.server {
            writeln!(
                f,
                "memory      {} before, {} with all, {} at the end: {:.2} KiB a connection",
                Mib(before.memory),
                Mib(start.memory),
                Mib(end.memory),
                self.bytes_per_connection(before, end) / 1_024.0
            )?;
            let (each, share) = (self.cpu_us_per_delivery(start, end), self.cpu_share(start, end) * 100.0);
            writeln!(f, "server CPU  {each:.2} µs a delivery, {share:.1} % of a core")?;
        }
        let [start, end] = self.generator;
        writeln!(f, "generator   {:.1} % of a core, {}", self.cpu_share(start, end) * 100.0, Mib(end.memory))?;
        for (reason, count) in &t.reasons {
            writeln!(f, "  {count} times: {reason}")?;
        }
        if self.interrupted {
            writeln!(f, "interrupted: these are partial results")?;
        }
        match self.faults().as_slice() {
            [] => write!(f, "nothing is missing"),
            faults => write!(f, "FAILED: {}", faults.join(", ")),
        }
    }
}

struct Mib(u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MiB", self.0 as f64 / f64::from(1 << 20))
    }
}
