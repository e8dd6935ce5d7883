//! What the reader has to tell about a text: codes, their severity, and the record of one finding.
//!
//! A code has one severity wherever it is used: `error` keeps the touched questions from being published, `warning`
//! asks for a look, `info` says how the text was read. The names are stored and shown; none is ever renamed.

use serde::{Serialize, Serializer};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Says how the text was read; nothing to do.
    Info,
    /// Somebody should look.
    Warning,
    /// What it touches must not be published before somebody looked.
    Error,
}

impl Severity {
    /// The name as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $text:literal, $severity:ident;)+) => {
        /// What kind of thing was found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of the report.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// How much findings of this code weigh.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }
        }
    };
}

codes! {
    /// Fewer questions than the section declares or implies.
    SectionShort = "section_short", Error;
    /// More questions than the section declares or implies.
    SectionLong = "section_long", Warning;
    /// Count, points each and total of a section, or the totals of a paper, do not agree.
    PointsMismatch = "points_mismatch", Error;
    /// The text ends in the middle of something.
    TruncatedText = "truncated_text", Error;
    /// The last question lacks options or key that its neighbours have.
    TruncatedQuestion = "truncated_question", Error;
    /// No key is printed, in the paper or for the question.
    NoAnswerKey = "no_answer_key", Error;
    /// The key names a letter that no option has.
    KeyNamesMissingOption = "key_names_missing_option", Error;
    /// The explanation states another answer than the key.
    KeyContradictsExplanation = "key_contradicts_explanation", Error;
    /// Two keys are printed for one question and differ.
    KeyConflict = "key_conflict", Error;
    /// The number of key letters does not fit the kind of the question.
    KeyDoesNotFitKind = "key_does_not_fit_kind", Error;
    /// Letters that may or may not be a key; none was taken.
    KeyAmbiguous = "key_ambiguous", Error;
    /// A printed key that could not be read.
    KeyUnreadable = "key_unreadable", Error;
    /// A key that may be one text or several alternatives; it was kept as one.
    KeyAlternatives = "key_alternatives", Error;
    /// A key that holds the head of a section or the number of a question: two things were read as one.
    KeyHoldsQuestion = "key_holds_question", Error;
    /// Words or signs that tell the key are still in the wording or in an option.
    KeyVisible = "key_visible", Error;
    /// Entries of an answer table that belong to no question for certain; none was taken.
    KeyTableUnmapped = "key_table_unmapped", Error;
    /// Rubbish of character recognition.
    OcrGarbage = "ocr_garbage", Error;
    /// A picture or chart the text speaks of is not there.
    PictureMissing = "picture_missing", Error;
    /// Question and options are equal to an earlier question.
    DuplicateQuestions = "duplicate_questions", Error;
    /// Text that looks like part of a question and was not read as one.
    UnreadText = "unread_text", Error;
    /// An option label is skipped.
    OptionMissing = "option_missing", Error;
    /// Questions whose numbers are missing in the run of numbers.
    NumberingGap = "numbering_gap", Warning;
    /// Numbers out of the usual form or order.
    NumberingOdd = "numbering_odd", Warning;
    /// Numbering runs on over the sections.
    NumberingContinuous = "numbering_continuous", Info;
    /// Numbering starts again in each section.
    NumberingRestarts = "numbering_restarts", Info;
    /// A question number stands directly behind other digits.
    NumberGluedToDigits = "number_glued_to_digits", Warning;
    /// The answer bracket stands before the number.
    NumberAfterAnswerBracket = "number_after_answer_bracket", Warning;
    /// Items stand without a section header.
    SectionHeaderMissing = "section_header_missing", Warning;
    /// A header lost its ordinal.
    SectionOrdinalMissing = "section_ordinal_missing", Warning;
    /// The first section is numbered three.
    SectionOrdinalsStartAtThree = "section_ordinals_start_at_three", Warning;
    /// A header is broken over lines with foreign text between.
    SectionHeaderInterleaved = "section_header_wrapped_and_interleaved", Warning;
    /// A header is broken over lines.
    SectionTitleWraps = "section_title_wraps", Info;
    /// A section of a kind the reader does not know; read as short answers.
    SectionKindUnknown = "section_kind_unknown", Warning;
    /// The paper has no section headers at all.
    NoSectionHeaders = "no_section_headers", Warning;
    /// A section prints no total.
    NoSectionTotal = "no_section_total", Info;
    /// Nothing about points is printed.
    NoPoints = "no_points", Info;
    /// The paper prints no total.
    NoPaperTotal = "no_paper_total", Info;
    /// A section prints a total but no points per question.
    PointsEachMissing = "points_each_missing", Info;
    /// Several questions stand in one line.
    GluedLine = "glued_line", Warning;
    /// Keys stand directly before the label of option A.
    KeyGluedToOptionLabel = "key_glued_to_option_label", Warning;
    /// Keys stand directly before the next number.
    KeyGluedToNextNumber = "key_glued_to_next_number", Warning;
    /// Keys stand before the wording.
    KeyBeforeStem = "key_before_stem", Info;
    /// Keys stand in the middle of the wording.
    KeyInsideStem = "key_inside_stem", Info;
    /// Options are marked as the key, by words, a sign or bold type.
    KeyMarkedOption = "key_marked_option", Info;
    /// Keys were taken from an answer table.
    KeyTable = "key_table", Info;
    /// Options are labelled without a separator.
    OptionsWithoutSeparator = "options_without_separator", Warning;
    /// A blank stands between label and separator.
    OptionsSpacedSeparator = "options_spaced_separator", Info;
    /// A question has three options.
    ThreeOptions = "three_options", Info;
    /// The text of an option ends in Latin letters right before the next label.
    LatinAtOptionEnd = "latin_at_option_end", Info;
    /// Latin letters in brackets that are no key.
    LatinInBrackets = "latin_in_brackets", Info;
    /// An empty bracket stands inside the wording.
    BracketInStem = "bracket_in_stem", Warning;
    /// Choice questions with underscores for blanks.
    UnderscoreBlanks = "underscore_blanks", Warning;
    /// Equal options and nearly equal wording with another key: no duplicate.
    NearDuplicate = "near_duplicate_not_duplicate", Info;
    /// Outer and inner title differ.
    TitleConflict = "title_conflict", Warning;
    /// The title is printed more than once.
    TitleRepeated = "title_repeated", Info;
    /// A new paper begins here.
    DocumentBoundary = "document_boundary", Info;
    /// Sub-questions stand out of order.
    ReadingOrderScrambled = "reading_order_scrambled", Warning;
    /// Shared case text was kept as material of the section.
    CaseMaterial = "case_material", Info;
    /// A rare variant of a usual character.
    VariantCharacter = "variant_character", Info;
    /// Answers of an examinee were left out; they are no keys.
    ExamineeAnswer = "examinee_answer", Info;
    /// Words in foreign script or edit marks were taken out.
    Watermark = "watermark", Info;
    /// Furniture of a site was taken out.
    Furniture = "furniture", Info;
    /// Signs of Markdown and HTML were taken out.
    Markup = "markup", Info;
    /// Fields for the candidate's name and number were taken out.
    CandidateFields = "candidate_fields", Info;
    /// Numbered prose that was not read as questions.
    FalsePositiveRisk = "false_positive_risk", Info;
    /// Text that belongs to no question and no head.
    TextLeftOut = "text_left_out", Warning;
    /// Text outside of papers that has nothing of a question.
    ProseLeftOut = "prose_left_out", Info;
    /// The paper stops before all declared sections are complete.
    PaperIncomplete = "paper_incomplete", Warning;
    /// The text is in Moodle's GIFT format: no paper, and nothing of it was read.
    LooksLikeGift = "looks_like_gift", Error;
    /// The text is in the Aiken format and was read as it says.
    LooksLikeAiken = "looks_like_aiken", Info;
    /// The text is in the Aiken format and this question of it was read otherwise.
    AikenMisread = "aiken_misread", Error;
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing the reader has to tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// Index of the document it concerns.
    pub document: Option<usize>,
    /// Index of the section within the document.
    pub section: Option<usize>,
    /// Index of the question within the document.
    pub question: Option<usize>,
    /// Line in the original text, from 1.
    pub line: u32,
    /// The words of the source it speaks of.
    pub text: String,
    /// What is wrong and what was done, in plain English.
    pub message: String,
}

impl Finding {
    pub(super) fn new(code: Code, line: u32, text: impl Into<String>, message: impl Into<String>) -> Self {
        let mut text: String = text.into();
        // A report quotes; it does not reprint the paper.
        if let Some((end, _)) = text.char_indices().nth(120) {
            text.truncate(end);
            text.push('…');
        }
        let severity = code.severity();
        let message = message.into();
        Self { code, severity, document: None, section: None, question: None, line, text, message }
    }

    pub(super) fn on(mut self, document: usize, section: Option<usize>, question: Option<usize>) -> Self {
        (self.document, self.section, self.question) = (Some(document), section, question);
        self
    }
}
