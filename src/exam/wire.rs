//! Exams on the wire. Whatever is wrong with an exam is named by the path that the caller wrote, all of it at once.

use chrono::{DateTime, Utc};

use crate::{
    door::Fields,
    ids::FormName,
    mask::Mask,
    pb::{self, duration, moment, timestamp},
    points::{Points, Rounding, RoundingMode},
};

use super::{
    policy::{Allotment, Basis, Counting, LateMode, ReleaseContent, ReleaseWhen},
    sql::ExamRow,
    standard::{Band, Bar, Standards},
};

/// The most forms of an exam.
const MAX_FORMS: usize = 26;
/// The most attempts of one candidate.
const MAX_ATTEMPTS: i32 = 100;

/// The most grades of an exam.
const MAX_BANDS: usize = 20;
/// The most grace, in seconds.
const MAX_GRACE_S: i32 = 600;

/// An exam that a caller wrote, checked by itself; whether its forms are there, only the database knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// Its forms.
    pub forms: Vec<FormName>,
    /// How marks are rounded.
    pub rounding: Rounding,
    /// The least that one question's mark can be.
    pub mark_floor: Points,
    /// What may change.
    pub terms: Terms,
}

/// What may change about an exam.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// What people call it.
    pub display_name: String,
    /// Attempts start from here on.
    pub open_time: Option<DateTime<Utc>>,
    /// Attempts are accepted up to here.
    pub close_time: Option<DateTime<Utc>>,
    /// How long one attempt may take, in seconds.
    pub time_limit_s: Option<i32>,
    /// Attempts of one candidate.
    pub max_attempts: i32,
    /// What happens to late answers.
    pub late_mode: LateMode,
    /// How long they still count as in time, in seconds.
    pub grace_s: i32,
    /// Which attempt counts.
    pub counting: Counting,
    /// The pass mark and the grades.
    pub standards: Standards,
    /// When results are shown.
    pub release_when: ReleaseWhen,
    /// What is shown of them.
    pub release_content: ReleaseContent,
    /// How a candidate comes to a form.
    pub allotment: Allotment,
}

/// An exam from the wire; bad fields are noted.
pub fn parse(given: &pb::Exam, fields: &mut Fields) -> Given {
    let count = given.forms.len();
    if !(1..=MAX_FORMS).contains(&count) {
        fields.bad("forms", format!("must be 1 to {MAX_FORMS} forms, are {count}"));
    }
    let mut forms = Vec::with_capacity(count);
    for (i, name) in given.forms.iter().enumerate() {
        if given.forms[..i].contains(name) {
            fields.bad(format!("forms[{i}]"), "is there twice");
        }
        forms.push(fields.take(format!("forms[{i}]"), name.parse()));
    }
    Given {
        forms,
        rounding: parse_rounding(given.rounding.as_ref(), fields),
        mark_floor: parse_floor(&given.mark_floor, fields),
        terms: parse_terms(given, fields),
    }
}

/// What may change about an exam, from the wire; bad fields are noted.
pub fn parse_terms(given: &pb::Exam, fields: &mut Fields) -> Terms {
    let mut time = |field: &str, value: &Option<prost_types::Timestamp>| {
        let value = value.as_ref()?;
        let at = moment(value);
        if at.is_none() {
            fields.bad(field, "is no time of the years 1 to 9999");
        }
        at
    };
    let open_time = time("open_time", &given.open_time);
    let close_time = time("close_time", &given.close_time);
    if let (Some(open), Some(close)) = (open_time, close_time)
        && open >= close
    {
        fields.bad(
            "close_time",
            format!("is {}, not after open_time {}", close.to_rfc3339(), open.to_rfc3339()),
        );
    }
    if !(0..=MAX_ATTEMPTS).contains(&given.max_attempts) {
        let what = format!("must be 1 to {MAX_ATTEMPTS}, or 0 for 1; is {}", given.max_attempts);
        fields.bad("max_attempts", what);
    }
    let pass = parse_pass(given, fields);
    let late = given.late_policy.unwrap_or_default();
    let late_mode = word(late.mode, "late_policy.mode", LateMode::from_pb, fields);
    let grace_s = fields.seconds_up_to("late_policy.grace", late.grace.as_ref(), MAX_GRACE_S);
    let release = given.release.unwrap_or_default();
    let release_when = word(release.time, "release.time", ReleaseWhen::from_pb, fields);
    if release_when == ReleaseWhen::AfterClosing && given.close_time.is_none() {
        fields.bad("release.time", "is AFTER_CLOSING, and the exam has no close_time");
    }
    Terms {
        display_name: fields.text("display_name", &given.display_name, 1, 200),
        open_time,
        close_time,
        time_limit_s: fields.seconds("time_limit", given.time_limit.as_ref()),
        max_attempts: given.max_attempts.max(1),
        late_mode,
        grace_s,
        counting: word(given.attempt_counting, "attempt_counting", Counting::from_pb, fields),
        standards: Standards { pass, bands: parse_bands(&given.grade_bands, fields) },
        release_when,
        release_content: word(release.content, "release.content", ReleaseContent::from_pb, fields),
        allotment: word(given.form_allotment, "form_allotment", Allotment::from_pb, fields),
    }
}

fn word<T: Default>(number: i32, field: &str, read: fn(i32) -> Option<T>, fields: &mut Fields) -> T {
    read(number).unwrap_or_else(|| {
        fields.bad(field, format!("{number} is none of its values"));
        T::default()
    })
}

/// The pass mark from the wire, in points or as a percentage.
fn parse_pass(given: &pb::Exam, fields: &mut Fields) -> Option<Bar> {
    let points = (!given.pass_mark.is_empty()).then(|| fields.points("pass_mark", &given.pass_mark));
    if let Some(mark) = points.filter(|m| m.is_negative()) {
        fields.bad("pass_mark", format!("must be 0 or more, is {mark}"));
    }
    let percent =
        (!given.pass_percent.is_empty()).then(|| parse_percent("pass_percent", &given.pass_percent, fields));
    if points.is_some() && percent.is_some() {
        fields.bad("pass_percent", "must not be there together with pass_mark: clear one of the two");
    }
    points.map(Bar::Points).or(percent.map(Bar::Percent))
}

/// A pass mark of the one unit takes the place of one of the other, which was there before.
pub fn replace_pass(merged: &mut pb::Exam, given: &pb::Exam) {
    if given.pass_mark.is_empty() && !merged.pass_percent.is_empty() {
        merged.pass_mark.clear();
    } else if given.pass_percent.is_empty() && !merged.pass_mark.is_empty() {
        merged.pass_percent.clear();
    }
}

fn parse_percent(field: &str, text: &str, fields: &mut Fields) -> Points {
    let percent = fields.points(field, text);
    if percent.is_negative() || percent > Points::from(100) {
        fields.bad(field, format!("must be 0 to 100 percent, is {percent}"));
    }
    percent
}

/// Grades from the wire: distinct labels, one unit, figures that ascend.
fn parse_bands(given: &[pb::GradeBand], fields: &mut Fields) -> Vec<Band> {
    if given.len() > MAX_BANDS {
        fields.bad("grade_bands", format!("has {} entries; at most {MAX_BANDS} are allowed", given.len()));
        return Vec::new();
    }
    let mut bands: Vec<Band> = Vec::with_capacity(given.len());
    for (i, band) in given.iter().enumerate() {
        let label = fields.text(format!("grade_bands[{i}].label"), &band.label, 1, 32);
        let before = fields.count();
        let percent = format!("grade_bands[{i}].from_percent");
        let points = format!("grade_bands[{i}].from_score");
        let (field, bar) = if band.from_percent.is_empty() {
            let bar = Bar::Points(fields.points(&points, &band.from_score));
            (points, bar)
        } else {
            let bar = Bar::Percent(parse_percent(&percent, &band.from_percent, fields));
            (percent, bar)
        };
        if !band.from_percent.is_empty() && !band.from_score.is_empty() {
            fields.bad(&field, "must not be there together with from_score");
        }
        let is_read = fields.count() == before;
        if bands.iter().any(|b| b.label == label) {
            fields.bad(format!("grade_bands[{i}].label"), "is there twice");
        }
        match bands.last().map(|last| last.bar).filter(|_| is_read) {
            Some(last) if last.is_points() != bar.is_points() => {
                fields.bad(
                    &field,
                    "is of another unit than the band before: all are points or all are percentages",
                );
            }
            Some(last) if last.figure() >= bar.figure() => {
                let what = format!("is {}, not above the {} of the band before", bar.figure(), last.figure());
                fields.bad(&field, what);
            }
            _ => {}
        }
        bands.push(Band { label, bar });
    }
    bands
}

/// A grade for the wire.
fn show_band(band: &Band) -> pb::GradeBand {
    let mut shown = pb::GradeBand { label: band.label.clone(), ..Default::default() };
    match band.bar {
        Bar::Points(points) => shown.from_score = points.to_string(),
        Bar::Percent(percent) => shown.from_percent = percent.to_string(),
    }
    shown
}

/// A rounding rule from the wire; the default where there is none.
pub fn parse_rounding(given: Option<&pb::Rounding>, fields: &mut Fields) -> Rounding {
    let Some(given) = given else { return Rounding::default() };
    let mode = match pb::RoundingMode::try_from(given.mode) {
        Ok(pb::RoundingMode::Unspecified | pb::RoundingMode::HalfUp) => RoundingMode::HalfUp,
        Ok(pb::RoundingMode::HalfEven) => RoundingMode::HalfEven,
        Ok(pb::RoundingMode::Down) => RoundingMode::Down,
        Ok(pb::RoundingMode::Up) => RoundingMode::Up,
        Err(_) => {
            fields.bad("rounding.mode", "is no rounding mode");
            RoundingMode::HalfUp
        }
    };
    let step = match given.step.as_str() {
        "" => Rounding::default().step,
        text => fields.points("rounding.step", text),
    };
    if step <= Points::ZERO && !fields.has("rounding.step") {
        fields.bad("rounding.step", format!("must be above 0, is {step}"));
    }
    Rounding { mode, step }
}

/// The least mark from the wire; 0 where there is none.
pub fn parse_floor(given: &str, fields: &mut Fields) -> Points {
    if given.is_empty() {
        return Points::ZERO;
    }
    let floor = fields.points("mark_floor", given);
    if floor > Points::ZERO {
        fields.bad("mark_floor", format!("must be 0 or less, is {floor}"));
    }
    floor
}

/// Notes each form that is not there.
pub fn check_forms(forms: &[FormName], totals: &[Option<Points>], fields: &mut Fields) {
    for (i, (name, total)) in forms.iter().zip(totals).enumerate() {
        if total.is_none() {
            fields.bad(format!("forms[{i}]"), format!("{name} does not exist"));
        }
    }
}

/// Notes what the forms make senseless: points that some form cannot give, and points at all where the forms differ in
/// total, for the same number of points is easy on one of them and hard on another.
pub fn check_standards(
    standards: &Standards,
    forms: &[FormName],
    totals: &[Option<Points>],
    fields: &mut Fields,
) {
    let known = || forms.iter().zip(totals).filter_map(|(name, total)| Some((name, (*total)?)));
    let (Some(least), Some(most)) = (known().min_by_key(|f| f.1), known().max_by_key(|f| f.1)) else {
        return;
    };
    let unequal = Basis::of(known().map(|f| f.1.decimal())) == Basis::Percent;
    let mut check = |field: String, instead: &str, bar: Bar| {
        if !bar.is_points() {
            return;
        }
        if bar.figure() > least.1 {
            fields
                .bad(&field, format!("is {}, more than the {} points of {}", bar.figure(), least.1, least.0));
        } else if unequal {
            let what = format!(
                "is in points, which mean different things on {} of {} points and {} of {}: give {instead}",
                least.0, least.1, most.0, most.1
            );
            fields.bad(&field, what);
        }
    };
    if let Some(pass) = standards.pass {
        check("pass_mark".to_owned(), "pass_percent", pass);
    }
    for (i, band) in standards.bands.iter().enumerate() {
        check(format!("grade_bands[{i}].from_score"), "from_percent", band.bar);
    }
}

/// Notes what is fixed and asked for otherwise.
pub fn check_fixed(row: &ExamRow, given: &pb::Exam, mask: &Mask<pb::Exam>, fields: &mut Fields) {
    const FIXED: &str = "is fixed once the exam is created";
    if mask.asks_fixed("forms") && given.forms != row.forms {
        fields.bad("forms", FIXED);
    }
    if mask.asks_fixed("rounding") && parse_rounding(given.rounding.as_ref(), fields) != row.rounding.0 {
        fields.bad("rounding", FIXED);
    }
    if mask.asks_fixed("mark_floor") && parse_floor(&given.mark_floor, fields) != Points::new(row.mark_floor)
    {
        fields.bad("mark_floor", FIXED);
    }
}

/// A rounding rule for the wire.
pub fn show_rounding(rounding: Rounding) -> pb::Rounding {
    let mode = match rounding.mode {
        RoundingMode::HalfUp => pb::RoundingMode::HalfUp,
        RoundingMode::HalfEven => pb::RoundingMode::HalfEven,
        RoundingMode::Down => pb::RoundingMode::Down,
        RoundingMode::Up => pb::RoundingMode::Up,
    };
    pb::Rounding { mode: mode as i32, step: rounding.step.to_string() }
}

/// An exam for the wire.
pub fn show(row: &ExamRow) -> pb::Exam {
    pb::Exam {
        name: format!("exams/{}", row.exam_id),
        display_name: row.display_name.clone(),
        forms: row.forms.clone(),
        open_time: row.open_time.map(timestamp),
        close_time: row.close_time.map(timestamp),
        time_limit: row.time_limit_s.map(duration),
        max_attempts: row.max_attempts,
        pass_mark: row.pass_mark.map(|m| Points::new(m).to_string()).unwrap_or_default(),
        pass_percent: row.pass_percent.map(|p| Points::new(p).to_string()).unwrap_or_default(),
        rounding: Some(show_rounding(row.rounding.0)),
        mark_floor: Points::new(row.mark_floor).to_string(),
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
        etag: row.revision.to_string(),
        late_policy: Some(pb::LatePolicy {
            mode: pb::LateMode::from(LateMode::stored(&row.late_mode)) as i32,
            grace: Some(duration(row.grace_s)),
        }),
        attempt_counting: pb::AttemptCounting::from(Counting::stored(&row.counting)) as i32,
        grade_bands: row.grade_bands.iter().map(show_band).collect(),
        release: Some(pb::ReleasePolicy {
            time: pb::ReleaseTime::from(ReleaseWhen::stored(&row.release_when)) as i32,
            content: pb::ReleaseContent::from(ReleaseContent::stored(&row.release_content)) as i32,
        }),
        form_allotment: pb::FormAllotment::from(Allotment::stored(&row.form_allotment)) as i32,
        release_time: row.release_time.map(timestamp),
        created_by: row.created_by.clone(),
        archive_time: row.archive_time.map(timestamp),
        delete_time: row.delete_time.map(timestamp),
        purge_time: row.purge_time.map(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::types::Json;

    use super::*;
    use crate::error::Error;

    fn exam() -> pb::Exam {
        pb::Exam {
            display_name: "期末考试".into(),
            forms: vec!["blueprints/b/forms/a".into(), "blueprints/b/forms/b".into()],
            open_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5_000 }),
            close_time: Some(prost_types::Timestamp { seconds: 1_700_086_400, nanos: 0 }),
            time_limit: Some(duration(5400)),
            max_attempts: 3,
            pass_mark: "60.5".into(),
            rounding: Some(pb::Rounding { mode: pb::RoundingMode::HalfEven as i32, step: "0.5".into() }),
            mark_floor: "-1".into(),
            late_policy: Some(pb::LatePolicy {
                mode: pb::LateMode::AcceptAndMark as i32,
                grace: Some(duration(30)),
            }),
            attempt_counting: pb::AttemptCounting::Best as i32,
            grade_bands: vec![band("及格", "60"), band("优秀", "90.5")],
            release: Some(pb::ReleasePolicy {
                time: pb::ReleaseTime::AfterClosing as i32,
                content: pb::ReleaseContent::Keys as i32,
            }),
            form_allotment: pb::FormAllotment::Seat as i32,
            ..Default::default()
        }
    }

    fn band(label: &str, from_score: &str) -> pb::GradeBand {
        pb::GradeBand { label: label.into(), from_score: from_score.into(), ..Default::default() }
    }

    fn percent_band(label: &str, from_percent: &str) -> pb::GradeBand {
        pb::GradeBand { label: label.into(), from_percent: from_percent.into(), ..Default::default() }
    }

    fn row(given: &Given) -> ExamRow {
        let terms = given.terms.clone();
        ExamRow {
            exam_id: "e".into(),
            display_name: terms.display_name,
            forms: given.forms.iter().map(ToString::to_string).collect(),
            open_time: terms.open_time,
            close_time: terms.close_time,
            time_limit_s: terms.time_limit_s,
            max_attempts: terms.max_attempts,
            pass_mark: terms.standards.pass_points(),
            pass_percent: terms.standards.pass_percent(),
            rounding: Json(given.rounding),
            mark_floor: given.mark_floor.decimal(),
            late_mode: terms.late_mode.as_str().into(),
            grace_s: terms.grace_s,
            counting: terms.counting.as_str().into(),
            grade_bands: Json(terms.standards.bands),
            release_when: terms.release_when.as_str().into(),
            release_content: terms.release_content.as_str().into(),
            form_allotment: terms.allotment.as_str().into(),
            release_time: None,
            revision: 4,
            create_time: DateTime::UNIX_EPOCH,
            update_time: DateTime::UNIX_EPOCH,
            created_by: "apiKeys/k".into(),
            archive_time: None,
            delete_time: None,
            purge_time: None,
        }
    }

    fn paths(fields: Fields) -> Vec<String> {
        let Err(Error::Invalid(violations)) = fields.done() else { panic!("nothing was noted") };
        violations.into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn every_field_survives_the_way_in_and_out() {
        let mut fields = Fields::default();
        let given = parse(&exam(), &mut fields);
        fields.done().unwrap();
        let zero = Some(timestamp(DateTime::UNIX_EPOCH));
        let expected = pb::Exam {
            name: "exams/e".into(),
            create_time: zero,
            update_time: zero,
            etag: "4".into(),
            created_by: "apiKeys/k".into(),
            ..exam()
        };
        assert_eq!(show(&row(&given)), expected);
    }

    #[test]
    fn every_rounding_mode_survives() {
        for number in 1.. {
            let Ok(mode) = pb::RoundingMode::try_from(number) else { break };
            let mut fields = Fields::default();
            let given =
                pb::Exam { rounding: Some(pb::Rounding { mode: mode as i32, step: "1".into() }), ..exam() };
            let shown = show(&row(&parse(&given, &mut fields)));
            fields.done().unwrap();
            assert_eq!(shown.rounding, given.rounding);
        }
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let mut fields = Fields::default();
        let given = pb::Exam {
            display_name: "x".into(),
            forms: vec!["blueprints/b/forms/a".into()],
            ..Default::default()
        };
        let shown = show(&row(&parse(&given, &mut fields)));
        fields.done().unwrap();
        assert_eq!((shown.max_attempts, shown.mark_floor.as_str(), shown.pass_mark.as_str()), (1, "0", ""));
        assert_eq!(shown.rounding.unwrap().step, "0.01");
        let late = pb::LatePolicy { mode: pb::LateMode::Refuse as i32, grace: Some(duration(0)) };
        assert_eq!(
            (shown.late_policy, shown.attempt_counting),
            (Some(late), pb::AttemptCounting::First as i32)
        );
        let release = pb::ReleasePolicy {
            time: pb::ReleaseTime::ByHand as i32,
            content: pb::ReleaseContent::ScoreOnly as i32,
        };
        assert_eq!((shown.release, shown.form_allotment), (Some(release), pb::FormAllotment::Hash as i32));
    }

    #[test]
    fn every_bad_field_is_named() {
        let given = pb::Exam {
            display_name: String::new(),
            forms: vec!["blueprints/b/forms/a".into(), "blueprints/b".into(), "blueprints/b/forms/a".into()],
            open_time: Some(prost_types::Timestamp { seconds: 10, nanos: 0 }),
            close_time: Some(prost_types::Timestamp { seconds: 10, nanos: 0 }),
            time_limit: Some(prost_types::Duration { seconds: 1, nanos: 1 }),
            max_attempts: 101,
            pass_mark: "-1".into(),
            rounding: Some(pb::Rounding { mode: 99, step: "0".into() }),
            mark_floor: "0.5".into(),
            late_policy: Some(pb::LatePolicy {
                mode: 9,
                grace: Some(prost_types::Duration { seconds: 601, nanos: 0 }),
            }),
            attempt_counting: 9,
            grade_bands: vec![band("A", "60"), band("A", "60"), band("", "x"), band("C", "59")],
            release: Some(pb::ReleasePolicy { time: -1, content: 4 }),
            form_allotment: 4,
            ..Default::default()
        };
        let mut fields = Fields::under("exam");
        parse(&given, &mut fields);
        let expected = [
            "exam.forms[1]",
            "exam.forms[2]",
            "exam.rounding.mode",
            "exam.rounding.step",
            "exam.mark_floor",
            "exam.close_time",
            "exam.max_attempts",
            "exam.pass_mark",
            "exam.late_policy.mode",
            "exam.late_policy.grace",
            "exam.release.time",
            "exam.display_name",
            "exam.time_limit",
            "exam.attempt_counting",
            "exam.grade_bands[1].label",
            "exam.grade_bands[1].from_score",
            "exam.grade_bands[2].label",
            "exam.grade_bands[2].from_score",
            "exam.release.content",
            "exam.form_allotment",
        ];
        assert_eq!(paths(fields), expected);
    }

    #[test]
    fn a_release_after_closing_needs_a_closing() {
        let mut fields = Fields::default();
        parse(&pb::Exam { close_time: None, ..exam() }, &mut fields);
        assert_eq!(paths(fields), ["release.time"]);
    }

    #[test]
    fn forms_must_be_there() {
        let forms: Vec<FormName> = exam().forms.iter().map(|f| f.parse().unwrap()).collect();
        let mut fields = Fields::default();
        check_forms(&forms, &[Some(Points::from(60)), None], &mut fields);
        assert_eq!(paths(fields), ["forms[1]"]);
    }

    /// The paths that are noted about an exam's standards on two forms of these totals.
    fn noted(exam: pb::Exam, totals: [u32; 2]) -> Vec<String> {
        let forms: Vec<FormName> = exam.forms.iter().map(|f| f.parse().unwrap()).collect();
        let mut fields = Fields::default();
        let standards = parse_terms(&exam, &mut fields).standards;
        assert!(fields.is_clean());
        check_standards(&standards, &forms, &totals.map(|t| Some(Points::from(t))), &mut fields);
        if fields.is_clean() { Vec::new() } else { paths(fields) }
    }

    #[test]
    fn pass_mark_and_grades_can_be_reached_on_every_form() {
        let of = |mark: &str, bands: &[&str]| pb::Exam {
            pass_mark: mark.into(),
            grade_bands: bands.iter().map(|from| band(from, from)).collect(),
            ..exam()
        };
        assert!(noted(of("60", &["30", "60"]), [60, 60]).is_empty());
        let beyond = noted(of("61", &["60", "60.5"]), [60, 60]);
        assert_eq!(beyond, ["pass_mark", "grade_bands[1].from_score"]);
    }

    #[test]
    fn points_are_refused_where_forms_differ_in_total() {
        let in_points = pb::Exam { pass_mark: "3".into(), grade_bands: vec![band("A", "5")], ..exam() };
        assert_eq!(noted(in_points.clone(), [6, 12]), ["pass_mark", "grade_bands[0].from_score"]);
        assert!(noted(in_points, [6, 6]).is_empty());
        let shares = pb::Exam {
            pass_mark: String::new(),
            pass_percent: "60".into(),
            grade_bands: vec![percent_band("A", "60"), percent_band("B", "87.5")],
            ..exam()
        };
        assert!(noted(shares.clone(), [6, 12]).is_empty());
        let mut fields = Fields::default();
        let given = parse(&shares, &mut fields);
        let shown = show(&row(&given));
        assert_eq!((shown.pass_mark, shown.pass_percent), (shares.pass_mark, shares.pass_percent));
        assert_eq!(shown.grade_bands, shares.grade_bands);
    }

    #[test]
    fn a_bar_is_of_one_unit() {
        let given = pb::Exam {
            pass_mark: "3".into(),
            pass_percent: "100.5".into(),
            grade_bands: vec![
                band("A", "1"),
                percent_band("B", "50"),
                percent_band("C", "-1"),
                pb::GradeBand { from_score: "9".into(), ..percent_band("D", "90") },
                band("E", ""),
            ],
            ..exam()
        };
        let mut fields = Fields::default();
        parse_terms(&given, &mut fields);
        let expected = [
            "pass_percent",
            "pass_percent",
            "grade_bands[1].from_percent",
            "grade_bands[2].from_percent",
            "grade_bands[3].from_percent",
            "grade_bands[4].from_score",
        ];
        assert_eq!(paths(fields), expected);
    }

    #[test]
    fn what_is_fixed_cannot_be_changed_by_the_way() {
        let mut fields = Fields::default();
        let row = row(&parse(&exam(), &mut fields));
        let check = |given: &pb::Exam, fields: &mut Fields| {
            let mask = Mask::parse(None, given, fields).unwrap();
            check_fixed(&row, given, &mask, fields);
        };
        check(&pb::Exam { mark_floor: "-1.00".into(), ..exam() }, &mut fields);
        check(&pb::Exam::default(), &mut fields);
        assert!(fields.is_clean());
        let other = pb::Exam {
            forms: vec!["blueprints/b/forms/c".into()],
            rounding: Some(pb::Rounding::default()),
            mark_floor: "0".into(),
            ..exam()
        };
        check(&other, &mut fields);
        assert_eq!(paths(fields), ["forms", "rounding", "mark_floor"]);
    }
}
