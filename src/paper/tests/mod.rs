//! The reader on invented papers: each as written and in every variant that must not change what is read.
//!
//! `papers` holds the papers with what must be found: for each section `kind count each total`, for each question
//! `number stem [options] key`, with `~` when it is not complete. Findings are compared for the paper as written.

use proptest::prelude::*;

use super::{Answer, Code, Reading, Severity, read};

mod families;
mod foreign;
mod keys;
mod papers;
mod structure;

/// A paper and what must be found in it.
struct Paper {
    name: &'static str,
    /// Without its line ends this paper says something else.
    lines_matter: bool,
    text: &'static str,
    found: &'static str,
    codes: &'static str,
}

fn all() -> impl Iterator<Item = &'static Paper> {
    papers::PAPERS.iter().chain(families::PAPERS)
}

fn figure(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

fn shown(reading: &Reading) -> String {
    let mut out = Vec::new();
    for document in &reading.documents {
        for (s, section) in document.sections.iter().enumerate() {
            let figures =
                [figure(section.declared_count), figure(section.points_each), figure(section.declared_total)];
            out.push(format!("{} {}", section.kind.as_str(), figures.join(" ")));
            for question in document.questions.iter().filter(|q| q.section == s) {
                let options: Vec<String> =
                    question.options.iter().map(|o| format!("{}{}", o.label, o.text)).collect();
                let key = serde_json::to_string(&question.answer).unwrap_or_default();
                let open = if question.complete { "" } else { " ~" };
                out.push(format!(
                    "{} {} [{}] {key}{open}",
                    question.number,
                    question.stem,
                    options.join(" ")
                ));
            }
        }
    }
    out.join("\n")
}

/// Compared as a reader compares: without blanks and widths.
fn bare(words: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    words.nfkc().filter(|c| !c.is_whitespace() || *c == '\n').collect()
}

fn wide(c: char) -> char {
    if c.is_ascii_punctuation() { char::from_u32(c as u32 + 0xfee0).unwrap_or(c) } else { c }
}

fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let chars: Vec<char> = line.chars().collect();
        if chars.is_empty() {
            out.push('\n');
        }
        for piece in chars.chunks(width) {
            out.extend(piece);
            out.push('\n');
        }
    }
    out
}

fn variants(text: &str, lines_matter: bool) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("as written", text.to_owned()),
        ("full width", text.chars().map(wide).collect()),
        (
            "mixed width",
            text.chars().enumerate().map(|(i, c)| if i % 2 == 0 { wide(c) } else { c }).collect(),
        ),
        ("crlf", text.replace('\n', "\r\n")),
        ("blank lines", text.replace('\n', "\n\n")),
        ("ideographic spaces", text.replace(' ', "\u{3000}")),
        ("indented", text.lines().map(|l| format!("\u{3000}\u{3000}{l}\n")).collect()),
        ("bom", format!("\u{feff}{text}")),
    ];
    // A text of few long lines shows its wraps by their width; a handful of short lines cannot.
    if text.lines().filter(|l| l.chars().count() > 20).count() * 2 > text.lines().count() || !lines_matter {
        all.push(("wrapped", wrapped(text, 20)));
    }
    if !lines_matter {
        all.push(("glued", text.replace('\n', "")));
    }
    all
}

#[test]
fn invented_papers_read_the_same_in_every_variant() {
    let mut wrong = Vec::new();
    for paper in all() {
        for (variant, text) in variants(paper.text, paper.lines_matter) {
            let reading = read(&text);
            let found = shown(&reading);
            if bare(&found) != bare(paper.found) {
                wrong.push(format!("{} ({variant}):\n{found}\nwant\n{}", paper.name, paper.found));
            }
        }
        let reading = read(paper.text);
        let mut codes: Vec<&str> = reading
            .findings
            .iter()
            .filter(|f| f.severity >= Severity::Warning)
            .map(|f| f.code.as_str())
            .collect();
        codes.sort_unstable();
        codes.dedup();
        if codes.join(" ") != paper.codes {
            wrong.push(format!("{}: codes {}\nwant {}", paper.name, codes.join(" "), paper.codes));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn findings_point_into_their_document() {
    for paper in all() {
        let reading = read(paper.text);
        for finding in &reading.findings {
            let Some(d) = finding.document else { continue };
            let document = &reading.documents[d];
            assert!(
                finding.question.is_none_or(|q| q < document.questions.len()),
                "{}: {finding:?}",
                paper.name
            );
            assert!(
                finding.section.is_none_or(|s| s < document.sections.len()),
                "{}: {finding:?}",
                paper.name
            );
            assert!(
                finding.line >= 1 && finding.line as usize <= paper.text.lines().count(),
                "{}: {finding:?}",
                paper.name
            );
        }
    }
}

#[test]
fn two_papers_in_one_text_stay_two() {
    let by_name = |name: &str| all().find(|p| p.name == name).expect("a paper of that name");
    for (a, b) in [
        ("bracket keys", "answer table"),
        ("glued keys", "furniture"),
        ("prefix brackets", "glued keys"),
        ("answer table", "prefix brackets"),
    ] {
        let (a, b) = (by_name(a), by_name(b));
        let found = shown(&read(&format!("{}\n\n{}", a.text, b.text)));
        assert_eq!(bare(&found), bare(&format!("{}\n{}", a.found, b.found)), "{} and {}", a.name, b.name);
    }
}

#[test]
fn a_bank_with_a_title_keeps_it_and_a_picture_is_a_picture() {
    let reading = read(
        "园艺实务试题库\n试题库:课题一(服务)\n一、单选题\n1.服务蓝图中的线表示( A )\nA.界限 B.河流\n2.图中的线表示( B )\nA.界限 B.河流",
    );
    assert_eq!(reading.documents[0].title.as_deref(), Some("园艺实务试题库"));
    let pictures: Vec<_> =
        reading.findings.iter().filter(|f| f.code == Code::PictureMissing).map(|f| f.question).collect();
    assert_eq!(pictures, [Some(1)]);
}

#[test]
fn a_question_knows_its_line_and_column() {
    let reading = read("一、单选题\r\n\r\n1.天空的颜色(A)\r\nA.蓝 B.绿 2.草的颜色(B)\r\nA.蓝 B.绿");
    let places: Vec<(u32, u32)> = reading.documents[0].questions.iter().map(|q| (q.line, q.column)).collect();
    assert_eq!(places, [(3, 1), (4, 9)]);
}

#[test]
fn every_code_has_its_own_name() {
    let mut names: Vec<&str> = Code::ALL.iter().map(|c| c.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_long_line_reads_in_linear_time() {
    // Not a timed test: a quadratic reader would not come back.
    let mut text = String::from("一、单选题");
    let count = if long() { 3000 } else { 800 };
    for n in 1..=count {
        text.push_str(&format!("{n}.第{n}个问题是( B )A.金{n}属B.木C.水D.火"));
    }
    assert_eq!(read(&text).documents[0].questions.len(), count);
    for unit in
        ["1.", "A.B.", "1.问A.甲B.乙", "1.问()", "一、单选题(", "答案:1-5ABCDE", "参考答案一、单选题1.A"]
    {
        read(&unit.repeat(if long() { 100_000 } else { 4_000 }));
    }
}

/// Few by default, so that a debug build stays quick; `ASSESSD_LONG=1` runs many.
fn cases() -> u32 {
    if long() { 2000 } else { 60 }
}

fn long() -> bool {
    std::env::var_os("ASSESSD_LONG").is_some()
}

fn chunk() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "1.",
            "2、",
            "3 . ",
            "(4)",
            "()5.",
            "(√)6.",
            "一、单选题",
            "二、判断题(共2题,每题1分)",
            "三、填空题",
            "案例分析题(共9分)",
            "A.",
            "B、",
            "C．",
            "D:",
            "(A)",
            "( )",
            "【答案】",
            "答案:",
            "答案：B",
            "【解析】",
            "正确答案是C",
            "知识点:",
            "参考答案",
            "1-5 ABCDE",
            "1.A 2.B 3.C",
            "试卷\n",
            "课题一",
            "\n",
            "\r\n",
            "\u{3000}",
            "___",
            "√",
            "×",
            ".docxVIP\n",
            "第1页共2页",
            "问:1)",
            "甲乙丙",
            "。",
            "2031年",
            "LED",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ]
}

fn mutated() -> impl Strategy<Value = String> {
    (
        0..papers::PAPERS.len(),
        proptest::collection::vec(
            (0..3_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            1..6,
        ),
    )
        .prop_map(|(n, edits)| {
            let mut chars: Vec<char> = papers::PAPERS[n].text.chars().collect();
            for (edit, a, b) in edits {
                if chars.is_empty() {
                    break;
                }
                let (a, b) = (a.index(chars.len()), b.index(chars.len()));
                let range = a.min(b)..a.max(b).min(a.min(b) + 40);
                let piece: Vec<char> = chars[range.clone()].to_vec();
                match edit {
                    0 => drop(chars.drain(range)),
                    1 => drop(chars.splice(b..b, piece)),
                    _ => {
                        chars.drain(range);
                        let at = a.min(chars.len());
                        chars.splice(at..at, piece);
                    }
                }
            }
            chars.into_iter().collect()
        })
}

/// Whether every letter of every key is printed as the source of that key.
fn keys_are_printed(reading: &Reading) -> Result<(), TestCaseError> {
    for question in reading.documents.iter().flat_map(|d| &d.questions) {
        if let Answer::Letters(letters) = &question.answer {
            let raw = bare(question.answer_raw.as_deref().unwrap_or_default()).to_uppercase();
            for letter in letters {
                prop_assert!(
                    raw.contains(*letter) || raw.contains(['√', '×', '对', '错', 'T']),
                    "{letter} of {question:?}"
                );
            }
        }
        prop_assert_eq!(
            question.answer.is_none(),
            question.answer.is_none() || question.answer_raw.is_none()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_reads(chunks in proptest::collection::vec(chunk(), 0..60)) {
        let text = chunks.concat();
        let reading = read(&text);
        keys_are_printed(&reading)?;
        prop_assert_eq!(reading, read(&text));
    }

    #[test]
    fn mutated_papers_read(text in mutated()) {
        let reading = read(&text);
        keys_are_printed(&reading)?;
        for document in &reading.documents {
            prop_assert!(document.questions.iter().all(|q| q.section < document.sections.len()));
        }
    }

    #[test]
    fn without_printed_keys_there_are_no_keys(stems in proptest::collection::vec("[甲-龟]{4,20}", 1..12), wide in any::<bool>(), glued in any::<bool>()) {
        let end = if glued { "" } else { "\n" };
        let mut text = format!("一、单选题{end}");
        for (n, stem) in stems.iter().enumerate() {
            text.push_str(&format!("{}.{stem}( ){end}A.{stem}甲 B.{stem}乙{end}", n + 1));
        }
        if wide {
            text = text.chars().map(super::tests::wide).collect();
        }
        let reading = read(&text);
        prop_assert!(reading.documents.iter().flat_map(|d| &d.questions).all(|q| q.answer.is_none()), "{text}");
    }

    #[test]
    fn a_prefix_of_a_paper_gives_no_other_keys(n in 0..papers::PAPERS.len(), cut in any::<prop::sample::Index>()) {
        let paper = &papers::PAPERS[n];
        let chars: Vec<char> = paper.text.chars().collect();
        let prefix: String = chars[..cut.index(chars.len())].iter().collect();
        let whole = read(paper.text);
        let keys = |r: &Reading| -> Vec<(String, Answer)> {
            r.documents.iter().flat_map(|d| &d.questions).filter(|q| q.complete && q.kind.is_choice()).map(|q| (q.stem.clone(), q.answer.clone())).collect()
        };
        let known = keys(&whole);
        let part = keys(&read(&prefix));
        // The last one may be cut within its key.
        for (stem, answer) in part.iter().rev().skip(1).filter(|(_, a)| !a.is_none()) {
            if known.iter().any(|(s, _)| s == stem) {
                prop_assert!(known.iter().any(|(s, a)| s == stem && a == answer), "{stem} {answer:?} in {prefix}");
            }
        }
    }
}
