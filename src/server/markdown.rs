//! stub
#[derive(Debug, Default)]
pub struct Markdown {
    text: String,
    blocks: Vec<String>,
}
use crate::wire::markdown::Patch;
impl Markdown {
    pub fn push(&mut self, text: &str) -> Vec<Patch> {
        self.text.push_str(text);
        let new = render(&self.text);
        let mut patches = Vec::new();
        for (n, html) in new.iter().enumerate() {
            if self.blocks.get(n) != Some(html) {
                patches.push(Patch { block: n as u32, keep: 0, html: html.clone() });
            }
        }
        self.blocks = new;
        patches
    }
    pub fn finish(&mut self) -> Vec<Patch> {
        Vec::new()
    }
    pub fn blocks(&self) -> &[String] {
        &self.blocks
    }
}
pub fn render(text: &str) -> Vec<String> {
    text.split("\n\n").map(|b| format!("<p>{}</p>", b.replace('&', "&amp;").replace('<', "&lt;"))).collect()
}
