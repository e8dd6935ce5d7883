//! The figures of a demonstration, as `--output json` prints them. What a statistic lacks is null.

use serde::Serialize;

use crate::pb;

/// Everything in one object.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    /// The version of this build.
    pub(super) version: &'static str,
    /// Where the service listened.
    pub(super) address: String,
    /// The papers, as they were imported.
    pub(super) imports: Vec<Import>,
    /// The first paper, imported once more.
    pub(super) reimport: Import,
    /// Questions in the bank, and how many of them can be drawn.
    pub(super) questions: i32,
    pub(super) published: i32,
    /// The blueprint that asks for too much, and what is missing in it.
    pub(super) impossible: Vec<String>,
    pub(super) forms: Vec<Form>,
    pub(super) candidates: Candidates,
    pub(super) summary: Summary,
    /// The first of the ranking.
    pub(super) ranking: Vec<Ranked>,
    pub(super) item_analyses: Vec<Analysis>,
    /// The attempt with a short answer.
    pub(super) waiting: Waiting,
    /// From the start of the database to the last figure.
    pub(super) seconds: f64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Import {
    pub(super) file: String,
    pub(super) found: i32,
    pub(super) created: i32,
    pub(super) published: i32,
    pub(super) unchanged: i32,
    pub(super) held: i32,
    pub(super) findings: usize,
}

impl Import {
    pub(super) fn of(file: &str, report: &pb::ImportQuestionsResponse) -> Self {
        Self {
            file: file.to_owned(),
            found: report.found_count,
            created: report.created_count,
            published: report.published_count,
            unchanged: report.unchanged_count,
            held: report.held_count,
            findings: report.findings.len(),
        }
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) questions: i32,
    pub(super) points: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Candidates {
    pub(super) total: usize,
    /// Sat through StartAttempt, SaveResponses and SubmitAttempt.
    pub(super) sittings: usize,
    /// Sent one by one to ScoreSubmission.
    pub(super) submissions: usize,
    /// Sent in one stream to BatchScoreSubmissions.
    pub(super) streamed: usize,
    /// How long scoring them took, sittings included.
    pub(super) seconds: f64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) count: i64,
    pub(super) mean: Option<f64>,
    pub(super) standard_deviation: Option<f64>,
    pub(super) min: String,
    pub(super) max: String,
    pub(super) pass_rate: Option<f64>,
    /// Percent and points.
    pub(super) percentiles: Vec<(f64, Option<f64>)>,
    /// Low, high and count.
    pub(super) histogram: Vec<(f64, f64, i64)>,
}

impl Summary {
    pub(super) fn of(summary: &pb::ExamSummary) -> Self {
        Self {
            count: summary.count,
            mean: value(summary.mean.as_ref()),
            standard_deviation: value(summary.standard_deviation.as_ref()),
            min: summary.min_score.clone(),
            max: summary.max_score.clone(),
            pass_rate: value(summary.pass_rate.as_ref()),
            percentiles: summary.percentiles.iter().map(|p| (p.percent, value(p.score.as_ref()))).collect(),
            histogram: summary.histogram.iter().map(|bin| (bin.low, bin.high, bin.count)).collect(),
        }
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Ranked {
    pub(super) candidate: String,
    pub(super) form: String,
    pub(super) score: String,
    pub(super) passed: Option<bool>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Analysis {
    pub(super) form: String,
    pub(super) count: i64,
    pub(super) alpha: Option<f64>,
    pub(super) lambda2: Option<f64>,
    pub(super) standard_error: Option<f64>,
    pub(super) items: Vec<Item>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Item {
    pub(super) position: i32,
    pub(super) kind: String,
    pub(super) facility: Option<f64>,
    pub(super) item_rest: Option<f64>,
    pub(super) discrimination_27: Option<f64>,
    pub(super) flags: Vec<String>,
}

impl Analysis {
    pub(super) fn of(analysis: &pb::ItemAnalysis) -> Self {
        Self {
            form: analysis.form.clone(),
            count: analysis.count,
            alpha: value(analysis.alpha.as_ref()),
            lambda2: value(analysis.lambda2.as_ref()),
            standard_error: value(analysis.standard_error.as_ref()),
            items: analysis
                .items
                .iter()
                .map(|item| Item {
                    position: item.position,
                    kind: item.kind().as_str_name().trim_start_matches("QUESTION_KIND_").to_lowercase(),
                    facility: value(item.facility.as_ref()),
                    item_rest: value(item.item_rest.as_ref()),
                    discrimination_27: value(item.discrimination_27.as_ref()),
                    flags: item.flags().map(flag).collect(),
                })
                .collect(),
        }
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Waiting {
    pub(super) state: String,
    pub(super) score: String,
    pub(super) awaiting_points: String,
    pub(super) max_score: String,
}

/// A statistic's figure, if it has one.
pub(super) fn value(statistic: Option<&pb::Statistic>) -> Option<f64> {
    statistic.and_then(|s| s.value)
}

/// A flag in small letters.
pub(super) fn flag(flag: pb::ItemFlag) -> String {
    flag.as_str_name().trim_start_matches("ITEM_FLAG_").to_lowercase()
}
