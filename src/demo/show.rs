//! How the demonstration looks: headings, the `grpcurl` line of each step, and a paper as a person would read it.

use std::{cell::Cell, fmt::Write as _, io::IsTerminal as _};

use serde_json::Value;

use crate::{
    cli::say,
    pb,
    table::{bar, wrap},
};

/// Columns of everything that is wrapped.
const COLUMNS: usize = 96;

/// Speaks to a person, or keeps silent where JSON was asked for.
#[derive(Debug)]
pub(super) struct Voice {
    speaks: bool,
    colours: bool,
    address: String,
    step: u32,
    /// The last thing printed was an empty line.
    rested: Cell<bool>,
}

impl Voice {
    pub(super) fn new(speaks: bool, address: String) -> Self {
        let colours =
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self { speaks, colours, address, step: 0, rested: Cell::new(false) }
    }

    /// Prints a block as it is.
    pub(super) fn block(&self, text: &str) -> anyhow::Result<()> {
        if self.speaks {
            say(text)?;
            self.rested.set(text == "\n" || text.ends_with("\n\n"));
        }
        Ok(())
    }

    /// Prints a paragraph, wrapped.
    pub(super) fn tell(&self, text: &str) -> anyhow::Result<()> {
        for line in wrap(text, COLUMNS - 2) {
            self.block(&format!("  {line}\n"))?;
        }
        Ok(())
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) -> anyhow::Result<()> {
        self.step += 1;
        let title = format!("{}. {title}", self.step);
        if !self.rested.get() {
            self.block("\n")?;
        }
        if self.colours {
            return self.block(&format!("\u{1b}[1m{title}\u{1b}[0m\n\n"));
        }
        let line = "─".repeat(unicode_width::UnicodeWidthStr::width(title.as_str()));
        self.block(&format!("{title}\n{line}\n\n"))
    }

    /// The line that would make the same call by hand.
    pub(super) fn call(&self, method: &str, request: &Value) -> anyhow::Result<()> {
        let Self { address, .. } = self;
        let json = request.to_string();
        let line = if json.len() < 100 {
            format!("$ grpcurl -plaintext -H \"$AUTH\" -d '{json}' \\\n    {address} assessment.v1.{method}")
        } else {
            // One element a line: no text of ours holds these characters.
            let json = json.replace("},{", "},\n {").replace(":[{", ":[\n {");
            format!(
                "$ grpcurl -plaintext -H \"$AUTH\" -d @ {address} assessment.v1.{method} <<'JSON'\n{json}\nJSON"
            )
        };
        self.command(&line)
    }

    /// A command line to try.
    pub(super) fn command(&self, line: &str) -> anyhow::Result<()> {
        if self.colours {
            return self.block(&format!("\u{1b}[2m{line}\u{1b}[0m\n\n"));
        }
        self.block(&format!("{line}\n\n"))
    }
}

/// A paper as its candidate reads it.
pub(super) fn paper(paper: &pb::Paper) -> String {
    let mut out = String::new();
    let head = format!("{}({}卷)  满分{}分", paper.title, paper.label, paper.total_points);
    let indent = COLUMNS.saturating_sub(unicode_width::UnicodeWidthStr::width(head.as_str())) / 2;
    let _ = writeln!(out, "{}{head}", " ".repeat(indent));
    for section in &paper.sections {
        let _ = writeln!(out, "\n  {}(共{}分)", section.title, section.points);
        for line in wrap(&section.instructions, COLUMNS - 4) {
            let _ = writeln!(out, "    {line}");
        }
        for question in &section.questions {
            let number = format!("{}.", question.number);
            ask(&mut out, &number, 4, &question.stem, &question.options);
            for part in &question.parts {
                let number = format!("({})", part.number);
                ask(&mut out, &number, 8, &part.stem, &part.options);
            }
        }
    }
    out
}

/// One question: its number, its words, and its options in as few lines as they fit.
fn ask(out: &mut String, number: &str, indent: usize, stem: &str, options: &[pb::PaperOption]) {
    let hang = indent + 4;
    for (i, line) in wrap(stem, COLUMNS - hang).into_iter().enumerate() {
        let _ = match i {
            0 => writeln!(out, "{}{number:<4}{line}", " ".repeat(indent)),
            _ => writeln!(out, "{}{line}", " ".repeat(hang)),
        };
    }
    let texts: Vec<String> = options.iter().map(|o| format!("{}. {}", o.label, o.text)).collect();
    let width = |text: &String| unicode_width::UnicodeWidthStr::width(text.as_str());
    let widest = texts.iter().map(width).max().unwrap_or(0) + 3;
    let room = COLUMNS - hang;
    let columns = [4, 2].into_iter().find(|n| n * widest <= room + 3).unwrap_or(1);
    for row in texts.chunks(columns) {
        if columns == 1 {
            for (i, line) in wrap(&row[0], room - 3).into_iter().enumerate() {
                let _ = writeln!(out, "{}{line}", " ".repeat(hang + if i == 0 { 0 } else { 3 }));
            }
            continue;
        }
        let cells: Vec<String> = row.iter().map(|text| crate::table::pad(text, room / columns)).collect();
        let _ = writeln!(out, "{}{}", " ".repeat(hang), cells.concat().trim_end());
    }
}

/// A histogram of scores.
pub(super) fn histogram(bins: &[pb::HistogramBin]) -> String {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let last = bins.len().saturating_sub(1);
    let mut out = String::new();
    for (i, bin) in bins.iter().enumerate() {
        let end = if i == last { ']' } else { ')' };
        let range = format!("[{}, {}{end}", bin.low, bin.high);
        let line = format!("  {range:>10} {:>4}  {}", bin.count, bar(bin.count as f64 / most as f64, 50));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// A statistic with so many decimals, or a dash.
pub(super) fn figure(statistic: Option<&pb::Statistic>, decimals: usize) -> String {
    statistic.and_then(|s| s.value).map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}

/// A kind in Chinese, as papers print it.
pub(super) fn kind(kind: pb::QuestionKind) -> &'static str {
    match kind {
        pb::QuestionKind::SingleChoice => "单选",
        pb::QuestionKind::MultipleChoice => "多选",
        pb::QuestionKind::IndeterminateChoice => "不定项",
        pb::QuestionKind::TrueFalse => "判断",
        pb::QuestionKind::FillBlank => "填空",
        pb::QuestionKind::ShortAnswer => "简答",
        pb::QuestionKind::Case => "案例",
        pb::QuestionKind::Numeric => "数值",
        pb::QuestionKind::Matching => "配对",
        pb::QuestionKind::Ordering => "排序",
        pb::QuestionKind::Essay => "论述",
        pb::QuestionKind::Unspecified => "",
    }
}
