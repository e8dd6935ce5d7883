//! Papers with their gold: the rules of comparison, and the variants of a text whose gold stays the same.
//!
//! Text is compared after NFKC without white space, runs of `_` as one, empty `()` and final stops dropped; keys as
//! sets. Counts, kinds, declared figures and keys must be exact, 98 of 100 stems and options equal, and every finding of
//! severity error that a reader can detect must be reported.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// A text and what is in it.
pub struct Paper {
    pub name: String,
    pub text: String,
    pub gold: Value,
}

/// The text as comparisons see it.
pub fn fold(text: &str) -> String {
    let mut folded = String::new();
    for c in text.nfkc().filter(|c| !c.is_whitespace()) {
        if c != '_' || !folded.ends_with('_') {
            folded.push(c);
        }
    }
    folded.replace("()", "").trim_end_matches(['。', ';', '.', '?']).to_owned()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn key(answer: &Value) -> Value {
    match answer {
        Value::Array(letters) if letters.is_empty() => Value::Null,
        Value::Array(letters) => {
            let set: BTreeSet<String> = letters.iter().filter_map(Value::as_str).map(fold).collect();
            json!(set)
        }
        // A text is compared like every other text.
        Value::String(text) => json!(fold(text)),
        other => other.clone(),
    }
}

/// The options, by label.
fn choices(question: &Value) -> Vec<(String, String)> {
    list(question, "options").iter().map(|o| (text(o, "label").to_owned(), fold(text(o, "text")))).collect()
}

/// The sections that hold questions, in order.
fn sections(document: &Value) -> Vec<&Value> {
    let used: BTreeSet<u64> =
        list(document, "questions").iter().filter_map(|q| q["section"].as_u64()).collect();
    list(document, "sections")
        .iter()
        .enumerate()
        .filter(|(i, _)| used.contains(&(*i as u64)))
        .map(|(_, s)| s)
        .collect()
}

/// What falls short; empty when nothing does.
pub fn compare(gold: &Value, parsed: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let want = list(gold, "questions");
    let docs = list(parsed, "documents");
    let got: Vec<&Value> = docs.iter().flat_map(|d| list(d, "questions")).collect();
    if got.len() != want.len() {
        problems.push(format!("{} questions, want {}", got.len(), want.len()));
    }
    let want_sections = sections(gold);
    let got_sections: Vec<&Value> = docs.iter().flat_map(sections).collect();
    if got_sections.len() != want_sections.len() {
        problems.push(format!("{} sections, want {}", got_sections.len(), want_sections.len()));
    }
    for (w, g) in want_sections.iter().zip(&got_sections) {
        for field in ["kind", "declared_count", "points_each", "declared_total"] {
            let same =
                if field == "kind" { w[field] == g[field] } else { w[field].as_f64() == g[field].as_f64() };
            if !same {
                problems.push(format!("section {}: {field} is {}, want {}", w["title"], g[field], w[field]));
            }
        }
    }
    let (mut stems, mut options, mut option_total) = (0, 0, 0);
    for (w, g) in want.iter().zip(&got) {
        stems += usize::from(fold(text(w, "stem")) == fold(text(g, "stem")));
        let (wanted, found) = (choices(w), choices(g));
        option_total += wanted.len();
        options += wanted.iter().filter(|o| found.contains(o)).count();
        if key(&w["answer"]) != key(&g["answer"]) {
            let (section, number) = (&w["section"], &w["number"]);
            problems.push(format!(
                "section {section} question {number}: key is {}, want {}",
                g["answer"], w["answer"]
            ));
        }
    }
    if stems * 100 < want.len() * 98 {
        problems.push(format!("{stems} of {} stems", want.len()));
    }
    if options * 100 < option_total * 98 {
        problems.push(format!("{options} of {option_total} options"));
    }
    let reported: BTreeSet<&str> = list(parsed, "findings").iter().map(|f| text(f, "code")).collect();
    // These need a second paper, or are a reviewer's remark only.
    let beyond = ["duplicate_questions", "document_boundary", "false_positive_risk"];
    for anomaly in list(gold, "anomalies").iter().filter(|_| !want.is_empty()) {
        let code = text(anomaly, "code");
        let must = text(anomaly, "severity") == "error" && anomaly["importer_detectable"] == true;
        if must && !beyond.contains(&code) && !reported.contains(code) {
            problems.push(format!("not reported: {code}"));
        }
    }
    problems
}

/// The gold of one text after another.
pub fn joined(first: &Value, second: &Value) -> Value {
    let shift = list(first, "sections").len() as u64;
    let mut sections = list(first, "sections").to_vec();
    sections.extend(list(second, "sections").iter().cloned());
    let mut questions = list(first, "questions").to_vec();
    for question in list(second, "questions") {
        let mut question = question.clone();
        question["section"] = json!(question["section"].as_u64().unwrap_or_default() + shift);
        questions.push(question);
    }
    json!({ "paper": "joined", "sections": sections, "questions": questions, "anomalies": [] })
}

fn widen(c: char) -> char {
    match c {
        ',' | '.' | ':' | ';' | '!' | '?' | '(' | ')' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// Variants of a text that say the same.
pub fn variants(text: &str) -> Vec<(&'static str, String)> {
    let mut odd = false;
    let mixed = text.chars().map(|c| {
        let wide = widen(c);
        if wide == c {
            return c;
        }
        odd = !odd;
        if odd { wide } else { c }
    });
    let mixed: String = mixed.collect();
    let wrapped: Vec<String> = text
        .lines()
        .map(|line| {
            let chars: Vec<char> = line.chars().collect();
            chars.chunks(20).map(String::from_iter).collect::<Vec<_>>().join("\n")
        })
        .collect();
    vec![
        ("as it is", text.to_owned()),
        ("full width", text.chars().map(widen).collect()),
        ("mixed width", mixed),
        ("CRLF", text.replace('\n', "\r\n")),
        ("glued", text.replace('\n', "")),
        ("blank lines", text.replace('\n', "\n\n")),
        ("wrapped at 20", wrapped.join("\n")),
        (
            "ideographic spaces",
            text.lines().map(|l| format!("\u{3000}\u{3000}{}\n", l.replace(' ', "\u{3000}"))).collect(),
        ),
        ("BOM", format!("\u{feff}{text}")),
    ]
}
