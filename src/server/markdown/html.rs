//! Markdown's events as HTML. Everything that an author wrote is escaped; raw HTML is shown as the text that it is. Without
//! recursion: however deep a text is nested, its HTML is not.

use super::{
    code,
    highlight::Effort,
    links::{self, Address, Definitions},
    sanitise,
};
use crate::wire::rich_text::{Span, spans};
use pulldown_cmark::{
    Alignment, BrokenLink, CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream,
};

pub const OPTIONS: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_TASKLISTS);

/// Elements within elements; what is deeper is shown without an element of its own.
const DEEPEST: usize = 24;

/// A block that is complete. What it defines counts for those that follow, and what its colours took is theirs no more.
pub fn closed(text: &str, definitions: &mut Definitions, effort: &mut Effort) -> String {
    let (html, found) = rendered(text, definitions, effort);
    definitions.add(found);
    html
}

/// A block that may grow: code has no colours yet.
pub fn open(text: &str, definitions: &Definitions) -> String {
    let mut none = Effort::NONE;
    rendered(text, definitions, &mut none).0
}

/// The HTML, and what the text defines.
fn rendered(text: &str, definitions: &Definitions, effort: &mut Effort) -> (String, Definitions) {
    let known =
        |link: BrokenLink<'_>| Some((definitions.get(&link.reference)?.to_owned().into(), CowStr::Borrowed("")));
    let parser = Parser::new_with_broken_link_callback(text, OPTIONS, Some(known));
    let found = Definitions::of(parser.reference_definitions());
    let mut writer = Writer::new(effort);
    // A table fills rows that are too short with cells: a page of text can become megabytes.
    let most = 8 * 1024 + 32 * text.len();
    for event in TextMergeStream::new(parser) {
        writer.write(event);
        if writer.html.len() > most {
            let mut html = "<p>".to_owned();
            code::escape(text, &mut html);
            return (sanitise::clean(&(html + "</p>")), found);
        }
    }
    (sanitise::clean(&writer.html), found)
}

struct Writer<'e> {
    html: String,
    effort: &'e mut Effort,
    /// What ends the elements that are open.
    ends: Vec<&'static str>,
    /// In how many links, of which one is written: links do not hold links.
    links: usize,
    /// The code that is being collected, and its language.
    code: Option<(String, String)>,
    /// Of the table's columns, and which of them is next.
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
    /// Where the newest cell begins in the HTML, and where what is in it does.
    cell: (usize, usize),
}

impl<'e> Writer<'e> {
    fn new(effort: &'e mut Effort) -> Self {
        Self {
            html: String::new(),
            effort,
            ends: Vec::new(),
            links: 0,
            code: None,
            columns: Vec::new(),
            column: 0,
            in_head: false,
            cell: (0, 0),
        }
    }

    fn write(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                self.html.push_str("<code>");
                code::escape(&text, &mut self.html);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(done) => {
                self.html.push_str(if done {
                    r#"<span class="task">☑</span> "#
                } else {
                    r#"<span class="task">☐</span> "#
                });
            }
            Event::Html(text)
            | Event::InlineHtml(text)
            | Event::FootnoteReference(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => code::escape(&text, &mut self.html),
        }
    }

    /// Addresses that are written out are links too.
    fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            return code.push_str(text);
        }
        if self.links > 0 || !text.contains("://") {
            return code::escape(text, &mut self.html);
        }
        for span in spans(text, &[]) {
            match span {
                Span::Link(address) if links::judge(address).is_some() => {
                    let end = self.link(address);
                    code::escape(address, &mut self.html);
                    self.html.push_str(end);
                }
                Span::Link(text) | Span::Text(text) | Span::Mention(text) => code::escape(text, &mut self.html),
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        if self.ends.len() >= DEEPEST && !matches!(tag, Tag::CodeBlock(_)) {
            return self.ends.push("");
        }
        let end = match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.element("<p>", "</p>"),
            Tag::Heading { level, .. } => match level {
                HeadingLevel::H1 => self.element("<h3>", "</h3>"),
                HeadingLevel::H2 => self.element("<h4>", "</h4>"),
                HeadingLevel::H3 => self.element("<h5>", "</h5>"),
                HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => self.element("<h6>", "</h6>"),
            },
            Tag::BlockQuote(_) => self.element("<blockquote>", "</blockquote>"),
            Tag::List(None) => self.element("<ul>", "</ul>"),
            Tag::List(Some(1)) => self.element("<ol>", "</ol>"),
            Tag::List(Some(first)) => self.element(&format!("<ol start=\"{first}\">"), "</ol>"),
            Tag::Item => self.element("<li>", "</li>"),
            Tag::Emphasis => self.element("<em>", "</em>"),
            Tag::Strong => self.element("<strong>", "</strong>"),
            Tag::Strikethrough => self.element("<del>", "</del>"),
            // A picture is shown by a link: loading it would tell its site who reads the answer.
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links += 1;
                if self.links == 1 { self.link(&dest_url) } else { "" }
            }
            Tag::CodeBlock(kind) => {
                let CodeBlockKind::Fenced(info) = kind else { return self.collect("") };
                return self.collect(code::language(&info));
            }
            Tag::Table(columns) => {
                self.columns = columns;
                let start = r#"<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table>"#;
                self.element(start, "</tbody></table></div>")
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                self.element("<thead><tr>", "</tr></thead><tbody>")
            }
            Tag::TableRow => {
                (self.in_head, self.column) = (false, 0);
                self.element("<tr>", "</tr>")
            }
            Tag::TableCell => self.cell(),
            _ => "",
        };
        self.ends.push(end);
    }

    fn end(&mut self, tag: TagEnd) {
        let end = self.ends.pop().unwrap_or_default();
        self.html.push_str(end);
        match tag {
            TagEnd::TableCell if self.in_head => self.look_at_cell(end),
            TagEnd::Link | TagEnd::Image => self.links = self.links.saturating_sub(1),
            TagEnd::CodeBlock => {
                if let Some((language, code)) = self.code.take() {
                    code::write(&language, &code, self.effort, &mut self.html);
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, start: &str, end: &'static str) -> &'static str {
        self.html.push_str(start);
        end
    }

    fn collect(&mut self, language: &str) {
        self.code = Some((language.to_owned(), String::new()));
        self.ends.push("");
    }

    /// Begins a link, if it may lead there; what ends it.
    fn link(&mut self, address: &str) -> &'static str {
        let Some(kind) = links::judge(address) else { return "" };
        self.html.push_str("<a href=\"");
        code::escape(address, &mut self.html);
        self.html.push_str(match kind {
            Address::Elsewhere => r#"" rel="noopener noreferrer nofollow" target="_blank">"#,
            Address::Here => "\">",
        });
        "</a>"
    }

    fn cell(&mut self) -> &'static str {
        let class = match self.columns.get(self.column) {
            Some(Alignment::Center) => r#" class="cell--center""#,
            Some(Alignment::Right) => r#" class="cell--end""#,
            _ => "",
        };
        self.column += 1;
        let (name, end) = if self.in_head { ("<th", "</th>") } else { ("<td", "</td>") };
        self.cell.0 = self.html.len();
        self.html.push_str(name);
        self.html.push_str(class);
        self.html.push('>');
        self.cell.1 = self.html.len();
        end
    }

    /// A heading without words heads nothing.
    fn look_at_cell(&mut self, end: &str) {
        let (start, words) = self.cell;
        if self.html.len() == words + end.len() {
            self.html.truncate(start);
            self.html.push_str("<td></td>");
        }
    }
}
