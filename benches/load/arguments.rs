//! The command line. Everything is bounded here, so that a slip cannot start an endless or enormous run.

use super::target::Target;

pub const USAGE: &str = "\
usage: cargo bench --features ssr --bench load -- [options]

Opens many streams to a server on this machine, checks that no event is missing, and measures.

  --url URL          http://127.0.0.1:3000/api/stream?topic=feed; several topic= may repeat
  --connections N    1 to 200000 (default 1000)
  --seconds N        of measurement, after all are open: 1 to 3600 (default 30)
  --rate N           connections opened per second: 1 to 20000 (default 500)
  --churn SHARE      of the connections to drop and resume each second: 0 to 1 (default 0)
  --away SECONDS     a dropped connection stays away for up to this long: 0 to 60 (default 2)
  --pid PID          the server's process, to measure its memory and CPU
  --latest TOPIC     this topic conflates, so its versions may skip; may repeat
  --sources N        spread connections over this many addresses, 127.0.0.1 to 127.0.0.N
  --json             one line of JSON on standard output; the text goes to standard error

Exit code: 0 if nothing was missing, 1 if anything was, 2 if it could not run.";

#[derive(Clone, Debug)]
pub struct Arguments {
    pub target: Target,
    pub connections: usize,
    pub seconds: u64,
    pub rate: f64,
    pub churn: f64,
    pub away: f64,
    pub pid: Option<u32>,
    pub sources: u8,
    pub json: bool,
}

/// A source address has 28,232 ports by default on Linux, and a port rests for a minute after its connection closed.
const CONNECTIONS_PER_SOURCE: f64 = 20_000.0;
const PORT_RESTS_SECONDS: f64 = 60.0;

impl Arguments {
    /// `None` asks for the usage text.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut url = "http://127.0.0.1:3000/api/stream?topic=feed".to_owned();
        let (mut connections, mut seconds, mut rate, mut churn, mut away) = (1_000.0, 30.0, 500.0, 0.0, 2.0);
        let (mut pid, mut sources, mut latest, mut json) = (None, None, Vec::new(), false);
        let mut any = false;
        while let Some(word) = words.next() {
            // cargo adds this to the arguments of every benchmark.
            if word == "--bench" {
                continue;
            }
            any = true;
            let mut text = || words.next().ok_or(format!("{word} wants a value"));
            match word.as_str() {
                "--url" => url = text()?,
                "--connections" => connections = whole(&word, &text()?, 1.0, 200_000.0)?,
                "--seconds" => seconds = whole(&word, &text()?, 1.0, 3_600.0)?,
                "--rate" => rate = whole(&word, &text()?, 1.0, 20_000.0)?,
                "--churn" => churn = number(&word, &text()?, 0.0, 1.0)?,
                "--away" => away = number(&word, &text()?, 0.0, 60.0)?,
                "--pid" => pid = Some(whole(&word, &text()?, 1.0, f64::from(u32::MAX))? as u32),
                "--sources" => sources = Some(whole(&word, &text()?, 1.0, 254.0)? as u8),
                "--latest" => latest.push(text()?),
                "--json" => json = true,
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("{word} is not an option")),
            }
        }
        if !any {
            return Ok(None);
        }
        let ports = connections * (1.0 + churn * PORT_RESTS_SECONDS.min(seconds));
        let sources = sources.unwrap_or((ports / CONNECTIONS_PER_SOURCE).ceil().clamp(1.0, 254.0) as u8);
        let target = Target::parse(&url, &latest)?;
        if sources > 1 && !target.address.is_ipv4() {
            return Err("connections can be spread over several addresses of 127.0.0.0/8 only".into());
        }
        let (connections, seconds) = (connections as usize, seconds as u64);
        Ok(Some(Self { target, connections, seconds, rate, churn, away, pid, sources, json }))
    }
}

fn number(option: &str, text: &str, least: f64, most: f64) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (least..=most).contains(value));
    value.ok_or(format!("{option} wants a number from {least} to {most}, not {text}"))
}

fn whole(option: &str, text: &str, least: f64, most: f64) -> Result<f64, String> {
    let value = number(option, text, least, most)?;
    if value.fract() == 0.0 { Ok(value) } else { Err(format!("{option} wants a whole number, not {text}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Arguments>, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_cargo_adds_is_ignored_and_nothing_at_all_asks_for_help() {
        assert!(matches!(parse("--bench"), Ok(None)));
        assert!(matches!(parse("--connections 5 --help"), Ok(None)));
        let arguments = parse("--connections 5000 --churn 0.01 --bench").expect("fine").expect("a run");
        assert_eq!((arguments.connections, arguments.sources), (5_000, 1));
    }

    #[test]
    fn many_connections_are_spread_over_addresses() {
        let sources = |line| parse(line).expect("fine").expect("a run").sources;
        assert_eq!(sources("--connections 20000"), 1);
        assert_eq!(sources("--connections 20001"), 2);
        assert_eq!(sources("--connections 20000 --churn 0.01 --seconds 600"), 2, "resting ports count");
        assert_eq!(sources("--connections 10 --sources 3"), 3);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        for line in
            ["--connections 0", "--connections 1.5", "--seconds 9999", "--churn 2", "--churn nan", "--url", "-x"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
