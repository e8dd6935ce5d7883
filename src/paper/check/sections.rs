//! Section heads beside the questions below them: counts, points, ordinals, numbering.

use super::{
    super::{
        document::Build,
        finding::{Code, Finding},
        fold::Text,
        question::Draft,
    },
    by_section,
};

pub(super) fn sections(text: &Text, build: &mut Build, d: usize, out: &mut Vec<Finding>) {
    let document = &build.document;
    let printed = build.headers.iter().flatten().count();
    let mut push = |code, line, words: String, message: String, section| {
        out.push(Finding::new(code, line, words, message).on(d, section, None));
    };
    if printed == 0 {
        let line = document.sections.first().map_or(1, |s| s.line);
        push(
            Code::NoSectionHeaders,
            line,
            String::new(),
            "no section headers are printed; kinds were inferred from keys and options".into(),
            None,
        );
    } else {
        for (s, section) in document.sections.iter().enumerate().filter(|(_, s)| s.inferred) {
            push(
                Code::SectionHeaderMissing,
                section.line,
                String::new(),
                "questions stand here without a header; their kind was inferred".into(),
                Some(s),
            );
        }
    }
    if printed == 0 && document.declared_total.is_none() {
        let line = document.sections.first().map_or(1, |s| s.line);
        push(Code::NoPoints, line, String::new(), "nothing about points is printed".into(), None);
    }
    let mut declared = rust_decimal::Decimal::ZERO;
    let mut all_declared = printed > 0;
    let mut numbers: Vec<(u32, u32)> = Vec::new();
    let members = by_section(build);
    let ordinals = build.headers.iter().flatten().any(|h| h.ordinal.is_some());
    for (s, section) in document.sections.iter().enumerate() {
        let own: Vec<&Draft> = members[s].iter().map(|&i| &build.drafts[i]).collect();
        // Where a section holds several cases, it may count cases instead of questions.
        let mut cases: Vec<&str> = own.iter().filter_map(|q| q.question.material.as_deref()).collect();
        cases.dedup();
        let wanted = section.declared_count.or(section.implied_count);
        let by_case = !cases.is_empty() && u32::try_from(cases.len()).ok() == wanted;
        let found = if by_case { cases.len() } else { own.len() };
        if let (Some(a), Some(b)) = (own.first(), own.last()) {
            numbers.push((a.question.number, b.question.number));
        }
        let Some(Some(header)) = build.headers.get(s) else { continue };
        let line = section.line;
        let words = text.show(header.at..header.end);
        let points = &header.points;
        match section.declared_total.or(section.implied_total) {
            Some(total) => declared = declared.checked_add(total).unwrap_or(declared),
            None => all_declared = false,
        }
        if let Some(want) = section.declared_count.or(section.implied_count) {
            let how = if section.declared_count.is_some() { "declares" } else { "implies" };
            if (found as u64) < u64::from(want) {
                push(
                    Code::SectionShort,
                    line,
                    words.clone(),
                    format!("the header {how} {want} questions, the text holds {found}"),
                    Some(s),
                );
            } else if found as u64 > u64::from(want) {
                push(
                    Code::SectionLong,
                    line,
                    words.clone(),
                    format!("the header {how} {want} questions, the text holds {found}"),
                    Some(s),
                );
            }
        } else if found == 0 {
            push(
                Code::SectionShort,
                line,
                words.clone(),
                "the section has a header but no questions".into(),
                Some(s),
            );
            if s + 1 == document.sections.len() {
                push(
                    Code::TruncatedText,
                    line,
                    words.clone(),
                    "the text ends right behind this header".into(),
                    Some(s),
                );
            }
        }
        if points.mismatch() {
            push(Code::PointsMismatch, line, words.clone(), "number of questions times points each is not the printed total; the figures were kept as printed".into(), Some(s));
        }
        if section.points_per_blank
            && let (Some(each), Some(total)) = (section.points_each, section.declared_total)
        {
            let blanks: u32 = own.iter().map(|q| q.question.blanks.max(1)).sum();
            if each.checked_mul(blanks.into()) != Some(total) {
                push(
                    Code::PointsMismatch,
                    line,
                    words.clone(),
                    format!("{blanks} blanks were found, which do not give the printed total"),
                    Some(s),
                );
            }
        }
        if !points.any() {
            push(Code::NoPoints, line, words.clone(), "the header prints no figures".into(), Some(s));
        } else if points.total.is_none() {
            push(Code::NoSectionTotal, line, words.clone(), "the header prints no total".into(), Some(s));
        } else if points.each.is_none() {
            push(
                Code::PointsEachMissing,
                line,
                words.clone(),
                "the header prints no points per question".into(),
                Some(s),
            );
        }
        if header.lost_ordinal || (header.ordinal.is_none() && ordinals) {
            push(
                Code::SectionOrdinalMissing,
                line,
                words.clone(),
                "the ordinal of this section is missing".into(),
                Some(s),
            );
        }
        if header.named.unknown {
            push(
                Code::SectionKindUnknown,
                line,
                words.clone(),
                "the kind of this section is not known; its questions were read as short answers".into(),
                Some(s),
            );
        }
        if header.foreign.is_some() {
            push(
                Code::SectionHeaderInterleaved,
                line,
                words.clone(),
                "foreign text stands inside the bracket of this header; the figures around it were joined"
                    .into(),
                Some(s),
            );
        } else if header.wraps {
            push(
                Code::SectionTitleWraps,
                line,
                words.clone(),
                "the header is broken over lines; it was joined".into(),
                Some(s),
            );
        }
        if section.material.is_some() {
            push(
                Code::CaseMaterial,
                line,
                words.clone(),
                "the text before the first question was kept as material of the section".into(),
                Some(s),
            );
        }
    }
    if build.headers.iter().flatten().next().and_then(|h| h.number) == Some(3) && printed > 0 {
        let line = document.sections.first().map_or(1, |s| s.line);
        push(
            Code::SectionOrdinalsStartAtThree,
            line,
            String::new(),
            "the first section is numbered three; one and two are not in the text".into(),
            None,
        );
    }
    if let Some(total) = document.declared_total
        && all_declared
        && total != declared
    {
        push(
            Code::PointsMismatch,
            text.line(build.head.start),
            String::new(),
            format!("the sections add up to {declared}, the paper declares {total}"),
            None,
        );
    }
    if numbers.len() > 1 {
        let continuous = numbers.windows(2).all(|w| w[1].0 > w[0].1);
        let restarts = numbers.windows(2).any(|w| w[1].0 == 1);
        let line = document.sections.get(1).map_or(1, |s| s.line);
        if continuous && printed > 0 {
            push(
                Code::NumberingContinuous,
                line,
                String::new(),
                "numbers run on over the sections".into(),
                None,
            );
        } else if restarts {
            push(
                Code::NumberingRestarts,
                line,
                String::new(),
                "numbers start again in each section".into(),
                None,
            );
        }
    }
}
