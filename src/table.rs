//! Text for terminals that knows that a Chinese character is two columns wide.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text, filled up with blanks to that many columns.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// The text, cut to that many columns; a cut shows as `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// The text in lines of at most so many columns. A line breaks at a blank or beside a wide character, and no line
/// begins with a closing mark.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        // Where the line may break, in bytes, if it must.
        let mut gap = 0;
        for c in paragraph.chars() {
            let width = c.width().unwrap_or(0);
            let closing = "，。、；：？！）》”’】,.;:?!)]}%".contains(c);
            if (width == 2 || c == ' ') && !closing {
                gap = line.len();
            }
            if used + width > columns && !line.is_empty() {
                let rest = if gap > 0 { line.split_off(gap) } else { String::new() };
                lines.push(line.trim_end().to_owned());
                line = rest.trim_start().to_owned();
                used = line.width();
                gap = 0;
                if c == ' ' && line.is_empty() {
                    continue;
                }
            }
            line.push(c);
            used += width;
            if width == 2 && !"（《“‘【".contains(c) && !closing {
                gap = gap.max(line.len() - c.len_utf8());
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// A table with a head, drawn with light lines.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns; one whose head begins with `>` holds figures and stands to the right.
    pub fn new(head: &[&str]) -> Self {
        let column = |text: &&str| match text.strip_prefix('>') {
            Some(text) => (text.to_owned(), Align::Right),
            None => ((*text).to_owned(), Align::Left),
        };
        Self { head: head.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row; cells that are missing stay empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, each line behind that indent.
    pub fn show(&self, indent: &str) -> String {
        let cell = |row: &'_ [String], i: usize| row.get(i).cloned().unwrap_or_default();
        let widths: Vec<usize> = (0..self.head.len())
            .map(|i| {
                let rows = self.rows.iter().map(|row| cell(row, i).width());
                rows.chain([self.head[i].0.width()]).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: Vec<String>| {
            let shown: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(i, text)| match self.head[i].1 {
                    Align::Left => pad(text, widths[i]),
                    Align::Right => format!("{}{text}", " ".repeat(widths[i] - text.width())),
                })
                .collect();
            format!("{indent}{}\n", shown.join(" │ ").trim_end())
        };
        let mut out = line(self.head.iter().map(|(text, _)| text.clone()).collect());
        let rule: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
        out.push_str(&format!("{indent}{}\n", rule.join("─┼─")));
        for row in &self.rows {
            out.push_str(&line((0..self.head.len()).map(|i| cell(row, i)).collect()));
        }
        out
    }
}

/// A bar of that share (0 to 1) of so many columns, to an eighth of a column.
pub fn bar(share: f64, columns: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * columns as f64 * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_counts_twice() {
        assert_eq!(pad("题号", 6), "题号  ");
        assert_eq!(cut("客户关系管理", 7), "客户关…");
        assert_eq!(cut("客户", 4), "客户");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.03125, 4), "▏");
    }

    #[test]
    fn lines_keep_their_width_and_their_closing_marks() {
        let lines = wrap("客户终身价值关注的是。RFM model here, and there", 20);
        assert!(lines.iter().all(|l| l.width() <= 20), "{lines:?}");
        assert!(lines.iter().all(|l| !l.starts_with('。') && !l.starts_with(',')), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), "客户终身价值关注的是。RFMmodelhere,andthere");
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert_eq!(wrap("four five six", 4), ["four", "five", "six"]);
    }

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::new(&["题", ">分"]);
        table.row(["单选".into(), "2".into()]);
        table.row(["x".into(), "10".into()]);
        assert_eq!(table.show(""), "题   │ 分\n─────┼───\n单选 │  2\nx    │ 10\n");
    }
}
