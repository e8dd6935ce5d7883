//! Traditional Chinese characters and their simplified forms, one by one: for comparing texts, not for converting them.
//! Whether a character is to be simplified can hang on the word (乾 in 乾坤); where only one of two people had to decide
//! that, their texts must still be equal, so both are folded alike and what is lost is a difference nobody asked for.
//!
//! `simplified.txt` is made of the first choices in `TSCharacters.txt` of [OpenCC](https://github.com/BYVoid/OpenCC)
//! 1.4.2 (Apache-2.0; see `NOTICE`), less what lies outside of the Basic Multilingual Plane, with four characters that
//! OpenCC leaves to its phrases (瞭 著 藉 覆), and followed to the end of a chain. One line a character, in order.

/// The table: on every line a character, its simplified form and a line feed, of three, three and one bytes.
static TABLE: &str = include_str!("simplified.txt");
/// The bytes of a line.
const LINE: usize = 7;

/// The simplified form of a character; the character itself where it has none.
///
/// ```
/// use assessd::scoring::simplified::simplified;
/// assert_eq!("客戶關係".chars().map(simplified).collect::<String>(), "客户关系");
/// assert_eq!(simplified('后'), '后');
/// ```
pub fn simplified(c: char) -> char {
    if !matches!(c, '\u{3400}'..='\u{9fff}') {
        return c;
    }
    let line = |at: usize| TABLE.get(at * LINE..).unwrap_or_default();
    let first = |at: usize| line(at).chars().next();
    let (mut low, mut high) = (0, TABLE.len() / LINE);
    while low < high {
        let middle = low + (high - low) / 2;
        match first(middle) {
            Some(found) if found < c => low = middle + 1,
            _ => high = middle,
        }
    }
    let mut entry = line(low).chars();
    if entry.next() == Some(c) { entry.next().unwrap_or(c) } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_ends_its_chains() {
        let lines: Vec<Vec<char>> = TABLE.lines().map(|line| line.chars().collect()).collect();
        assert!(lines.len() > 2900);
        assert_eq!(lines.len() * LINE, TABLE.len());
        assert!(lines.is_sorted_by(|a, b| a[0] < b[0]));
        for line in &lines {
            assert_eq!(line.len(), 2);
            assert_eq!(simplified(line[0]), line[1]);
            assert_eq!(simplified(line[1]), line[1], "{line:?}");
        }
    }

    #[test]
    fn everyday_words() {
        for (traditional, plain) in [
            ("客戶滿意度調查", "客户满意度调查"),
            ("服務體驗與忠誠度", "服务体验与忠诚度"),
            ("發佈後瞭解反饋", "发布后了解反馈"),
            ("佔比、癒合、旅遊、兇險", "占比、愈合、旅游、凶险"),
            ("臺灣裡著", "台湾里着"),
            ("客户关系管理 CRM 3.14", "客户关系管理 CRM 3.14"),
        ] {
            assert_eq!(traditional.chars().map(simplified).collect::<String>(), plain);
        }
        assert_eq!(simplified('𠀀'), '𠀀');
        assert_eq!(simplified('㐀'), '㐀');
        assert_eq!(simplified('\u{9fff}'), '\u{9fff}');
    }
}
