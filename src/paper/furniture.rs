//! Takes the furniture of sites out of the folded text before anything else looks at it.
//!
//! Promises: file-name lines, counters, notices, page numbers, edit marks and watermarks are gone; where something
//! ended an item (a footer, a notice) a `CUT` is left so that nothing reads across. Text that might be a question is
//! never taken out: a line goes only for words that no paper prints.

use std::ops::Range;

use super::finding::{Code, Finding};
use super::fold::{BLANK, LINE, Text};

/// Words after which a page has nothing more to say about its paper; found inside a line as well.
const FOOTERS: &[&str] = &[
    "您可能关注的文档",
    "文档评论(",
    "文档贡献者",
    "1亿VIP精品文档",
    "实名认证文档",
    "下载文档收藏",
    "查看更多",
    "合集下载",
    "相关文档推荐",
];

/// Whole lines that are furniture.
const LINES: &[&str] =
    &["举报", "相关文档", "最新文档", "实名认证", "收藏", "分享", "下载", "推荐文档", "猜你喜欢", "关注"];

/// Words that make a numbered or bulleted line a notice of the site.
const NOTICES: &[&str] = &[
    "原创力文档",
    "版权申诉",
    "VIP文档",
    "VIP会员",
    "成为VIP",
    "本站不退款",
    "本站所有内容",
    "举报电话",
    "扣除1次下载权益",
    "上传者",
    "内容由AI",
    "人工智能辅助",
    "AI辅助生成",
    "文档仅供参考",
    "二次下载",
];

const FILES: &[&str] = &[
    ".docx", ".doc", ".pptx", ".ppt", ".pdf", ".xlsx", ".xls", ".wps", ".txt", ".docxVIP", ".docVIP",
    ".pptxVIP", ".pptVIP", ".pdfVIP",
];

/// Finds and removes furniture.
pub(super) fn strip(text: Text, findings: &mut Vec<Finding>) -> Text {
    let mut gone: Vec<(Range<usize>, bool)> = Vec::new();
    let mut quoted: Option<(u32, String)> = None;
    let mut watermark: Option<(u32, String)> = None;
    let mut uploader = false;
    for line in text.lines() {
        // The line behind the word for them is the name of who put the page there.
        let name = std::mem::take(&mut uploader)
            && line.len() <= 16
            && line.clone().all(|i| text.at(i).is_alphanumeric() || matches!(text.at(i), '*' | '_' | '-'));
        uploader = line.len() <= 12 && text.contains(line.clone(), &["文档贡献者", "上传者"]);
        if name || is_furniture(&text, &line) {
            quoted.get_or_insert_with(|| (text.line(line.start), text.show(line.clone())));
            gone.push((line, true));
            continue;
        }
        let mut i = line.start;
        while i < line.end {
            if let Some(range) = page_counter(&text, i, line.end) {
                quoted.get_or_insert_with(|| (text.line(range.start), text.show(range.clone())));
                i = range.end;
                gone.push((range, false));
            } else if let Some(range) = file_name(&text, i, gone.last().map_or(0, |g| g.0.end)) {
                quoted.get_or_insert_with(|| (text.line(range.start), text.show(range.clone())));
                i = range.end;
                gone.push((range, true));
            } else if let Some((_, length)) = text.one_of(i, FOOTERS) {
                // "文档评论(0) name": the counter and the name of the uploader go with it.
                let end =
                    if text.before(i + length) == '(' && line.end - i <= 40 { line.end } else { i + length };
                quoted.get_or_insert_with(|| (text.line(i), text.show(i..i + length)));
                gone.push((i..end, true));
                i = end;
            } else if let Some(range) = edit_mark(&text, i) {
                watermark.get_or_insert_with(|| (text.line(i), text.show(range.clone())));
                i = range.end;
                gone.push((range, true));
            } else if let Some(range) = foreign(&text, i) {
                watermark.get_or_insert_with(|| (text.line(i), text.show(range.clone())));
                i = range.end;
                gone.push((range, false));
            } else {
                i += 1;
            }
        }
    }
    if let Some((line, words)) = quoted {
        let pieces = gone.len();
        findings.push(Finding::new(
            Code::Furniture,
            line,
            words,
            format!("{pieces} pieces of site furniture were left out, beginning here"),
        ));
    }
    if let Some((line, words)) = watermark {
        findings.push(Finding::new(
            Code::Watermark,
            line,
            words,
            "an edit mark or watermark was taken out of the text",
        ));
    }
    text.without(&gone)
}

fn is_furniture(text: &Text, line: &Range<usize>) -> bool {
    let length = line.len();
    if length > 400 {
        return false;
    }
    let words = text.folded(line.clone());
    let bare = words.trim_start_matches(['-', '•', '*', '·', '●']);
    let cites = words.contains("://") || ["解析", "答案", "参考答案"].iter().any(|w| words.starts_with(w));
    if length <= 90 && !cites && FILES.iter().any(|f| words.ends_with(f)) {
        return true;
    }
    if LINES.contains(&bare) || (length <= 14 && bare.ends_with("+关注")) {
        return true;
    }
    let bulleted = bare.len() != words.len();
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    // "• 1", "• 2024-02-07 发布于河北", "• 约2.89千字", "• 约 27页": counters behind bullets.
    if bulleted && length <= 24 && digits > 0 {
        let counter = bare.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | ','));
        let about = bare.starts_with('约')
            && (bare.ends_with("千字") || bare.ends_with('页') || bare.ends_with('字'));
        if counter || about || bare.contains("发布于") || bare.ends_with("阅读") || bare.ends_with("下载")
        {
            return true;
        }
    }
    if NOTICES.iter().any(|n| words.contains(n)) {
        let double = numbered_twice(&words);
        return double || bulleted || length <= 60;
    }
    // A masked uploader: a phone number with its middle starred out.
    length <= 30 && words.contains("****")
}

/// "1. 1、…": the list number of the page and the number of the notice.
fn numbered_twice(words: &str) -> bool {
    let rest = words.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == words.len() {
        return false;
    }
    let rest = rest.trim_start_matches(['.', '、', '-']);
    rest.starts_with(|c: char| c.is_ascii_digit())
}

/// A file name inside a glued line: from the last sentence end to its extension.
fn file_name(text: &Text, i: usize, floor: usize) -> Option<Range<usize>> {
    if text.at(i) != '.' {
        return None;
    }
    let (_, length) =
        text.one_of(i, &[".docxVIP", ".docVIP", ".pptxVIP", ".pptVIP", ".pdfVIP", ".docx", ".pptx"])?;
    let start = (i.saturating_sub(80).max(floor)..=i)
        .rev()
        .find(|&k| k == floor || matches!(text.before(k), '。' | '?' | '!' | ';') || text.has(k, LINE))?;
    let labels = (start..i).any(|k| matches!(text.at(k), 'A'..='H') && matches!(text.at(k + 1), '.' | '、'));
    (!labels).then_some(start..i + length)
}

/// `第3页共9页`, `第PAGE页共NUMPAGES页`.
fn page_counter(text: &Text, i: usize, end: usize) -> Option<Range<usize>> {
    if text.at(i) != '第' {
        return None;
    }
    let field = |from: usize| {
        let mut at = from;
        while at < end && at < from + 12 && text.at(at).is_ascii_alphanumeric() {
            at += 1;
        }
        (at > from).then_some(at)
    };
    let first = field(i + 1)?;
    if text.at(first) != '页' {
        return None;
    }
    let mut at = first + 1;
    if matches!(text.at(at), ',' | '/' | ';' | '(') {
        at += 1;
    }
    if text.at(at) != '共' {
        return None;
    }
    let second = field(at + 1)?;
    let close = usize::from(text.at(second + 1) == ')' && text.at(first + 1) == '(');
    (text.at(second) == '页').then(|| i..second + 1 + close)
}

/// "Revised at 9:10 am on May 2, 2019" with the English words that follow it.
fn edit_mark(text: &Text, i: usize) -> Option<Range<usize>> {
    let (_, mut length) =
        text.one_of(i, &["Revisedat", "Revisedon", "Editedat", "Modifiedat", "RevisedbyLi", "Revisedby"])?;
    if text.before(i).is_ascii_alphabetic() {
        return None;
    }
    while text.at(i + length).is_ascii()
        && text.at(i + length) != '\0'
        && length < 200
        && !text.has(i + length, LINE)
    {
        length += 1;
    }
    // The mark may not swallow an item number that follows it.
    while length > 9
        && !text.at(i + length - 1).is_ascii_alphabetic()
        && !text.has(i + length, LINE)
        && text.at(i + length) != '\0'
    {
        let c = text.at(i + length - 1);
        if c.is_ascii_digit()
            && text.folded(i..i + length).ends_with(|c: char| c.is_ascii_digit())
            && year_ends(text, i + length)
        {
            break;
        }
        length -= 1;
    }
    Some(i..i + length)
}

fn year_ends(text: &Text, end: usize) -> bool {
    end >= 4
        && text.chars[end - 4..end].iter().all(char::is_ascii_digit)
        && !text.before(end - 4).is_ascii_digit()
}

/// A run in a script that Chinese papers do not use, between two Chinese characters.
fn foreign(text: &Text, i: usize) -> Option<Range<usize>> {
    let strange = |c: char| matches!(c, '\u{400}'..='\u{52f}' | '\u{590}'..='\u{6ff}' | '\u{900}'..='\u{e7f}' | '\u{1780}'..='\u{17ff}' | '\u{ac00}'..='\u{d7a3}');
    let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    if !strange(text.at(i)) || !han(text.before(i)) || text.has(i, LINE | BLANK) {
        return None;
    }
    let mut end = i;
    while end < i + 40 && strange(text.at(end)) {
        end += 1;
    }
    (end - i >= 2 && end - i < 40 && han(text.at(end))).then_some(i..end)
}
