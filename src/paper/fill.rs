//! Answers of blanks: in brackets and between underscores where the blank was, one text per blank, and alternatives.
//!
//! Promises: words in the brackets of a fill-in section are answers only where no question of it has an empty blank;
//! "2或二" and "北京(或北平)" become alternatives where the words say so, and whatever may be one text or two is told
//! and kept as printed.

use std::ops::Range;

use super::fold::Text;

/// An answer printed where its blank was.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    /// The answer.
    pub(super) words: Range<usize>,
    /// What is taken out of the wording with it.
    pub(super) hole: Range<usize>,
}

/// Answers printed in the blanks of a wording; none where one blank is empty.
pub(super) fn filled(text: &Text, stem: Range<usize>) -> Vec<Filled> {
    let mut found = Vec::new();
    let mut i = stem.start;
    while i < stem.end {
        let close = match text.at(i) {
            '(' => ')',
            '【' => '】',
            '[' => ']',
            '〔' => '〕',
            '<' if text.starts_small(i, "<u>") => '<',
            '_' => '_',
            _ => {
                i += 1;
                continue;
            }
        };
        let from = match close {
            '<' => i + 3,
            '_' => (i..stem.end).find(|&k| text.at(k) != '_').unwrap_or(stem.end),
            _ => i + 1,
        };
        let Some(end) = (from..stem.end.min(from + 60)).find(|&k| text.at(k) == close) else {
            if close == '_' {
                return Vec::new();
            }
            i += 1;
            continue;
        };
        let past = match close {
            '<' => end + 4,
            '_' => (end..stem.end).find(|&k| text.at(k) != '_').unwrap_or(stem.end),
            _ => end + 1,
        };
        let words = from..end;
        if words.is_empty() {
            return Vec::new();
        }
        if close == '_' && !fits_between(text, &words, from - i, past - end) {
            return Vec::new();
        }
        if !aside(text, &words) {
            let hole = if matches!(close, ')' | '_') { words.clone() } else { i..past };
            found.push(Filled { words, hole });
        }
        i = past;
    }
    // "世界贸易组织(WTO)的总部在(日内瓦)": the short form beside a name is wording.
    let latin = |f: &Filled| f.words.clone().all(|k| text.at(k).is_ascii_uppercase());
    if !found.iter().all(latin) {
        found.retain(|f| !latin(f));
    }
    found
}

/// Whether words between two runs of underscores are an answer, not the wording between two blanks.
fn fits_between(text: &Text, words: &Range<usize>, before: usize, after: usize) -> bool {
    let joins = |c: char| "和与及或的是为在由了把被将而时中上下等有到至则即、,。;:.".contains(c);
    before == after
        && before <= 3
        && words.len() <= 20
        && !words.clone().any(|k| matches!(text.at(k), ',' | '。' | ';' | '、' | ':' | '?'))
        && !joins(text.at(words.start))
        && !joins(text.at(words.end - 1))
}

/// A remark in brackets: "(每空1分)", "(填序号)", "(2分)".
fn aside(text: &Text, words: &Range<usize>) -> bool {
    let shown = text.folded(words.clone());
    let remark =
        ["填", "选填", "每", "写", "保留", "单位", "任", "至少", "如图", "见", "注", "请", "本题", "共"];
    let figures = shown.trim_end_matches('分');
    remark.iter().any(|r| shown.starts_with(r))
        || shown.contains(['+', '-', '*', '=', '^', '<', '>', '|', '\\', '$', '('])
        || (figures.len() < shown.len() && figures.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// One text per blank, and the blanks whose text may be alternatives or one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Key {
    /// As printed, one per blank when the pieces tally.
    pub(super) texts: Vec<String>,
    /// What is accepted in each blank.
    pub(super) accepted: Vec<Vec<String>>,
    /// A text that may be one answer or several.
    pub(super) doubtful: Option<String>,
}

/// Splits a key in words into one text per blank, and each into its alternatives.
pub(super) fn key(words: &str, count: u32) -> Key {
    let texts = blanks(words, count);
    let mut key = Key::default();
    for text in &texts {
        let (accepted, clear) = alternatives(text);
        if !clear {
            key.doubtful.get_or_insert_with(|| text.clone());
        }
        key.accepted.push(accepted);
    }
    key.texts = texts;
    key
}

fn blanks(words: &str, count: u32) -> Vec<String> {
    let whole = words.trim().trim_end_matches(['。', '.', ';', '；']).trim();
    let numbered = enumerated(whole);
    if !numbered.is_empty() && (u32::try_from(numbered.len()) == Ok(count) || numbered.len() == 1) {
        return numbered;
    }
    let split = |marks: &[char]| -> Vec<String> {
        whole.split(marks).map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
    };
    let firm = split(&[';', '；', '|']);
    if firm.len() > 1 && count != 1 {
        return firm;
    }
    for marks in [&['、'][..], &[',', '，'], &[' ', '\u{3000}']] {
        let pieces = split(marks);
        if pieces.len() > 1 && u32::try_from(pieces.len()) == Ok(count) {
            return pieces;
        }
    }
    if whole.is_empty() { Vec::new() } else { vec![whole.to_owned()] }
}

/// "(1)温杯(2)投茶", "①温杯 ②投茶", "第一空:温杯 第二空:投茶".
fn enumerated(whole: &str) -> Vec<String> {
    const NUMERALS: &str = "一二三四五六七八九";
    let chars: Vec<char> = whole.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mark = |i: usize, n: usize| -> Option<usize> {
        let digit = char::from_digit(u32::try_from(n).unwrap_or(0), 10)?;
        let numeral = NUMERALS.chars().nth(n - 1)?;
        let circle = char::from_u32(0x2460 + u32::try_from(n).unwrap_or(1) - 1)?;
        let colon = |k: usize| k + usize::from(matches!(at(k), ':' | '：' | '.' | '、' | ' '));
        match at(i) {
            '(' | '（' if at(i + 1) == digit && matches!(at(i + 2), ')' | '）') => Some(i + 3),
            '第' if (at(i + 1) == digit || at(i + 1) == numeral) && at(i + 2) == '空' => Some(colon(i + 3)),
            '空' if at(i + 1) == digit => Some(colon(i + 2)),
            c if c == circle => Some(i + 1),
            _ => None,
        }
    };
    let mut pieces = Vec::new();
    let Some(mut from) = mark(0, 1) else { return pieces };
    let mut n = 2;
    let mut i = from;
    while i <= chars.len() {
        let next = if n < 10 { mark(i, n) } else { None };
        if i == chars.len() || next.is_some() {
            let piece: String = chars[from..i].iter().collect();
            pieces.push(piece.trim().trim_end_matches([';', '；', ',', '，', '、']).trim().to_owned());
            n += 1;
            from = next.unwrap_or(i);
            i = from;
            if next.is_none() {
                break;
            }
            continue;
        }
        i += 1;
    }
    if pieces.iter().any(String::is_empty) { Vec::new() } else { pieces }
}

/// The alternatives of one text, and whether they are clear. One that is not is left whole.
pub(super) fn alternatives(text: &str) -> (Vec<String>, bool) {
    let whole = || (vec![text.to_owned()], true);
    let doubtful = || (vec![text.to_owned()], false);
    let mut base = text.trim();
    for tail in ["均可", "都可以", "都可", "皆可", "也可以", "也可", "亦可", "均对", "都对", "都行"]
    {
        for close in ["", ")", "）"] {
            if let Some(rest) = base.strip_suffix(close).and_then(|b| b.strip_suffix(tail))
                && let Some(rest) = if close.is_empty() {
                    Some(rest)
                } else {
                    rest.rsplit_once(['(', '（']).map(|r| r.0).filter(|_| rest.ends_with(['(', '（']))
                }
            {
                base = rest.trim();
            }
        }
    }
    // "北京(或北平)", "北京(北平也可)", "北京(也可填北平)".
    if let Some((front, inside)) = base.strip_suffix([')', '）']).and_then(|b| b.rsplit_once(['(', '（'])) {
        let mut other = inside.trim();
        let mut says = false;
        for word in
            ["或者", "或填", "或", "也可填", "也可写", "也可以", "也可", "亦可", "又称", "又名", "or "]
        {
            if let Some(rest) = other.strip_prefix(word) {
                other = rest.trim();
                says = true;
                break;
            }
        }
        for word in ["也可以", "也可", "亦可", "均可", "都可", "也对"] {
            if let Some(rest) = other.strip_suffix(word) {
                other = rest.trim();
                says = true;
                break;
            }
        }
        if says && !front.trim().is_empty() && !other.is_empty() {
            let mut all = alternatives(front.trim()).0;
            all.extend(alternatives(other).0);
            return (unique(all), true);
        }
        return whole();
    }
    if base.contains("或者") || base.contains('或') {
        let pieces: Vec<&str> = base.split("或者").flat_map(|p| p.split('或')).map(str::trim).collect();
        if pieces.iter().any(|p| p.is_empty()) {
            return whole();
        }
        // "与或非门", "或然": a word that holds the character.
        let single = pieces.iter().any(|p| p.chars().count() == 1 && !figure(p));
        let long = pieces.iter().any(|p| p.chars().count() > 12);
        if (single && pieces.iter().any(|p| p.chars().count() != 1)) || long {
            return doubtful();
        }
        return (unique(pieces.into_iter().map(|p| p.trim_matches([',', '，']).to_owned()).collect()), true);
    }
    if let Some((a, b)) = base.split_once(" or ") {
        return (unique(vec![a.trim().to_owned(), b.trim().to_owned()]), true);
    }
    for (marks, strict) in [(&['/', '／'][..], false), (&[';', '；', '|'], true)] {
        let pieces: Vec<&str> = base.split(marks).map(str::trim).collect();
        if pieces.len() < 2 {
            continue;
        }
        if pieces.iter().any(|p| p.is_empty()) {
            return whole();
        }
        let values: Vec<Option<u32>> = pieces.iter().map(|p| value(p)).collect();
        if values.iter().all(Option::is_some) && values.windows(2).all(|w| w[0] == w[1]) {
            return (unique(pieces.into_iter().map(str::to_owned).collect()), true);
        }
        if strict {
            return doubtful();
        }
        let ascii = |p: &&str| p.is_ascii();
        if pieces.iter().all(ascii) {
            // "1/2", "km/h", "I/O"; "colour/color" may be two spellings.
            let words = pieces.iter().all(|p| p.len() >= 4 && p.chars().all(|c| c.is_ascii_alphabetic()));
            return if words { doubtful() } else { whole() };
        }
        let unit = |p: &str| {
            [
                "元",
                "米",
                "千米",
                "公里",
                "吨",
                "千克",
                "公斤",
                "克",
                "秒",
                "分",
                "分钟",
                "小时",
                "时",
                "天",
                "日",
                "年",
                "月",
                "人",
                "个",
                "次",
                "升",
                "毫升",
                "度",
                "亩",
                "公顷",
                "平方米",
                "立方米",
                "摩尔",
                "牛",
                "焦耳",
            ]
            .contains(&p)
        };
        if pieces.last().is_some_and(|p| unit(p)) {
            return whole();
        }
        let han = pieces
            .iter()
            .all(|p| p.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) && p.chars().count() <= 10);
        if han {
            return (unique(pieces.into_iter().map(str::to_owned).collect()), true);
        }
        return doubtful();
    }
    if base.len() < text.trim().len() {
        // "甲、乙均可" names several, but not which sign parts them.
        let pieces: Vec<String> =
            base.split(['、', ',', '，']).map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect();
        return if pieces.len() > 1 { (unique(pieces), true) } else { doubtful() };
    }
    whole()
}

fn unique(all: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for one in all {
        if !one.is_empty() && !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

fn figure(piece: &str) -> bool {
    value(piece).is_some()
}

/// The value of a short figure, in digits or Chinese.
fn value(piece: &str) -> Option<u32> {
    if piece.chars().all(|c| c.is_ascii_digit()) {
        return piece.parse().ok();
    }
    let simple: String = piece.replace('两', "二").replace('〇', "零");
    if simple == "零" {
        return Some(0);
    }
    let chars: Vec<char> = simple.chars().collect();
    super::points::numeral(&chars)
}
