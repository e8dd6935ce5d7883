//! `assessd import`: files to a running service, a bar while they go, and what became of them.

use std::{fmt::Write as _, fs, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    pb::{
        self, FindingSeverity, ImportAction, import_questions_request::Message,
        question_bank_service_client::QuestionBankServiceClient,
    },
    table::{Table, cut},
};

use super::{
    client::{Connection, Target, explain},
    say,
};

/// Bytes in one message.
const PIECE: usize = 64 * 1024;

/// Sends papers to a running service and reports what became of every question.
///
/// A question that the bank already has is not added again, so sending a file twice does no harm.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  assessd import --bank banks/crm --create-bank --publish paper.txt
  assessd import --bank banks/crm --validate-only *.txt
  assessd import --bank banks/crm --topic 课题一 --tag 2026 --blueprint-id spring a.txt

Exit status:
  0  everything that was asked for was done
  1  a file could not be imported, no question was recognised in it,
     a question was refused, or with --publish one was held back")]
pub(super) struct Import {
    #[command(flatten)]
    target: Target,
    /// The bank to put the questions in
    #[arg(long, value_name = "banks/ID")]
    bank: String,
    /// Make the bank if it is not there
    #[arg(long)]
    create_bank: bool,
    /// Publish what is complete, keyed and untouched by a finding of severity error
    #[arg(long)]
    publish: bool,
    /// Topic to put before the chapters of the file
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    topic: String,
    /// Tag for every question; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Make a blueprint of this id from the figures of the section heads; for one file only
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    blueprint_id: String,
    /// Only read and report; write nothing
    #[arg(long)]
    validate_only: bool,
    /// Files in UTF-8
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if !self.blueprint_id.is_empty() && self.files.len() > 1 {
            anyhow::bail!("--blueprint-id makes one blueprint, so it takes one file");
        }
        let mut client = QuestionBankServiceClient::new(self.target.connect().await?);
        let mut all_done = true;
        for file in &self.files {
            match self.send(&mut client, file).await {
                Ok(report) => {
                    say(&show(&file.display().to_string(), &report))?;
                    if report.found_count == 0 {
                        eprintln!("assessd: {}: no question recognised\n{EXPECTED}", file.display());
                    }
                    let refused = report.questions.iter().any(|q| q.action() == ImportAction::Refused);
                    let held = self.publish && report.held_count > 0;
                    all_done &= !(refused || held || report.found_count == 0);
                }
                Err(error) => {
                    eprintln!("assessd: {}: {error:#}", file.display());
                    all_done = false;
                }
            }
        }
        Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn send(
        &self,
        client: &mut QuestionBankServiceClient<Connection>,
        file: &PathBuf,
    ) -> anyhow::Result<pb::ImportQuestionsResponse> {
        let bytes = fs::read(file).context("cannot be read")?;
        let header = pb::ImportHeader {
            parent: self.bank.clone(),
            format: pb::ImportFormat::PaperText as i32,
            file_name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            publish: self.publish,
            topic: self.topic.clone(),
            tags: self.tags.clone(),
            blueprint_id: self.blueprint_id.clone(),
            validate_only: self.validate_only,
            request_id: String::new(),
            create_bank: self.create_bank,
        };
        // Draws on standard error, and only where that is a terminal.
        let bar = ProgressBar::new(bytes.len() as u64).with_style(
            ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(header.file_name.clone());
        let answer = client.import_questions(pieces(header, bytes, bar.clone())).await;
        bar.finish_and_clear();
        Ok(answer.map_err(|status| explain(&status))?.into_inner())
    }
}

/// What the reader of papers looks for, told where it found nothing.
pub(super) const EXPECTED: &str = "\
  The reader expects plain text, in which a question has a number (\"1.\", \"1、\", \"Q1\"), options (\"A. …\") or
  blanks (\"____\", \"( )\"), and its key beside it (\"答案:B\", \"Answer: B\") or in a list at the end; heads such as
  \"一、单选题(每题2分)\" say the kind. `assessd parse FILE` shows what it makes of a file.";

/// The messages of an import: the header, then the file. The bar moves as the service takes them.
pub(crate) fn pieces(
    header: pb::ImportHeader,
    file: Vec<u8>,
    bar: ProgressBar,
) -> ReceiverStream<pb::ImportQuestionsRequest> {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        let header = pb::ImportQuestionsRequest { message: Some(Message::Header(header)) };
        if sender.send(header).await.is_err() {
            return;
        }
        for piece in file.chunks(PIECE) {
            let message = pb::ImportQuestionsRequest { message: Some(Message::Chunk(piece.to_vec())) };
            if sender.send(message).await.is_err() {
                return;
            }
            bar.inc(piece.len() as u64);
        }
        bar.set_message("the service reads it");
        bar.enable_steady_tick(Duration::from_millis(200));
    });
    ReceiverStream::new(receiver)
}

/// A report in words.
fn show(file: &str, report: &pb::ImportQuestionsResponse) -> String {
    let mut out = String::new();
    let would = if report.validated_only { " (nothing was written)" } else { "" };
    let _ = writeln!(
        out,
        "{file}: {} questions found; {} new, {} of them published; {} already there; {} held back{would}",
        report.found_count,
        report.created_count,
        report.published_count,
        report.unchanged_count,
        report.held_count
    );
    if report.item_count > report.found_count {
        let _ = writeln!(
            out,
            "  they have {} numbered items, as `parse` counts: a case with its items is one question",
            report.item_count
        );
    }
    for document in &report.documents {
        let title = if document.title.is_empty() { "(no title)" } else { &document.title };
        let _ = writeln!(out, "\n  {title}");
        let mut table = Table::new(&["section", "kind", ">found", ">declared", ">each"]);
        for section in &document.sections {
            let declared = match section.declared_count {
                0 => "–".to_owned(),
                count => count.to_string(),
            };
            let each = if section.points_each.is_empty() { "–" } else { &section.points_each };
            let title = if section.title.is_empty() { "(inferred)" } else { &section.title };
            table.row([
                cut(title, 44),
                section.kind.clone(),
                section.found_count.to_string(),
                declared,
                each.to_owned(),
            ]);
        }
        out.push_str(&table.show("  "));
    }
    if !report.blueprint.is_empty() {
        let _ = writeln!(out, "\n  made {}", report.blueprint);
    }
    let told: Vec<&pb::ImportFinding> =
        report.findings.iter().filter(|f| f.severity() != FindingSeverity::Info).collect();
    if !told.is_empty() {
        let _ = writeln!(out, "\n  findings");
    }
    for finding in told {
        let _ = writeln!(out, "    {}", finding_line(finding));
    }
    for more in report.finding_counts.iter().filter(|c| c.count > c.shown_count) {
        if more.severity() != FindingSeverity::Info {
            let _ = writeln!(out, "    … and {} more of {}", more.count - more.shown_count, more.code);
        }
    }
    let odd: Vec<&pb::ImportedQuestion> = report.questions.iter().filter(|q| !q.reason.is_empty()).collect();
    if !odd.is_empty() {
        let _ = writeln!(out, "\n  not published or not kept");
    }
    for question in odd {
        let _ =
            writeln!(out, "    line {}, question {}: {}", question.line, question.number, question.reason);
    }
    out.push('\n');
    out
}

/// One finding in a line.
pub(crate) fn finding_line(finding: &pb::ImportFinding) -> String {
    let severity = match finding.severity() {
        FindingSeverity::Error => "error",
        FindingSeverity::Warning => "warning",
        FindingSeverity::Info => "info",
        FindingSeverity::Unspecified => "",
    };
    let quoted =
        if finding.text.is_empty() { String::new() } else { format!(" 「{}」", cut(&finding.text, 60)) };
    format!("{severity}, line {}: {}: {}{quoted}", finding.line, finding.code, finding.message)
}
