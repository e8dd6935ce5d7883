//! `assessd parse`: what the reader finds in papers, as JSON or in words. Needs neither server nor database.

use std::{fmt::Write as _, fs, io::Read as _, path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use serde::Serialize;

use crate::{
    paper::{self, Reading, Severity},
    table::{Table, cut},
};

use super::{Paint, say};

/// Reads papers and prints what was found.
///
/// JSON is one object for each file, one after the other: {"file", "documents", "findings"}.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  assessd parse paper.txt
  assessd parse --format paper-text --output json paper.txt | jq .findings
  iconv -f gbk -t utf-8 old.txt | assessd parse -

Exit status:
  0  all files were read, whatever was found in them
  2  a file cannot be opened, or is not UTF-8")]
pub(super) struct Parse {
    /// What the files are
    #[arg(long, value_enum, default_value_t = Format::PaperText)]
    format: Format,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Files in UTF-8; "-" is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Exam papers and question banks as plain text
    PaperText,
}

/// How a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Serialize)]
struct Parsed<'a> {
    file: &'a str,
    #[serde(flatten)]
    reading: &'a Reading,
}

impl Parse {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Format::PaperText = self.format;
        let mut status = ExitCode::SUCCESS;
        for file in &self.files {
            let name = file.display().to_string();
            let text = match read(file) {
                Ok(text) => text,
                Err(why) => {
                    eprintln!("assessd: {name}: {why}");
                    status = ExitCode::from(2);
                    continue;
                }
            };
            let reading = paper::read(&text);
            match self.output {
                Output::Json => {
                    let json = serde_json::to_string_pretty(&Parsed { file: &name, reading: &reading })?;
                    say(&format!("{json}\n"))?;
                }
                Output::Text => say(&summary(&name, &reading, Paint::of_stdout()))?,
            }
        }
        Ok(status)
    }
}

/// The text of a file, or why there is none.
fn read(file: &PathBuf) -> Result<String, String> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    } else {
        bytes = fs::read(file).map_err(|e| format!("cannot be read: {e}"))?;
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[at];
        format!("is not UTF-8: the byte 0x{byte:02x} at offset {at} begins no character; convert it first, as with iconv -f gbk -t utf-8")
    })
}

/// A reading in words.
fn summary(name: &str, reading: &Reading, paint: Paint) -> String {
    let mut out = String::new();
    let figure = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let _ = writeln!(out, "{name}: {} document(s)", reading.documents.len());
    for (d, document) in reading.documents.iter().enumerate() {
        let keyed = document.questions.iter().filter(|q| !q.answer.is_none()).count();
        let complete = document.questions.iter().filter(|q| q.complete).count();
        let title = document.title.as_deref().unwrap_or("(no title)");
        let _ = writeln!(out, "\n{}", paint.bold(&format!("{}. {title}", d + 1)));
        let _ = writeln!(
            out,
            "   {} questions, {complete} complete, {keyed} with a key; {} minutes; {} points",
            document.questions.len(),
            figure(document.duration_minutes.map(|m| m.to_string())),
            figure(document.declared_total.map(|t| t.to_string())),
        );
        let mut table = Table::new(&["section", "kind", ">found", ">declared", ">each", ">total"]);
        for (s, section) in document.sections.iter().enumerate() {
            let found = document.questions.iter().filter(|q| q.section == s).count();
            let title = format!(
                "{} {}",
                section.ordinal.as_deref().unwrap_or_default(),
                section.title.as_deref().unwrap_or(if section.inferred {
                    "(inferred)"
                } else {
                    "(no title)"
                })
            );
            table.row([
                cut(title.trim(), 40),
                section.kind.as_str().to_owned(),
                found.to_string(),
                figure(section.declared_count.map(|c| c.to_string())),
                figure(section.points_each.map(|p| p.to_string())),
                figure(section.declared_total.map(|t| t.to_string())),
            ]);
        }
        out.push_str(&table.show("   "));
    }
    let count = |severity| reading.findings.iter().filter(|f| f.severity == severity).count();
    let _ = writeln!(
        out,
        "\n{} error(s), {} warning(s), {} remark(s)",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Info)
    );
    for finding in &reading.findings {
        let severity = format!("{:7}", finding.severity.as_str());
        let severity = match finding.severity {
            Severity::Error => paint.red(&severity),
            Severity::Warning => paint.yellow(&severity),
            Severity::Info => paint.dim(&severity),
        };
        let quoted = match finding.text.as_str() {
            "" => String::new(),
            text => paint.dim(&format!(" 「{}」", cut(text, 60))),
        };
        let (line, code) = (finding.line, finding.code.as_str());
        let _ = writeln!(out, "   {severity} line {line}: {code}: {}{quoted}", finding.message);
    }
    out
}
