//! What is printed above the first question: titles, fields for the candidate, full marks.

use super::super::{
    document::Build,
    finding::{Code, Finding},
    fold::Text,
    title,
};

pub(super) fn head(text: &Text, build: &Build, d: usize, papers: usize, out: &mut Vec<Finding>) {
    let start = build.head.start;
    if papers > 1 {
        let words = build.document.title.clone().unwrap_or_default();
        out.push(
            Finding::new(Code::DocumentBoundary, text.line(start), words, "a paper begins here")
                .on(d, None, None),
        );
    }
    if let Some(range) = title::fields(text, build.head.clone()) {
        out.push(
            Finding::new(
                Code::CandidateFields,
                text.line(range.start),
                text.show(range),
                "fields for the candidate were left out",
            )
            .on(d, None, None),
        );
    }
    let titles: Vec<String> = build.titles.iter().map(|t| text.folded(t.clone())).collect();
    if titles.windows(2).any(|w| w[0] == w[1] || w[1].starts_with(&w[0])) {
        out.push(
            Finding::new(
                Code::TitleRepeated,
                text.line(start),
                &titles[0],
                "the title is printed more than once",
            )
            .on(d, None, None),
        );
    }
    let letters: Vec<Option<char>> = titles.iter().map(|t| paper_letter(t)).collect();
    let numbers: Vec<&str> = titles.iter().filter_map(|t| paper_number(t)).collect();
    let differs = letters.iter().flatten().zip(letters.iter().flatten().skip(1)).any(|(a, b)| a != b)
        || numbers.windows(2).any(|w| w[0] != w[1]);
    if differs {
        let shown = titles.join(" / ");
        out.push(
            Finding::new(
                Code::TitleConflict,
                text.line(start),
                shown,
                "outer and inner title name different papers; the inner one was kept",
            )
            .on(d, None, None),
        );
    }
    if build.document.declared_total.is_none() && build.headers.iter().flatten().any(|h| h.points.any()) {
        out.push(
            Finding::new(Code::NoPaperTotal, text.line(start), "", "the paper prints no full marks")
                .on(d, None, None),
        );
    }
}

fn paper_letter(title: &str) -> Option<char> {
    let chars: Vec<char> = title.chars().collect();
    chars.windows(2).find_map(|w| match (w[0], w[1]) {
        (c @ ('A'..='D' | '甲' | '乙' | '丙' | '丁'), '卷')
        | ('卷', c @ ('A'..='D' | '甲' | '乙' | '丙' | '丁')) => Some(c),
        _ => None,
    })
}

/// The number in "…试卷(二)".
fn paper_number(title: &str) -> Option<&str> {
    let (_, rest) = title.split_once("卷(").or_else(|| title.split_once("题("))?;
    let (number, _) = rest.split_once(')')?;
    number.chars().all(|c| "一二三四五六七八九十".contains(c)).then_some(number).filter(|n| !n.is_empty())
}
