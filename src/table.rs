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

/// Columns that a table takes at most, its indent included, where folding can do it.
const TABLE_COLUMNS: usize = 100;

/// No column of words is made narrower than this.
const NARROWEST: usize = 12;

/// A text in lines of at most so many columns, words without a blank in them broken where they must be.
fn fold(text: &str, columns: usize) -> Vec<String> {
    if text.width() <= columns {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    for line in wrap(text, columns) {
        let mut rest = line.as_str();
        while rest.width() > columns {
            let mut used = 0;
            let end = rest.char_indices().find(|(_, c)| {
                used += c.width().unwrap_or(0);
                used > columns
            });
            // Never without progress, however narrow the column.
            let (head, tail) = rest.split_at(end.map_or(rest.len(), |(at, c)| at.max(c.len_utf8())));
            lines.push(head.to_owned());
            rest = tail;
        }
        lines.push(rest.to_owned());
    }
    lines
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
        let mut widths: Vec<usize> = (0..self.head.len())
            .map(|i| {
                let rows = self.rows.iter().map(|row| cell(row, i).width());
                rows.chain([self.head[i].0.width()]).max().unwrap_or(0)
            })
            .collect();
        self.narrow(&mut widths, TABLE_COLUMNS.saturating_sub(indent.width()));
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
            // A cell that is wider than its column goes on in the lines below.
            let folded: Vec<Vec<String>> =
                (0..self.head.len()).map(|i| fold(&cell(row, i), widths[i])).collect();
            for k in 0..folded.iter().map(Vec::len).max().unwrap_or(0) {
                out.push_str(&line(folded.iter().map(|c| c.get(k).cloned().unwrap_or_default()).collect()));
            }
        }
        out
    }

    /// Takes columns of words in, the widest first, until the table fits; none below the width of its head or of
    /// [`NARROWEST`]. Names, which people copy, are folded only where that of all others does not do; figures never.
    fn narrow(&self, widths: &mut [usize], room: usize) {
        let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let names: Vec<bool> = (0..widths.len())
            .map(|i| self.rows.iter().filter_map(|row| row.get(i)).all(|cell| is_name(cell)))
            .collect();
        let gaps = 3 * widths.len().saturating_sub(1);
        loop {
            let over = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
            if over == 0 {
                return;
            }
            let least = |i: usize| NARROWEST.max(self.head[i].0.width());
            let widest = (0..widths.len())
                .filter(|i| self.head[*i].1 == Align::Left && widths[*i] > least(*i))
                .max_by_key(|i| (!names[*i], widths[*i]));
            let Some(widest) = widest else { return };
            // Down to the next widest at most, so that several wide columns share what has to go.
            widths[widest] = least(widest).max(widths[widest] - over.min(4));
        }
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
    fn a_wide_table_is_folded_and_keeps_every_character() {
        let mut table = Table::new(&["名称", "说明", ">分"]);
        let long = "客户关系管理人员应当在规定时间内回应投诉并记录处理结果。".repeat(4);
        let word = "x".repeat(150);
        table.row([long.clone(), word.clone(), "100".into()]);
        table.row(["短".into(), "short words here".into(), "2".into()]);
        let shown = table.show("  ");
        assert!(shown.lines().all(|line| line.width() <= TABLE_COLUMNS), "{shown}");
        let column = |i: usize| -> String {
            let cells = shown.lines().skip(2).filter_map(|line| line.split(" │").nth(i));
            cells.map(str::trim).collect()
        };
        assert_eq!(column(0), format!("{long}短"));
        assert!(column(1).starts_with(&word), "{shown}");
        assert_eq!(shown.matches("100").count(), 1);
    }

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::new(&["题", ">分"]);
        table.row(["单选".into(), "2".into()]);
        table.row(["x".into(), "10".into()]);
        assert_eq!(table.show(""), "题   │ 分\n─────┼───\n单选 │  2\nx    │ 10\n");
    }
}
