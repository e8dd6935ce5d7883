//! Characters that a reader cannot tell apart, or does not see at all. The one definition that texts, numbers, units,
//! names, essays and candidates share: which characters are invisible, which are only wider or narrower forms of others,
//! and which are typographic twins.
//!
//! Compatibility forms (NFKC) are folded nowhere: `²`, `②`, `Ⅱ` and `½` are other characters than digits and letters, and
//! 10² is not 102.

use unicode_normalization::UnicodeNormalization;

/// Whether a character shows nothing: controls, what Unicode calls default-ignorable (soft hyphen, zero-width space and
/// joiners, direction marks, variation selectors, tags, Hangul fillers and the like), the blank Braille pattern and the
/// marks of interlinear notes. White space is not among them.
///
/// ```
/// use assessd::glyphs::is_invisible;
/// assert!("\u{ad}\u{200b}\u{202e}\u{2066}\u{3164}\u{fe0f}\u{e0041}\u{7}".chars().all(is_invisible));
/// assert!(!"a 字\u{301}\u{3000}\n".chars().any(is_invisible));
/// ```
pub fn is_invisible(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '\u{0}'..='\u{9f}' => !c.is_whitespace(),
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => true,
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => true,
        '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// Whether a text shows nothing at all.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// A character in its usual width: full-width letters, digits and signs, the ideographic space, half-width katakana and
/// Hangul, and half-width signs. Nothing else changes.
///
/// ```
/// use assessd::glyphs::usual_width;
/// assert_eq!("ＡＢ１２（％）　ｱ²②".chars().map(usual_width).collect::<String>(), "AB12(%) ア²②");
/// ```
pub fn usual_width(c: char) -> char {
    let shifted = |from: u32, to: u32| char::from_u32(u32::from(c) - from + to).unwrap_or(c);
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => shifted(0xff01, 0x21),
        '\u{ff5f}' => '\u{2985}',
        '\u{ff60}' => '\u{2986}',
        '\u{ff61}'..='\u{ff9f}' => KATAKANA.get(c as usize - 0xff61).copied().unwrap_or(c),
        '\u{ffa1}'..='\u{ffbe}' => shifted(0xffa1, 0x3131),
        '\u{ffc2}'..='\u{ffc7}' => shifted(0xffc2, 0x314f),
        '\u{ffca}'..='\u{ffcf}' => shifted(0xffca, 0x3155),
        '\u{ffd2}'..='\u{ffd7}' => shifted(0xffd2, 0x315b),
        '\u{ffda}'..='\u{ffdc}' => shifted(0xffda, 0x3161),
        '\u{ffe0}' => '\u{a2}',
        '\u{ffe1}' => '\u{a3}',
        '\u{ffe2}' => '\u{ac}',
        '\u{ffe3}' => '\u{af}',
        '\u{ffe4}' => '\u{a6}',
        '\u{ffe5}' => '\u{a5}',
        '\u{ffe6}' => '\u{20a9}',
        '\u{ffe8}' => '\u{2502}',
        '\u{ffe9}'..='\u{ffec}' => shifted(0xffe9, 0x2190),
        '\u{ffed}' => '\u{25a0}',
        '\u{ffee}' => '\u{25cb}',
        _ => c,
    }
}

/// The half-width forms U+FF61 to U+FF9F in their usual width; the voicing marks as combining ones.
const KATAKANA: [char; 63] = [
    '。', '「', '」', '、', '・', 'ヲ', 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ャ', 'ュ', 'ョ', 'ッ', 'ー', 'ア',
    'イ', 'ウ', 'エ', 'オ', 'カ', 'キ', 'ク', 'ケ', 'コ', 'サ', 'シ', 'ス', 'セ', 'ソ', 'タ', 'チ', 'ツ',
    'テ', 'ト', 'ナ', 'ニ', 'ヌ', 'ネ', 'ノ', 'ハ', 'ヒ', 'フ', 'ヘ', 'ホ', 'マ', 'ミ', 'ム', 'メ', 'モ',
    'ヤ', 'ユ', 'ヨ', 'ラ', 'リ', 'ル', 'レ', 'ロ', 'ワ', 'ン', '\u{3099}', '\u{309a}',
];

/// Typographic twins by code point, with the plain characters that they count as: Unicode's confusables (UTS #39)
/// restricted to apostrophes, quotes, hyphens, dashes, tildes, dots, and signs of units that are made of others.
/// Superscripts keep their place: `㎡` counts as `m²`, not as `m2`.
const TWINS: &[(char, &str, &str)] = &[
    ('\u{60}', "'", "GRAVE ACCENT"),
    ('\u{b4}', "'", "ACUTE ACCENT"),
    ('\u{b5}', "μ", "MICRO SIGN"),
    ('\u{2b9}', "'", "MODIFIER LETTER PRIME"),
    ('\u{2ba}', "\"", "MODIFIER LETTER DOUBLE PRIME"),
    ('\u{2bb}', "'", "MODIFIER LETTER TURNED COMMA"),
    ('\u{2bc}', "'", "MODIFIER LETTER APOSTROPHE"),
    ('\u{2bd}', "'", "MODIFIER LETTER REVERSED COMMA"),
    ('\u{2c8}', "'", "MODIFIER LETTER VERTICAL LINE"),
    ('\u{2ca}', "'", "MODIFIER LETTER ACUTE ACCENT"),
    ('\u{2cb}', "'", "MODIFIER LETTER GRAVE ACCENT"),
    ('\u{2d7}', "-", "MODIFIER LETTER MINUS SIGN"),
    ('\u{2dd}', "\"", "DOUBLE ACUTE ACCENT"),
    ('\u{2ee}', "\"", "MODIFIER LETTER DOUBLE APOSTROPHE"),
    ('\u{384}', "'", "GREEK TONOS"),
    ('\u{55a}', "'", "ARMENIAN APOSTROPHE"),
    ('\u{58a}', "-", "ARMENIAN HYPHEN"),
    ('\u{5f3}', "'", "HEBREW PUNCTUATION GERESH"),
    ('\u{5f4}', "\"", "HEBREW PUNCTUATION GERSHAYIM"),
    ('\u{1427}', "·", "CANADIAN SYLLABICS FINAL MIDDLE DOT"),
    ('\u{1fbd}', "'", "GREEK KORONIS"),
    ('\u{1fbf}', "'", "GREEK PSILI"),
    ('\u{1ffe}', "'", "GREEK DASIA"),
    ('\u{2010}', "-", "HYPHEN"),
    ('\u{2011}', "-", "NON-BREAKING HYPHEN"),
    ('\u{2012}', "-", "FIGURE DASH"),
    ('\u{2013}', "-", "EN DASH"),
    ('\u{2014}', "-", "EM DASH"),
    ('\u{2015}', "-", "HORIZONTAL BAR"),
    ('\u{2018}', "'", "LEFT SINGLE QUOTATION MARK"),
    ('\u{2019}', "'", "RIGHT SINGLE QUOTATION MARK"),
    ('\u{201b}', "'", "SINGLE HIGH-REVERSED-9 QUOTATION MARK"),
    ('\u{201c}', "\"", "LEFT DOUBLE QUOTATION MARK"),
    ('\u{201d}', "\"", "RIGHT DOUBLE QUOTATION MARK"),
    ('\u{201e}', "\"", "DOUBLE LOW-9 QUOTATION MARK"),
    ('\u{201f}', "\"", "DOUBLE HIGH-REVERSED-9 QUOTATION MARK"),
    ('\u{2022}', "·", "BULLET"),
    ('\u{2024}', ".", "ONE DOT LEADER"),
    ('\u{2026}', "...", "HORIZONTAL ELLIPSIS"),
    ('\u{2027}', "·", "HYPHENATION POINT"),
    ('\u{2032}', "'", "PRIME"),
    ('\u{2033}', "\"", "DOUBLE PRIME"),
    ('\u{2035}', "'", "REVERSED PRIME"),
    ('\u{2036}', "\"", "REVERSED DOUBLE PRIME"),
    ('\u{2043}', "-", "HYPHEN BULLET"),
    ('\u{2053}', "~", "SWUNG DASH"),
    ('\u{2103}', "°C", "DEGREE CELSIUS"),
    ('\u{2109}', "°F", "DEGREE FAHRENHEIT"),
    ('\u{2212}', "-", "MINUS SIGN"),
    ('\u{2219}', "·", "BULLET OPERATOR"),
    ('\u{223c}', "~", "TILDE OPERATOR"),
    ('\u{22c5}', "·", "DOT OPERATOR"),
    ('\u{22ef}', "...", "MIDLINE HORIZONTAL ELLIPSIS"),
    ('\u{2500}', "-", "BOX DRAWINGS LIGHT HORIZONTAL"),
    ('\u{2501}', "-", "BOX DRAWINGS HEAVY HORIZONTAL"),
    ('\u{275b}', "'", "HEAVY SINGLE TURNED COMMA QUOTATION MARK ORNAMENT"),
    ('\u{275c}', "'", "HEAVY SINGLE COMMA QUOTATION MARK ORNAMENT"),
    ('\u{275d}', "\"", "HEAVY DOUBLE TURNED COMMA QUOTATION MARK ORNAMENT"),
    ('\u{275e}', "\"", "HEAVY DOUBLE COMMA QUOTATION MARK ORNAMENT"),
    ('\u{2796}', "-", "HEAVY MINUS SIGN"),
    ('\u{2e31}', "·", "WORD SEPARATOR MIDDLE DOT"),
    ('\u{2e33}', "·", "RAISED DOT"),
    ('\u{301c}', "~", "WAVE DASH"),
    ('\u{301d}', "\"", "REVERSED DOUBLE PRIME QUOTATION MARK"),
    ('\u{301e}', "\"", "DOUBLE PRIME QUOTATION MARK"),
    ('\u{301f}', "\"", "LOW DOUBLE PRIME QUOTATION MARK"),
    ('\u{30fb}', "·", "KATAKANA MIDDLE DOT"),
    ('\u{3388}', "cal", "SQUARE CAL"),
    ('\u{3389}', "kcal", "SQUARE KCAL"),
    ('\u{338d}', "μg", "SQUARE MU G"),
    ('\u{338e}', "mg", "SQUARE MG"),
    ('\u{338f}', "kg", "SQUARE KG"),
    ('\u{3390}', "Hz", "SQUARE HZ"),
    ('\u{3391}', "kHz", "SQUARE KHZ"),
    ('\u{3392}', "MHz", "SQUARE MHZ"),
    ('\u{3393}', "GHz", "SQUARE GHZ"),
    ('\u{3395}', "μl", "SQUARE MU L"),
    ('\u{3396}', "ml", "SQUARE ML"),
    ('\u{339b}', "μm", "SQUARE MU M"),
    ('\u{339c}', "mm", "SQUARE MM"),
    ('\u{339d}', "cm", "SQUARE CM"),
    ('\u{339e}', "km", "SQUARE KM"),
    ('\u{339f}', "mm²", "SQUARE MM SQUARED"),
    ('\u{33a0}', "cm²", "SQUARE CM SQUARED"),
    ('\u{33a1}', "m²", "SQUARE M SQUARED"),
    ('\u{33a2}', "km²", "SQUARE KM SQUARED"),
    ('\u{33a3}', "mm³", "SQUARE MM CUBED"),
    ('\u{33a4}', "cm³", "SQUARE CM CUBED"),
    ('\u{33a5}', "m³", "SQUARE M CUBED"),
    ('\u{33a6}', "km³", "SQUARE KM CUBED"),
    ('\u{33a9}', "Pa", "SQUARE PA"),
    ('\u{33aa}', "kPa", "SQUARE KPA"),
    ('\u{33ab}', "MPa", "SQUARE MPA"),
    ('\u{33b7}', "mV", "SQUARE MV"),
    ('\u{33b8}', "kV", "SQUARE KV"),
    ('\u{33bd}', "mW", "SQUARE MW"),
    ('\u{33be}', "kW", "SQUARE KW"),
    ('\u{33bf}', "MW", "SQUARE MW MEGA"),
    ('\u{33c4}', "cc", "SQUARE CC"),
    ('\u{33c8}', "dB", "SQUARE DB"),
    ('\u{33d5}', "mil", "SQUARE MIL"),
    ('\u{33d6}', "mol", "SQUARE MOL"),
    ('\u{a78c}', "'", "LATIN SMALL LETTER SALTILLO"),
    ('\u{a78f}', "·", "LATIN LETTER SINOLOGICAL DOT"),
    ('\u{fe31}', "-", "PRESENTATION FORM FOR VERTICAL EM DASH"),
    ('\u{fe32}', "-", "PRESENTATION FORM FOR VERTICAL EN DASH"),
    ('\u{fe52}', ".", "SMALL FULL STOP"),
    ('\u{fe58}', "-", "SMALL EM DASH"),
    ('\u{fe63}', "-", "SMALL HYPHEN-MINUS"),
];

/// What a typographic twin counts as; `None` for every other character.
///
/// ```
/// use assessd::glyphs::twin;
/// assert_eq!((twin('’'), twin('–'), twin('・'), twin('a')), (Some("'"), Some("-"), Some("·"), None));
/// ```
pub fn twin(c: char) -> Option<&'static str> {
    if c.is_ascii() && c != '`' {
        return None;
    }
    TWINS.binary_search_by_key(&c, |(twin, ..)| *twin).ok().map(|at| TWINS[at].1)
}

/// Two apostrophes count as one double quote, three full stops or more as an ellipsis: what is left of the twins that
/// are written with several characters. Idempotent.
pub fn join_twins(text: String) -> String {
    if !text.contains("''") && !text.contains("...") {
        return text;
    }
    let quoted = text.replace("''", "\"");
    let mut out = String::with_capacity(quoted.len());
    let mut rest = quoted.as_str();
    while let Some(at) = rest.find("...") {
        out.push_str(&rest[..at]);
        out.push('…');
        rest = rest[at..].trim_start_matches('.');
    }
    out + rest
}

/// A character as full case folding wants it (Unicode `CaseFolding.txt`, statuses C and F): down, up and down again, so
/// that `ẞ`, `ß` and `ss` are one, and so are the Greek sigmas. The dotless `ı` stays itself.
pub fn fold_case(c: char) -> impl Iterator<Item = char> {
    let keep = (c == 'ı').then_some(c);
    let folds = (c != 'ı').then_some(c).into_iter();
    keep.into_iter()
        .chain(folds.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase))
}

/// A short text such as the name of a unit as it is compared: without white space and what is invisible, in its usual
/// width, composed (NFC), and with its twins in their plain form where `twins` says so.
pub fn bare(text: &str, twins: bool) -> String {
    let shown = text.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).map(usual_width);
    let mut out = String::with_capacity(text.len());
    for c in shown.filter(|c| !c.is_whitespace()).nfc() {
        match twin(c).filter(|_| twins) {
            Some(plain) => out.push_str(plain),
            None => out.push(c),
        }
    }
    if twins { join_twins(out) } else { out }
}

/// The first invisible character of a text.
pub fn first_invisible(text: &str) -> Option<char> {
    text.chars().find(|c| is_invisible(*c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_ends() {
        assert!(TWINS.is_sorted_by(|(a, ..), (b, ..)| a < b));
        for (c, plain, name) in TWINS {
            assert!(plain.chars().all(|p| twin(p).is_none() || *plain == "..."), "{name} is folded twice");
            assert!(
                !is_invisible(*c) && c.nfc().eq([*c]) && usual_width(*c) == *c,
                "{name} never comes so far"
            );
            assert_eq!(twin(*c), Some(*plain));
        }
    }

    #[test]
    fn only_widths_change_and_as_unicode_says() {
        for c in '\0'..=char::MAX {
            let usual = usual_width(c);
            if usual == c {
                continue;
            }
            assert!(c == '\u{3000}' || ('\u{ff00}'..='\u{ffef}').contains(&c), "{c:?}");
            // Half-width Hangul and the macron have further compatibility forms of their own.
            assert!(c.nfkc().eq(usual.nfkc()), "{c:?} is {usual:?}");
            assert_eq!(usual_width(usual), usual);
        }
        let wide = ('\u{ff01}'..='\u{ffee}').filter(|c| !c.nfkc().eq([*c])).filter(|c| usual_width(*c) == *c);
        assert_eq!(wide.collect::<String>(), "\u{ffa0}", "the Hangul filler is invisible");
    }

    #[test]
    fn case_folds_fully() {
        let fold = |text: &str| text.chars().flat_map(fold_case).collect::<String>();
        for (one, other) in [
            ("STRAẞE", "straße"),
            ("Straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ŒUVRE", "œuvre"),
            ("ſ", "S"),
            ("ﬀ", "FF"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("ı"), fold("i"));
    }

    #[test]
    fn several_characters_join() {
        for (text, joined) in
            [("a''b", "a\"b"), ("etc......", "etc…"), ("a..b", "a..b"), ("'''", "\"'"), ("…", "…")]
        {
            assert_eq!(join_twins(text.to_owned()), joined);
        }
        assert_eq!(bare("Ｎ • ｍ\u{200b}", true), bare("N⋅m", true));
        assert_ne!(bare("N•m", false), bare("N⋅m", false));
        assert_eq!(bare("㎡", true), "m²");
        assert_eq!(bare("℃", true), bare("° C", true));
    }
}
