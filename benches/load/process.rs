//! Memory and CPU time of a process, ours or the server's: from /proc on Linux, from `ps` elsewhere.

use std::{fs, io, process::Command, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub memory: u64,
    /// User and system time since the process began.
    pub cpu: Duration,
}

/// Linux tells CPU time in this unit on every architecture we run on (`getconf CLK_TCK` is 100).
const TICK: Duration = Duration::from_millis(10);

pub fn usage(pid: u32) -> io::Result<Usage> {
    let unreadable = || io::Error::other(format!("cannot measure process {pid}: is it running, and is it yours?"));
    let found = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            stat_cpu(&stat).zip(status_memory(&status)).map(|(cpu, memory)| Usage { memory, cpu })
        }
        Err(_) => {
            let ps = Command::new("ps").args(["-o", "rss=,time=", "-p", &pid.to_string()]).output()?;
            ps_usage(&String::from_utf8_lossy(&ps.stdout))
        }
    };
    found.ok_or_else(unreadable)
}

/// The 14th and 15th field, counted from behind the name, which may hold anything.
fn stat_cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

/// A process that has ended but was not waited for has no memory, and so no usage.
fn status_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// `  5432   1:02.34`, or with hours and days: `1-02:03:04`.
fn ps_usage(line: &str) -> Option<Usage> {
    let (kib, time) = line.trim().split_once(char::is_whitespace)?;
    let (days, time) = time.trim().split_once('-').unwrap_or(("0", time.trim()));
    let seconds = time.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))?;
    let seconds = days.parse::<f64>().ok()? * 86_400.0 + seconds;
    Some(Usage { memory: kib.parse::<u64>().ok()? * 1024, cpu: Duration::try_from_secs_f64(seconds).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_fields_are_found_behind_any_name() {
        let stat = "77 (a) b) c) S 1 77 77 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(stat_cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(status_memory("Name:\tx\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
        assert_eq!(status_memory("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn the_times_of_ps_are_read_with_hours_and_days() {
        let cpu = |line| ps_usage(line).map(|usage| usage.cpu.as_secs_f64());
        assert_eq!(cpu("  5432   1:02.50\n"), Some(62.5));
        assert_eq!(cpu("1 02:03:04"), Some(7_384.0));
        assert_eq!(cpu("1 1-00:00:01"), Some(86_401.0));
        assert_eq!(cpu(""), None);
    }

    #[test]
    fn this_process_can_be_measured() {
        assert!(usage(std::process::id()).is_ok_and(|usage| usage.memory > 0));
        assert!(usage(u32::MAX >> 1).is_err());
    }
}
