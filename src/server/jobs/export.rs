//! `export`: a room's transcript as a file: `{"room":"lobby","format":"markdown"}`; formats are markdown, json and csv.
//! What people wrote is data in each of them: nothing of it becomes markup, a formula or another record.

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::{
    Checked, Failure, InputError, Kind, Made, Run,
    history::{History, about, only, room},
};
use crate::{
    server::store::now_ms,
    wire::{
        numbers::{clock, count, day, time_of_day},
        room::Message,
    },
};

#[derive(Debug)]
pub struct Export;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Markdown,
    Json,
    Csv,
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The file name's ending, and what it is for browsers.
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Markdown => ("md", "text/markdown; charset=utf-8"),
            Self::Json => ("json", "application/json"),
            Self::Csv => ("csv", "text/csv; charset=utf-8"),
        }
    }
}

impl Kind for Export {
    fn name(&self) -> &'static str {
        "export"
    }

    fn check(&self, input: &Value) -> Result<Checked, InputError> {
        only(input, &["room", "format"])?;
        let room = room(input)?;
        let format = input.get("format").unwrap_or(&Value::Null);
        let format = if format.is_null() { Some("markdown") } else { format.as_str() };
        let format = format
            .filter(|format| Format::parse(format).is_some())
            .ok_or_else(|| InputError::new("input.format", "markdown, json or csv"))?;
        let input = json!({ "room": room, "format": format });
        Ok(about(room, input))
    }

    fn title(&self, input: &Value, about: &str) -> String {
        let format = match input.get("format").and_then(Value::as_str).and_then(Format::parse) {
            Some(Format::Csv) => "CSV",
            Some(Format::Json) => "JSON",
            Some(Format::Markdown) | None => "Markdown",
        };
        format!("Transcript of {about} as {format}")
    }

    fn run<'r>(&'r self, run: &'r Run) -> BoxFuture<'r, Result<Made, Failure>> {
        Box::pin(export(run))
    }
}

async fn export(run: &Run) -> Result<Made, Failure> {
    let format = run.input.get("format").and_then(Value::as_str).and_then(Format::parse).unwrap_or(Format::Markdown);
    let mut history = History::begin(run).await?;
    let mut out = BufWriter::new(tokio::fs::File::create(&run.file).await?);
    let mut transcript = Transcript { format, written: 0, day: String::new() };
    out.write_all(transcript.begin(&history.title, history.total, now_ms() as u64).as_bytes()).await?;
    loop {
        let messages = history.next("Writing the transcript").await?;
        if messages.is_empty() {
            break;
        }
        let text: String = messages.iter().map(|message| transcript.entry(message)).collect();
        out.write_all(text.as_bytes()).await?;
    }
    out.write_all(transcript.end().as_bytes()).await?;
    out.flush().await?;
    let (ending, media_type) = format.kind();
    let bytes = out.get_ref().metadata().await?.len();
    let name = format!("{}.{ending}", file_name(&history.title));
    Ok(Made::File { name, media_type: media_type.to_owned(), bytes, run: run.name.clone() })
}

/// A transcript being written. Pure.
struct Transcript {
    format: Format,
    written: u64,
    /// Of the message before.
    day: String,
}

impl Transcript {
    fn begin(&self, title: &str, messages: u64, now: u64) -> String {
        match self.format {
            Format::Markdown => format!(
                "# {}\n\n{} until {} {} UTC.\n",
                plain(title),
                count(messages, "message"),
                day(now, 0),
                clock(now, 0)
            ),
            Format::Json => "[".to_owned(),
            // The mark says that it is UTF-8 to those spreadsheets that would not believe it otherwise.
            Format::Csv => "\u{feff}id,time,author,author_id,bot,text,edited,deleted\r\n".to_owned(),
        }
    }

    fn entry(&mut self, message: &Message) -> String {
        let first = self.written == 0;
        self.written += 1;
        match self.format {
            Format::Markdown => self.paragraph(message),
            Format::Json => {
                let comma = if first { "" } else { "," };
                format!("{comma}\n{}", serde_json::to_string(message).unwrap_or_default())
            }
            Format::Csv => record(message),
        }
    }

    fn paragraph(&mut self, message: &Message) -> String {
        let today = day(message.time, 0);
        let heading = if self.day == today { String::new() } else { format!("\n## {today}\n") };
        self.day = today;
        let marks = match (message.author.bot, message.edited) {
            (false, false) => "",
            (true, false) => " (bot)",
            (false, true) => " (edited)",
            (true, true) => " (bot, edited)",
        };
        let text = match message.deleted {
            true => "> *This message was deleted.*".to_owned(),
            false => message.text.lines().map(quoted).collect::<Vec<_>>().join("  \n"),
        };
        format!("{heading}\n**{}** {}{marks}\n\n{text}\n", plain(&message.author.name), clock(message.time, 0))
    }

    fn end(&self) -> &'static str {
        match self.format {
            Format::Json => "\n]\n",
            Format::Markdown | Format::Csv => "",
        }
    }
}

/// A line of a quotation. Blanks that it begins with would make it code or nothing (CommonMark, 4.4).
fn quoted(line: &str) -> String {
    let text = line.trim_start_matches([' ', '\t']);
    format!("> {}{}", "&nbsp;".repeat(line.len() - text.len()), plain(text))
}

/// A text that Markdown shows as it is: whatever has a meaning there is escaped (CommonMark, 2.4).
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (at, letter) in text.char_indices() {
        let dot_of_list = matches!(letter, '.' | ')') && at > 0 && text[..at].bytes().all(|b| b.is_ascii_digit());
        if r"\`*_{}[]<>#+-=!|~&:@".contains(letter) || dot_of_list {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn record(message: &Message) -> String {
    let time = format!("{}T{}Z", day(message.time, 0), time_of_day(message.time, 0));
    let yes = |flag: bool| if flag { "true" } else { "false" };
    let fields = [
        &*message.id.to_string(),
        &time,
        &field(&message.author.name),
        &field(&message.author.id),
        yes(message.author.bot),
        &field(&message.text),
        yes(message.edited),
        yes(message.deleted),
    ];
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(fields);
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A cell that begins like a formula would be calculated by spreadsheets: an apostrophe says that it is a text.
fn field(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula || text.starts_with(['\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// A title as a file's name: letters and digits of any language, and dashes.
fn file_name(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-").to_lowercase();
    if name.is_empty() { "room".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::room::Author;

    fn message(id: u64, text: &str) -> Message {
        let author = Author { id: "7".into(), name: "Ada *L*".into(), ..Author::default() };
        Message { id, author, text: text.into(), time: 1_700_000_000_000, ..Message::default() }
    }

    fn written(format: Format, messages: &[Message]) -> String {
        let mut transcript = Transcript { format, written: 0, day: String::new() };
        let begin = transcript.begin("The _Plan_", messages.len() as u64, 1_700_000_000_000);
        let entries: String = messages.iter().map(|message| transcript.entry(message)).collect();
        begin + &entries + transcript.end()
    }

    #[test]
    fn markdown_shows_what_was_written_and_nothing_of_it_is_markup() {
        let text = written(Format::Markdown, &[message(1, "# no\n<b>[a](b)</b>"), message(2, "1. yes")]);
        assert_eq!(
            text,
            "# The \\_Plan\\_\n\n2 messages until 2023-11-14 22:13 UTC.\n\n## 2023-11-14\n\n**Ada \\*L\\*** 22:13\n\n\
             > \\# no  \n> \\<b\\>\\[a\\](b)\\</b\\>\n\n**Ada \\*L\\*** 22:13\n\n> 1\\. yes\n"
        );
    }

    #[test]
    fn a_reader_of_markdown_gets_the_texts_back_and_no_headings_code_or_lists_of_theirs() {
        use pulldown_cmark::{Event, Parser, Tag, TagEnd};
        let texts = [
            "Hello\n===\n\n    code\n\tcode",
            "- a\n+ b\n1. c\n2) d\n* e",
            "# h\n## h\n---\n***",
            "~~~\n```\nx\n```",
            "a | b\n--|--\n&lt; &amp; <b>x</b> [a](b) ![a](b) <http://a.b> https://a.b",
            "\\*not\\* `code` _x_ **y**",
            "  two\n> quoted\n>> twice",
        ];
        for text in texts {
            let markdown = written(Format::Markdown, &[message(1, text)]);
            let mut quoted = 0;
            let mut read = String::new();
            for event in Parser::new_ext(&markdown, pulldown_cmark::Options::all()) {
                match event {
                    Event::Start(Tag::BlockQuote(_)) => quoted += 1,
                    Event::End(TagEnd::BlockQuote(_)) => quoted -= 1,
                    Event::Text(text) if quoted == 1 => read.push_str(&text),
                    Event::SoftBreak | Event::HardBreak if quoted == 1 => read.push('\n'),
                    Event::Start(Tag::Paragraph) if quoted == 1 && !read.is_empty() => read.push_str("\n\n"),
                    Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                    other => assert_eq!(quoted, 0, "{other:?} in {text:?}:\n{markdown}"),
                }
            }
            let plain = |text: &str| {
                let lines = text.lines().map(|line| line.replace(['\u{a0}', '\t'], " ").trim().to_owned());
                lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
            };
            assert_eq!(plain(&read), plain(text), "{markdown}");
        }
    }

    #[test]
    fn json_is_the_messages_and_empty_is_empty() {
        let messages = [message(1, "a \"b\"\n"), message(2, "ä")];
        assert_eq!(serde_json::from_str::<Vec<Message>>(&written(Format::Json, &messages)).unwrap(), messages);
        assert_eq!(serde_json::from_str::<Vec<Message>>(&written(Format::Json, &[])).unwrap(), []);
    }

    #[test]
    fn csv_keeps_its_records_and_calculates_nothing() {
        let text = written(Format::Csv, &[message(1, "=1+1\n\"x\",y"), message(2, "plain")]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!((records.len(), &records[0][5], &records[1][5]), (2, "'=1+1\n\"x\",y", "plain"));
        assert_eq!(&records[0][1], "2023-11-14T22:13:20Z");
    }

    #[test]
    fn inputs_are_completed_and_what_is_wrong_is_named() {
        let checked = Export.check(&json!({ "room": "lobby" })).unwrap();
        assert_eq!(checked.input, json!({ "room": "lobby", "format": "markdown" }));
        for (input, field) in [
            (json!(null), "input"),
            (json!([]), "input"),
            (json!({ "room": "lobby", "formt": "csv" }), "input.formt"),
            (json!({}), "input.room"),
            (json!({ "room": 7 }), "input.room"),
            (json!({ "room": "../etc" }), "input.room"),
            (json!({ "room": "lobby", "format": "pdf" }), "input.format"),
            (json!({ "room": "lobby", "format": 1 }), "input.format"),
        ] {
            assert_eq!(Export.check(&input).unwrap_err().field, field, "{input}");
        }
    }

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(["The Plan!", "../../x", "日本 語", "…"].map(file_name), ["the-plan", "x", "日本-語", "room"]);
    }
}
