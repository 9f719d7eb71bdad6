//! The key that the cookies are signed with: from the configuration, or a file in the data folder. `boot.rs` asks for it once;
//! the command line checks it.

use std::path::Path;

use anyhow::Context;
use axum_extra::extract::cookie::Key;

/// Where the key of the cookies' signatures is, in the data folder, unless the configuration names one.
const KEY_FILE: &str = "session.key";

/// The key has this many bytes.
pub const KEY_BYTES: usize = 64;

/// The key of the configuration, else the one in the data folder, which is made when there is none. It is readable by
/// its owner only: who knows it can be anybody.
pub fn key(configured: &str, data_dir: &Path) -> anyhow::Result<Key> {
    if !configured.is_empty() {
        return decode(configured)
            .with_context(|| format!("tidemark.session_key: {} hexadecimal digits", KEY_BYTES * 2));
    }
    let file = data_dir.join(KEY_FILE);
    match std::fs::read_to_string(&file) {
        Ok(hex) => decode(hex.trim()).with_context(|| format!("{} is damaged; restore or remove it", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key: [u8; KEY_BYTES] = std::array::from_fn(|_| rand::random());
            write_secret(&file, &key.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
                .with_context(|| format!("{} cannot be written", file.display()))?;
            Ok(Key::from(&key))
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

fn decode(hex: &str) -> Option<Key> {
    let digits = hex.len() == KEY_BYTES * 2 && hex.is_ascii();
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
    digits.then(|| bytes.collect::<Option<Vec<_>>>()).flatten().map(|bytes| Key::from(&bytes))
}

/// Complete or not there at all, and never readable by others.
fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let new = file.with_extension("new");
    let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(new, file)
}
