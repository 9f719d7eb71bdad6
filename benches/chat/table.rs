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

enum Column {
    /// A figure with so many digits, and how it compares.
    Figure(fn(&Row) -> f64, usize),
    Plain(fn(&Row) -> String),
}

const COLUMNS: [(&str, Column); 9] = [
    ("tokens a second", Column::Figure(|row| row.tokens_per_second, 0)),
    ("CPU a token, µs", Column::Figure(|row| row.cpu_us, 1)),
    ("added to the first token, ms", Column::Figure(|row| row.added_ms, 2)),
    ("p99", Column::Figure(|row| row.added_p99_ms, 2)),
    ("with all answers", Column::Figure(|row| row.added_loaded_ms, 2)),
    ("memory an answer, KiB", Column::Figure(|row| row.memory_kib, 1)),
    ("failed", Column::Plain(|row| row.failed.to_string())),
    ("server's core", Column::Plain(|row| format!("{:.0} %", row.server_share * 100.0))),
    ("load's core", Column::Plain(|row| format!("{:.0} %", row.load_share * 100.0))),
];

pub fn table(rows: &[Row], answers: usize, rate: u32) -> String {
    let headings = COLUMNS.iter().map(|(heading, _)| format!(" {heading} |")).collect::<String>();
    let rule = "---:|".repeat(COLUMNS.len());
    let line = |row: &Row| {
        let cell = |(_, column): &(&str, Column)| match column {
            Column::Figure(of, digits) if std::ptr::eq(row, &rows[0]) => format!(" {:.digits$} |", of(row)),
            Column::Figure(of, digits) => format!(" {:.digits$} ({:.2} ×) |", of(row), of(row) / of(&rows[0])),
            Column::Plain(of) => format!(" {} |", of(row)),
        };
        format!("| {} |{}\n", row.name, COLUMNS.iter().map(cell).collect::<String>())
    };
    let rows = rows.iter().map(line).collect::<String>();
    format!("{answers} answers at once, {rate} tokens a second each\n\n| |{headings}\n|---|{rule}\n{rows}")
}
