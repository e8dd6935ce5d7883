//! Accepted answers that are regular expressions. Matching takes time linear in the text (the `regex` crate has no
//! look-around and no back-references), compiled programs are bounded in size, and the whole text must match.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take: enough for a few classes of letters, not for a counted repetition of them.
const COMPILED: usize = 128 * 1024;
/// Bytes that matching may remember for one expression and thread; beyond it starts anew.
const REMEMBERED: usize = 256 * 1024;
/// How deep groups may nest.
const NESTED: u32 = 32;

/// A regular expression that a whole text must match.
#[derive(Clone)]
pub struct Expression {
    source: String,
    whole: Regex,
}

impl Expression {
    /// Compiles an expression; the error says in words what is wrong with it.
    ///
    /// ```
    /// use assessd::scoring::expression::Expression;
    /// let year = Expression::new(r"(19|20)\d\d年?", false).unwrap();
    /// assert!(year.matches("1999") && year.matches("2026年"));
    /// assert!(!year.matches("在1999年"), "the whole text must match");
    /// assert!(Expression::new(r"(a+)\1", false).is_err(), "what cannot be matched in linear time is refused");
    /// ```
    pub fn new(source: &str, case_sensitive: bool) -> Result<Self, String> {
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(!case_sensitive)
                .size_limit(COMPILED)
                .dfa_size_limit(REMEMBERED)
                .nest_limit(NESTED)
                .build()
        };
        // Alone first, so that no parenthesis of the expression closes the group that anchors it; the group can still
        // be left open, by a comment, and then the second compilation fails.
        let compiled = compile(source).and_then(|_| compile(&format!(r"\A(?:{source})\z")));
        let whole = compiled.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("is a regular expression that takes more than {} KB", COMPILED / 1024)
            }
            // The last line says what, those before point at the place.
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                format!("is no regular expression: {}", last.trim_start_matches("error: "))
            }
        })?;
        Ok(Self { source: source.to_owned(), whole })
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// Roughly how many bytes this takes, for a bounded cache: what it may take at most, as nobody can tell.
    pub fn weight(&self) -> usize {
        COMPILED
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        // The anchored pattern and its flags come from the source and one switch of the whole question.
        self.source == other.source
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_must_match() {
        let of = |source: &str, text: &str| Expression::new(source, false).unwrap().matches(text);
        assert!(of("a|ab", "ab"), "whichever alternative fits the whole");
        assert!(!of("a|b", "ab"));
        assert!(!of("a", "a\n"));
        assert!(of("A.c", "abc"));
        assert!(!Expression::new("A.c", true).unwrap().matches("abc"));
        assert!(of("客户(关系)?管理", "客户管理"));
        assert!(of("(?-i)A", "A") && !of("(?-i)A", "a"));
        assert!(of("", "") && !of("", "a"));
    }

    #[test]
    fn what_cannot_be_bounded_is_refused() {
        let why = |source: &str| Expression::new(source, false).unwrap_err();
        assert!(why("a)|(b").contains("unopened group"));
        assert!(why("(").contains("unclosed group"));
        assert!(why("(?x) a # to the end of the line").contains("unclosed group"));
        assert!(why("(?=a)").contains("look-around"));
        assert!(why(r"\w{1000}").contains("more than 128 KB"));
        assert!(why("((a{100}){100}){100}").contains("more than 128 KB"));
        let deep = format!("{}{}", "(".repeat(200), ")".repeat(200));
        assert!(why(&deep).contains("nest"), "{}", why(&deep));
    }

    #[test]
    fn time_is_linear() {
        let evil = Expression::new("(a*)*(a|aa)+b", false).unwrap();
        assert!(!evil.matches(&"a".repeat(1 << 20)));
    }
}
