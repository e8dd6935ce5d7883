//! The folded view of a text: what the reader matches on.
//!
//! Promises: one stream of characters without white space, half-width and composed (NFKC where one character stays
//! one), in which every character knows its place in the original. Line breaks and blanks survive as hints only,
//! so a text reads the same however it was wrapped, glued or spaced. Showing a stretch gives the original characters.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// A line that its writer ended begins here.
pub(super) const LINE: u8 = 1;
/// A line begins here, but the one before was full: probably a hard wrap.
pub(super) const WRAP: u8 = 2;
/// Blanks stood before this character.
pub(super) const BLANK: u8 = 4;
/// Furniture of the site was taken out before this character; nothing reads across it.
pub(super) const CUT: u8 = 8;
/// Part of a program: its line breaks are shown.
pub(super) const CODE: u8 = 16;
/// The label of an option that is marked as right.
pub(super) const RIGHT: u8 = 32;
/// A section head stood here in signs that were taken out.
pub(super) const HEAD: u8 = 64;

/// A folded text with its way back to the original.
pub(super) struct Text {
    /// Folded characters without white space.
    pub(super) chars: Vec<char>,
    /// `LINE`, `WRAP`, `BLANK`, `CUT` of each character.
    pub(super) flags: Vec<u8>,
    shown: Vec<char>,
    line: Vec<u32>,
    column: Vec<u32>,
    /// Furniture of the site stood behind the last character.
    cut_end: bool,
}

enum Fold {
    Drop,
    Blank,
    One(char),
    Many(Vec<char>),
}

fn fold(c: char) -> Fold {
    match c {
        ' ' | '\t' | '\u{b}' => Fold::Blank,
        '!'..='~' => Fold::One(c),
        '\u{4e00}'..='\u{9fff}'
        | '、'
        | '。'
        | '“'
        | '”'
        | '‘'
        | '’'
        | '《'
        | '》'
        | '【'
        | '】'
        | '…'
        | '—' => Fold::One(c),
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{fe0e}'
        | '\u{fe0f}'
        | '\u{feff}' => Fold::Drop,
        _ if c.is_whitespace() || c == '\u{3164}' => Fold::Blank,
        _ if c.is_control() => Fold::Drop,
        '∶' | '︓' | 'ː' => Fold::One(':'),
        '✓' | '✔' | '☑' | '✅' | '🗹' => Fold::One('√'),
        '✗' | '✘' | '✕' | '✖' | '╳' | '⨯' | '❌' | '☒' => Fold::One('×'),
        // A circled or raised digit is part of the wording, never an item number.
        '\u{2460}'..='\u{2473}' | '²' | '³' | '¹' | '\u{2070}'..='\u{209f}' => Fold::One(c),
        _ => {
            let mut all = std::iter::once(c).nfkc();
            match (all.next(), all.next()) {
                (Some(one), None) if one.is_whitespace() => Fold::Blank,
                (Some(one), None) => Fold::One(one),
                // "⒈", "⑴" and "㈠" print a number with its punctuation in one character.
                (Some(_), Some(_)) if matches!(c, '\u{2474}'..='\u{249b}' | '\u{3220}'..='\u{3229}') => {
                    Fold::Many(std::iter::once(c).nfkc().collect())
                }
                _ => Fold::One(c),
            }
        }
    }
}

/// The width at which the lines of a text were cut by force, when they were.
fn wrap_width(source: &str) -> Option<usize> {
    let mut lengths: Vec<(usize, bool)> = Vec::new();
    for line in source.split(['\n', '\r']) {
        let length = line.trim_start_matches('\u{feff}').chars().count();
        // A rule drawn over the page says nothing about where words were wrapped.
        let mut signs = line.trim().chars();
        let rule = signs.next().is_some_and(|sign| !sign.is_alphanumeric() && signs.all(|c| c == sign));
        if !line.trim().is_empty() && !rule {
            // A line that ends a sentence was ended by its writer as often as not.
            lengths.push((
                length,
                line.trim_end().ends_with(['。', '?', '？', '!', '！', ')', '）', '】', '√', '×', ';', '；']),
            ));
        }
    }
    let widest = lengths.iter().map(|l| l.0).max().filter(|w| (12..=200).contains(w))?;
    let full = lengths.iter().filter(|l| l.0 + 1 >= widest && !l.1).count();
    (full >= 3 && full * 7 >= lengths.len()).then_some(widest)
}

impl Text {
    /// Folds `source`.
    pub(super) fn fold(source: &str) -> Self {
        let width = wrap_width(source);
        let guess = source.len() / 3 + 16;
        let mut text = Self {
            chars: Vec::with_capacity(guess),
            flags: Vec::with_capacity(guess),
            shown: Vec::with_capacity(guess),
            line: Vec::with_capacity(guess),
            column: Vec::with_capacity(guess),
            cut_end: false,
        };
        let (mut line, mut column, mut pending, mut after_cr) = (1_u32, 0_u32, LINE, false);
        for c in source.chars() {
            if matches!(c, '\n' | '\r' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') {
                let half = c == '\n' && after_cr;
                after_cr = c == '\r';
                if half {
                    continue;
                }
                // Only `\n`, `\r` and `\r\n` count as lines, as an editor counts them.
                if matches!(c, '\n' | '\r') {
                    line = line.saturating_add(1);
                }
                let full = width.is_some_and(|w| column as usize + 1 >= w);
                if full && pending & LINE == 0 {
                    pending |= WRAP;
                } else if column > 0 {
                    pending = (pending & !WRAP) | LINE;
                }
                column = 0;
                continue;
            }
            after_cr = false;
            if c != '\u{feff}' {
                column = column.saturating_add(1);
            }
            match fold(c) {
                Fold::Drop => {}
                Fold::Blank => pending |= BLANK,
                Fold::One(one) => {
                    text.push(one, c, line, column, pending);
                    pending = 0;
                }
                Fold::Many(many) => {
                    for (i, one) in many.into_iter().enumerate() {
                        text.push(one, if i == 0 { c } else { '\0' }, line, column, pending);
                        pending = 0;
                    }
                }
            }
        }
        text
    }

    fn push(&mut self, c: char, shown: char, line: u32, column: u32, flags: u8) {
        self.chars.push(c);
        self.shown.push(shown);
        self.line.push(line);
        self.column.push(column);
        self.flags.push(flags);
    }

    /// The same text without the stretches in `gone` (sorted, disjoint); what follows a `true` one carries `CUT`.
    pub(super) fn without(self, gone: &[(Range<usize>, bool)]) -> Self {
        if gone.is_empty() {
            return self;
        }
        let mut kept = Self {
            chars: vec![],
            flags: vec![],
            shown: vec![],
            line: vec![],
            column: vec![],
            cut_end: self.cut_end,
        };
        let (mut next, mut pending) = (0, 0);
        for i in 0..self.chars.len() {
            while gone.get(next).is_some_and(|(range, _)| range.end <= i) {
                next += 1;
            }
            if let Some((range, cut)) = gone.get(next)
                && range.start <= i
            {
                pending |= self.flags[i] & (LINE | BLANK);
                if *cut {
                    pending |= CUT;
                }
                continue;
            }
            kept.push(self.chars[i], self.shown[i], self.line[i], self.column[i], self.flags[i] | pending);
            pending = 0;
        }
        kept.cut_end |= pending & CUT != 0;
        kept
    }

    /// Number of characters.
    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    /// The character at `i`, or NUL past the end.
    pub(super) fn at(&self, i: usize) -> char {
        self.chars.get(i).copied().unwrap_or('\0')
    }

    /// The character before `i`, or NUL at the start.
    pub(super) fn before(&self, i: usize) -> char {
        if i == 0 { '\0' } else { self.at(i - 1) }
    }

    /// Whether a line ends before `i` for sure (the end of the text counts).
    pub(super) fn breaks(&self, i: usize) -> bool {
        i == 0 || i >= self.len() || self.flags[i] & (LINE | CUT) != 0
    }

    /// Whether any of `mask` is set at `i`.
    pub(super) fn has(&self, i: usize, mask: u8) -> bool {
        match self.flags.get(i) {
            Some(flags) => flags & mask != 0,
            None => self.cut_end && mask & CUT != 0,
        }
    }

    /// Whether `word` stands at `i`.
    pub(super) fn starts(&self, i: usize, word: &str) -> bool {
        word.chars().zip(i..).all(|(c, at)| self.at(at) == c)
    }

    /// Whether `word`, given in small letters and without blanks, stands at `i` in any case.
    pub(super) fn starts_small(&self, i: usize, word: &str) -> bool {
        word.chars().zip(i..).all(|(c, at)| self.at(at).to_ascii_lowercase() == c)
    }

    /// The first of `words` that stands at `i`, with its length in characters.
    pub(super) fn one_of<'w>(&self, i: usize, words: &[&'w str]) -> Option<(&'w str, usize)> {
        words.iter().find(|w| self.starts(i, w)).map(|w| (*w, w.chars().count()))
    }

    /// Whether any of `words` stands within `range`.
    pub(super) fn contains(&self, range: Range<usize>, words: &[&str]) -> bool {
        range.into_iter().any(|i| self.one_of(i, words).is_some())
    }

    /// The folded characters of a stretch.
    pub(super) fn folded(&self, range: Range<usize>) -> String {
        let end = range.end.min(self.len());
        self.chars.get(range.start.min(end)..end).unwrap_or(&[]).iter().collect()
    }

    /// The original characters of a stretch: wrapped lines joined, blanks single, ends trimmed.
    pub(super) fn show(&self, range: Range<usize>) -> String {
        let end = range.end.min(self.len());
        let mut out = String::new();
        for i in range.start.min(end)..end {
            if self.shown[i] == '\0' {
                continue;
            }
            if !out.is_empty() {
                let latin = self.before(i).is_ascii_alphabetic() && self.chars[i].is_ascii_alphabetic();
                if i > 0 && self.has(i, LINE) && self.has(i, CODE) && self.has(i - 1, CODE) {
                    out.push('\n');
                    let indent = self.column.get(i).map_or(0, |c| c.saturating_sub(1) as usize);
                    out.extend(std::iter::repeat_n(' ', indent.min(40)));
                } else if self.has(i, BLANK) || (latin && self.has(i, LINE | WRAP)) {
                    out.push(' ');
                }
            }
            out.push(self.shown[i]);
        }
        out
    }

    /// Line (from 1) in the original of the character at `i`.
    pub(super) fn line(&self, i: usize) -> u32 {
        self.line.get(i).or(self.line.last()).copied().unwrap_or(1)
    }

    /// Column (from 1, in characters) in the original of the character at `i`.
    pub(super) fn column(&self, i: usize) -> u32 {
        self.column.get(i).or(self.column.last()).copied().unwrap_or(1)
    }

    /// The lines as their writer ended them: wraps joined, empty ones left out.
    pub(super) fn lines(&self) -> Vec<Range<usize>> {
        let mut lines = Vec::new();
        let mut start = 0;
        for i in 1..=self.len() {
            if self.breaks(i) {
                lines.push(start..i);
                start = i;
            }
        }
        if self.len() == 0 { Vec::new() } else { lines }
    }
}
