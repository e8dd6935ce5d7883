//! Titles, the head of a paper, and the lines that part one paper from the next.
//!
//! Promises: a line is a title only when it is short, ends like one and asks nothing, or when it is printed twice in a
//! row; the fields for names and classes are dropped and what a candidate filled in is never stored.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::Document;
use super::fold::Text;
use super::header::{self, Header};

/// A line between papers or parts.
#[derive(Debug, Clone)]
pub(super) struct Boundary {
    /// Its stretch.
    pub(super) range: Range<usize>,
    /// A title; otherwise fields, scores and rules of the head.
    pub(super) title: bool,
}

const ENDS: &[&str] = &[
    "试卷",
    "试题",
    "试题库",
    "题库",
    "测试卷",
    "测验卷",
    "测试题",
    "测验题",
    "练习题",
    "习题",
    "习题集",
    "考试卷",
    "考试题",
    "考卷",
    "模拟题",
    "模拟卷",
    "真题",
    "检测题",
    "检测卷",
    "自测题",
    "A卷",
    "B卷",
    "C卷",
    "D卷",
    "甲卷",
    "乙卷",
    "丙卷",
    "丁卷",
    "卷甲",
    "卷乙",
    "卷A",
    "卷B",
];
const WEAK_ENDS: &[&str] = &["测验", "考试", "测试", "检测", "作业", "期末", "期中", "练习", "竞赛", "答案"];
const SUFFIXES: &[&str] = &[
    "含答案",
    "及答案",
    "附答案",
    "及参考答案",
    "与答案",
    "和答案",
    "带答案",
    "及解析",
    "及答案解析",
    "含解析",
    "与解析",
    "详解",
    "解析",
    "答案",
    "参考答案",
    "汇总",
    "大全",
    "合集",
];
const FIELDS: &[&str] = &[
    "班级",
    "班别",
    "姓名",
    "学号",
    "准考证",
    "成绩",
    "得分",
    "评卷人",
    "任课教师",
    "考试时间",
    "闭卷",
    "开卷",
    "满分",
    "总分",
    "题号",
    "学年",
    "专业",
];

/// All boundary lines, in order; also the heads that are glued before a header.
pub(super) fn boundaries(text: &Text, headers: &[Header]) -> Vec<Boundary> {
    let lines = text.lines();
    let mut found: Vec<Boundary> = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let next = lines.get(n + 1);
        if line.len() > 90 {
            continue;
        }
        let words = text.folded(line.clone());
        let title = is_title(&words);
        let twice = line.len() >= 5 && line.len() <= 60 && !opens_item(&words) && {
            let same = |other: &Range<usize>| {
                other.len() == line.len() && text.chars[other.clone()] == text.chars[line.clone()]
            };
            let heads = |other: &Range<usize>| {
                other.len() > line.len()
                    && line.len() >= 8
                    && text.chars[other.start..other.start + line.len()] == text.chars[line.clone()]
            };
            !words.contains("__")
                && (next.is_some_and(|l| same(l) || heads(l)) || (n > 0 && same(&lines[n - 1])))
        };
        let fields = FIELDS.iter().filter(|f| words.contains(**f)).count();
        let field = fields > 0 && !opens_item(&words) && is_fields(&words);
        if (title || twice || field) && !headers.iter().any(|h| line.contains(&h.at)) {
            found.push(Boundary { range: line.clone(), title: title || twice });
        }
    }
    for (n, header) in headers.iter().enumerate() {
        let floor = n.checked_sub(1).map_or(0, |p| headers[p].end);
        let start = header.chapter.as_ref().map_or(header.at, |c| c.0.min(header.at));
        let from = start.saturating_sub(200);
        let line = (from..=start).rev().find(|&i| text.breaks(i));
        // In a glued text the head of the next paper follows the last sentence of the one before.
        let sentence = (start.saturating_sub(120)..start)
            .rev()
            .take_while(|&i| !text.breaks(i))
            .find(|&i| matches!(text.before(i), '。' | '?' | '!'));
        for from in [line.max(sentence), sentence].into_iter().flatten() {
            // A head never reaches back over the header before it.
            if from < floor {
                continue;
            }
            let prefix = from..start;
            let words = text.folded(prefix.clone());
            let head = ENDS.iter().any(|e| words.contains(e))
                || FIELDS.iter().filter(|f| words.contains(**f)).count() >= 2;
            let labelled =
                ["A.", "B.", "A、", "B、", "A:", "B:", "A)", "B)", "答案:"].iter().any(|l| words.contains(l));
            if prefix.len() >= 4 && head && !labelled && !opens_item(&words) {
                found.push(Boundary { range: prefix, title: true });
                break;
            }
        }
    }
    found.sort_by_key(|b| b.range.start);
    found
}

fn opens_item(words: &str) -> bool {
    let rest = words.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() != words.len() && rest.starts_with(['.', '、', ')', ',']) {
        return true;
    }
    let mut chars = words.chars();
    match (chars.next(), chars.next()) {
        (Some('A'..='H'), Some('.' | '、' | ':' | ')')) => true,
        (Some('('), Some(c)) => {
            c == ')' || c.is_ascii_digit() || c.is_ascii_uppercase() || matches!(c, '√' | '×')
        }
        (Some('【'), _) => true,
        _ => words.starts_with("答案") || words.starts_with("解析") || words.starts_with("答:"),
    }
}

/// Whether a line is made of fields for the candidate and figures of the paper, not of a sentence that names some.
fn is_fields(words: &str) -> bool {
    if words.ends_with(['。', '?', '!', ';', ',']) {
        return false;
    }
    let mut rest = words.to_owned();
    for field in FIELDS.iter().chain(&[
        "分钟", "考试", "时间", "形式", "适用", "专业", "教师", "评卷", "号", "共", "页", "分", "人", "题",
        "一", "二", "三", "四", "五", "六", "年", "第", "学期",
    ]) {
        rest = rest.replace(field, "");
    }
    let left = rest.chars().filter(|c| c.is_alphabetic()).count();
    left * 5 <= words.chars().count() * 2
}

/// Whether a line reads like the title of a paper.
pub(super) fn is_title(words: &str) -> bool {
    let length = words.chars().count();
    if !(3..=60).contains(&length)
        || opens_item(words)
        || words.contains("__")
        || words.contains(['?', ';', '!'])
    {
        return false;
    }
    if words.ends_with(['。', ',', ':', '、']) {
        return false;
    }
    if ["试题库:", "题库:"].iter().any(|p| words.starts_with(p)) {
        return true;
    }
    let mut core = words;
    let mut trimmed = false;
    loop {
        let before = core.len();
        core = core.trim_end_matches(|c: char| {
            c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '》' | '”' | '"')
        });
        if let Some(open) = core.rfind('(').filter(|_| core.ends_with(')')) {
            core = &core[..open];
            trimmed = true;
        }
        if let Some(rest) = SUFFIXES.iter().find_map(|s| core.strip_suffix(s)) {
            core = rest;
            trimmed = true;
        }
        let numerals = core.trim_end_matches(['一', '二', '三', '四', '五', '六', '七', '八', '九', '十']);
        if ENDS.iter().any(|e| numerals.ends_with(e)) {
            core = numerals;
        }
        if core.len() == before {
            break;
        }
    }
    if core.chars().count() < 2 {
        return false;
    }
    let framed = trimmed || ["《", "年", "学期", "学年", "课程", "科目"].iter().any(|w| words.contains(w));
    ENDS.iter().any(|e| core.ends_with(e))
        || (WEAK_ENDS.iter().any(|e| core.ends_with(e)) && framed && length >= 6)
}

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static DURATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?:考试|答题|测试|时间|用时|限时)[^0-9]{0,6}([0-9]{1,3})分钟|([0-9]{2,3})分钟"));
static FULL: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?:满分|总分|全卷共|卷面|试卷共)[^0-9]{0,4}([0-9]{1,4}(?:\.[0-9])?)分?"));
static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"([A-D甲乙丙丁])卷|卷([A-D甲乙丙丁])"));
static AUDIENCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"适用(?:专业|班级|对象|于)?[:(]?([^()班:,。]{2,30})[)]?(?:专业|班|学生|,|。|$)"));

fn capture(regex: &LazyLock<Option<Regex>>, words: &str) -> Option<String> {
    let found = regex.as_ref()?.captures(words)?;
    found.iter().skip(1).flatten().next().map(|m| m.as_str().to_owned())
}

/// Reads the head of a paper: the words before its first section, title lines known.
pub(super) fn read(text: &Text, head: Range<usize>, titles: &[Range<usize>], document: &mut Document) {
    let words = text.folded(head.clone());
    // Thousands of tiny papers must stay cheap: no pattern runs without its word.
    let with = |word: &str, pattern| words.contains(word).then(|| capture(pattern, &words)).flatten();
    document.duration_minutes = with("分钟", &DURATION).and_then(|d| d.parse().ok());
    document.declared_total = with("分", &FULL).or_else(|| with("卷", &FULL)).and_then(|d| d.parse().ok());
    document.paper_letter = with("卷", &LETTER);
    document.book = match () {
        () if words.contains("闭卷") && !words.contains("开卷") => Some("closed"),
        () if words.contains("开卷") && !words.contains("闭卷") => Some("open"),
        () => None,
    };
    document.audience = with("适用", &AUDIENCE);
    // The name of a chapter is the title only when nothing else is.
    let chapter = |t: &&Range<usize>| {
        let label = text.one_of(t.start, &["试题库:", "题库:", "试题:", "习题:"]).map_or(0, |l| l.1);
        header::chapter_at(text, t.start + label).is_some()
    };
    let printed = || titles.iter().rev().filter(|t| !t.is_empty());
    let title = printed().find(|t| !chapter(t)).or_else(|| printed().next()).map(|t| clean(text, t.clone()));
    document.title = title.filter(|t| !t.is_empty());
    // With two titles the letter goes with the one that is kept.
    if let Some(letter) =
        document.title.as_ref().and_then(|t| capture(&LETTER, &t.nfkc().collect::<String>()))
    {
        document.paper_letter = Some(letter);
    }
}

/// The title within a glued head: up to its last title word, without what is printed twice.
fn clean(text: &Text, range: Range<usize>) -> String {
    let words: Vec<char> = text.chars[range.clone()].to_vec();
    let mut end = words.len();
    for stop in [
        "班级",
        "班别",
        "姓名",
        "学号",
        "适用(",
        "适用班",
        "考试时间",
        "任课教师",
        "题号",
        "试题库:",
        "注意事项",
        "得分",
    ] {
        let stop: Vec<char> = stop.chars().collect();
        if let Some(at) =
            words[..end].windows(stop.len()).position(|w| w == stop.as_slice()).filter(|&at| at >= 3)
        {
            end = at;
        }
    }
    if let Some(chapter) = (3..end).find(|&i| header::chapter_at(text, range.start + i).is_some())
        && chapter > 5
        && text.contains(range.start..range.start + chapter, ENDS)
    {
        end = chapter;
    }
    let mut start = 0;
    // "XX": the same title twice in a row.
    for half in (4..=end / 2).rev() {
        if words[end - half..end] == words[end - 2 * half..end - half] {
            start = end - half;
            break;
        }
    }
    // A longer outer title that ends where the inner one begins again: keep the inner one.
    if end - start > 80 {
        start = end - 80;
    }
    let title = text.show(range.start + start..range.start + end);
    let mut title = title.trim_matches([' ', ':', '：', '-', '_']);
    for promise in ["含答案", "附答案", "及参考答案", "及答案"] {
        title = title.strip_suffix(promise).unwrap_or(title);
    }
    title.to_owned()
}

/// Whether fields for a candidate are in the head.
pub(super) fn fields(text: &Text, head: Range<usize>) -> Option<Range<usize>> {
    let mut first = None;
    let mut last = 0;
    for i in head {
        if let Some((_, length)) = text.one_of(i, &["班级", "班别", "姓名", "学号", "准考证号", "任课教师"])
        {
            first.get_or_insert(i);
            last = i + length;
        }
    }
    first.map(|f| f..last)
}
