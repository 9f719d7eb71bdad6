//! What was measured, a row a server, and how it compares with the first.

pub struct Row {
    pub name: String,
    pub tokens_per_second: f64,
    pub cpu_us: f64,
    /// Of a core: the server, and the load itself.
    pub server_share: f64,
    pub load_share: f64,
    /// To the first token, without and with all the answers.
    pub added_ms: f64,
    pub added_p99_ms: f64,
    pub added_loaded_ms: f64,
    pub memory_kib: f64,
    pub failed: u64,
}

type Cell = Box<dyn Fn(&Row) -> String>;

pub fn table(rows: &[Row], answers: usize, rate: u32) -> String {
    let compared = |of: fn(&Row) -> f64, digits: usize| {
        move |row: &Row| {
            let (value, first) = (of(row), of(&rows[0]));
            let ratio = if std::ptr::eq(row, &rows[0]) { String::new() } else { format!(" ({:.2} ×)", value / first) };
            format!("{value:.digits$}{ratio}")
        }
    };
    let plain = |of: fn(&Row) -> String| of;
    let columns: Vec<(&str, Cell)> = vec![
        ("tokens a second", Box::new(compared(|row| row.tokens_per_second, 0))),
        ("CPU a token, µs", Box::new(compared(|row| row.cpu_us, 1))),
        ("added to the first token, ms", Box::new(compared(|row| row.added_ms, 2))),
        ("p99", Box::new(compared(|row| row.added_p99_ms, 2))),
        ("with all answers", Box::new(compared(|row| row.added_loaded_ms, 2))),
        ("memory an answer, KiB", Box::new(compared(|row| row.memory_kib, 1))),
        ("failed", Box::new(plain(|row| row.failed.to_string()))),
        ("server's core", Box::new(plain(|row| format!("{:.0} %", row.server_share * 100.0)))),
        ("load's core", Box::new(plain(|row| format!("{:.0} %", row.load_share * 100.0)))),
    ];
    let mut out = format!("{answers} answers at once, {rate} tokens a second each\n\n|");
    let headings = columns.iter().map(|(heading, _)| format!(" {heading} |"));
    out.extend([" |".to_owned()].into_iter().chain(headings));
    out.push_str("\n|---|");
    out.push_str(&"---:|".repeat(columns.len()));
    for row in rows {
        out.push_str(&format!("\n| {} |", row.name));
        out.extend(columns.iter().map(|(_, cell)| format!(" {} |", cell(row))));
    }
    out
}
