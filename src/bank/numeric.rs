//! What a numeric question (计算/数值) asks for: the right number, how near is near enough, and how an answer may be
//! written. Numbers are kept as their author wrote them; [`crate::scoring::numeric`] reads and compares them.

use serde::{Deserialize, Serialize};

use super::content::is_on;
use crate::scoring::numeric::Number;

/// A number to give.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numeric {
    /// The right number; empty while the key is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// How far from it is still right.
    #[serde(default, skip_serializing_if = "Margin::is_exact")]
    pub margin: Margin,
    /// How an answer may be written.
    #[serde(default, skip_serializing_if = "Forms::is_default")]
    pub forms: Forms,
    /// The units that may follow; none: nothing may follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<NamedUnit>,
    /// Whether one of the units must follow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unit_required: bool,
}

/// How far from the right number is still right, its amount as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// The same number.
    #[default]
    Exact,
    /// So much up or down.
    Absolute(String),
    /// Such a share of the right number up or down.
    Relative(String),
    /// A factor of one and so much, up or down.
    Geometric(String),
    /// The same after rounding to so many significant digits.
    SignificantDigits(u8),
}

impl Margin {
    fn is_exact(&self) -> bool {
        *self == Self::Exact
    }
}

/// A unit, its factor as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedUnit {
    /// How it is written.
    pub name: String,
    /// What a number in it is multiplied by; empty is 1.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub factor: String,
}

/// Which ways of writing a number are accepted, beside plain decimals such as `-12.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forms {
    /// `1,234.5`: commas between groups of three digits. On by default.
    pub thousands: bool,
    /// `１２３` and `，`: full-width forms count as their usual ones. On by default.
    pub full_width: bool,
    /// `5e3`. On by default.
    pub exponent: bool,
    /// `1/2`, `½`, and `1 1/2` or `1½` for one and a half. Off by default.
    pub fraction: bool,
    /// `50%` for 0.5. Off by default.
    pub percent: bool,
    /// Typographic twins (`–5` and `-5`, `N⋅m` and `N·m`) count as one, in numbers and units. On by default, also for what
    /// was published before the switch was there.
    #[serde(skip_serializing_if = "is_on")]
    pub look_alikes: bool,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            thousands: true,
            full_width: true,
            exponent: true,
            fraction: false,
            percent: false,
            look_alikes: true,
        }
    }
}

impl Forms {
    /// Everything that can be read.
    pub const ALL: Self = Self {
        thousands: true,
        full_width: true,
        exponent: true,
        fraction: true,
        percent: true,
        look_alikes: true,
    };
    /// Plain decimals only.
    pub const PLAIN: Self = Self {
        thousands: false,
        full_width: false,
        exponent: false,
        fraction: false,
        percent: false,
        look_alikes: false,
    };

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Numeric {
    /// The same without its key: what asks for the number, not what it is.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { value: String::new(), margin: Margin::Exact, ..self.clone() }
    }

    /// The key as people write it, with its tolerance: `45.8 ± 0.2 km`, `45.8 km (±5%)` (relative), `45.8 km (×÷ 1.5)`
    /// (geometric), `45.8 km (3 significant digits, 有效数字)`.
    ///
    /// ```
    /// use assessd::bank::numeric::{Margin, Numeric};
    /// let near = |margin| Numeric { value: "45.8".into(), margin, ..Numeric::default() };
    /// assert_eq!(near(Margin::Absolute("0.2".into())).shown(), "45.8 ± 0.2");
    /// assert_eq!(near(Margin::Relative("0.05".into())).shown(), "45.8 (±5%)");
    /// assert_eq!(near(Margin::Geometric("1/2".into())).shown(), "45.8 (×÷ 1.5)");
    /// assert_eq!(near(Margin::SignificantDigits(3)).shown(), "45.8 (3 significant digits, 有效数字)");
    /// ```
    pub fn shown(&self) -> String {
        self.shown_with("significant digits, 有效数字")
    }

    /// The same with a word for significant digits.
    pub fn shown_with(&self, digits_word: &str) -> String {
        let mut shown = self.value.clone();
        if let Margin::Absolute(by) = &self.margin {
            shown.push_str(" ± ");
            shown.push_str(by);
        }
        if let Some(own) = self.units.iter().find(|u| matches!(u.factor.as_str(), "" | "1")) {
            shown.push(' ');
            shown.push_str(&own.name);
        }
        // A tolerance was read when the question was written; what cannot be read any more is shown as it stands.
        let read = |text: &String| Number::parse(text, Forms::ALL);
        let tolerance = match &self.margin {
            Margin::Exact | Margin::Absolute(_) => return shown,
            Margin::Relative(by) => {
                read(by).map_or_else(|| by.clone(), |by| format!("±{}%", by.hundredfold()))
            }
            Margin::Geometric(by) => {
                read(by).map_or_else(|| by.clone(), |by| format!("×÷ {}", by.one_more()))
            }
            Margin::SignificantDigits(digits) => format!("{digits} {digits_word}"),
        };
        format!("{shown} ({tolerance})")
    }
}
