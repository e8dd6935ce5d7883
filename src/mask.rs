//! Updates after AIP-134, one mechanism for every resource that can be changed. It walks the descriptors of the
//! protocol, so that a new field is covered by being there.
//!
//! - Without a mask the fields that are populated are changed, inside messages too: what is not sent stays as it is.
//! - A mask names what is changed; a named message or list is replaced as a whole, a named field that is not sent gets
//!   its default. Paths lead into messages (`late_policy.grace`), not into lists or times.
//! - `*` replaces everything that can be changed.
//!
//! What a caller cannot change is refused where a mask names it. It is passed over where it is only sent along, so that
//! an answer can be sent back as it came.

use std::{marker::PhantomData, sync::LazyLock};

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use prost_types::FieldMask;

use crate::{
    door::Fields,
    error::{Error, Result},
    pb,
};

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(pb::DESCRIPTORS).ok());

/// A resource that can be changed by an update.
pub trait Updatable: Message + Name + Default {
    /// The fields that the service gives.
    const GIVEN: &'static [&'static str];
    /// The fields that are fixed once the resource is created.
    const FIXED: &'static [&'static str] = &[];
}

/// The fields that one update changes.
#[derive(Debug)]
pub struct Mask<T> {
    /// What the event of the change tells: the paths as named, or those that were populated.
    paths: Vec<String>,
    steps: Vec<Vec<FieldDescriptor>>,
    fixed: Vec<&'static str>,
    resource: PhantomData<T>,
}

impl<T> Default for Mask<T> {
    fn default() -> Self {
        Self { paths: Vec::new(), steps: Vec::new(), fixed: Vec::new(), resource: PhantomData }
    }
}

impl<T: Updatable> Mask<T> {
    /// The mask of an update that sends `new`; each path that cannot be changed is noted.
    pub fn parse(mask: Option<&FieldMask>, new: &T, fields: &mut Fields) -> Result<Self> {
        let (descriptor, new) = (descriptor::<T>()?, dynamic(new)?);
        let paths = mask.map(|m| m.paths.as_slice()).unwrap_or_default();
        let mut found = Self { paths: paths.to_vec(), ..Self::default() };
        let sent = |name: &&&str| new.has_field_by_name(name);
        let settable = |f: &FieldDescriptor| !T::GIVEN.contains(&f.name()) && !T::FIXED.contains(&f.name());
        if paths.is_empty() {
            for field in descriptor.fields().filter(settable) {
                populated(&new, &mut vec![field], &mut found.steps);
            }
            found.paths = found.steps.iter().map(|s| written(s)).collect();
            found.fixed = T::FIXED.iter().filter(sent).copied().collect();
        }
        for path in paths {
            if path == "*" {
                found.steps.extend(descriptor.fields().filter(settable).map(|f| vec![f]));
                found.fixed.extend(T::FIXED.iter().filter(sent));
                continue;
            }
            match walk(&descriptor, path) {
                Err(what) => fields.bad("update_mask", what),
                Ok(step) => {
                    let root = step.first().map(|f| f.name().to_owned()).unwrap_or_default();
                    let fixed = T::FIXED.iter().find(|f| **f == root);
                    if T::GIVEN.contains(&root.as_str()) {
                        fields.bad("update_mask", format!("{path:?} is given by the service"));
                    } else if fixed.is_some_and(|f| step.len() > 1 || !sent(&f)) {
                        fields.bad("update_mask", format!("{path:?} is fixed once it is created"));
                    } else if let Some(fixed) = fixed {
                        found.fixed.push(fixed);
                    } else {
                        found.steps.push(step);
                    }
                }
            }
        }
        Ok(found)
    }

    /// `old` with the fields of `new` that the mask means.
    pub fn apply(&self, old: &T, new: &T) -> Result<T> {
        let (mut merged, new) = (dynamic(old)?, dynamic(new)?);
        for step in &self.steps {
            copy(&mut merged, Some(&new), step);
        }
        merged.transcode_to().map_err(|e| Error::Internal(format!("a merged message: {e}").into()))
    }

    /// Whether the caller sent a value for that fixed field, which must then be the present one.
    pub fn asks_fixed(&self, field: &str) -> bool {
        self.fixed.contains(&field)
    }

    /// The paths that are changed, for the record.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}

fn descriptor<T: Name>() -> Result<MessageDescriptor> {
    let found = POOL.as_ref().and_then(|pool| pool.get_message_by_name(&T::full_name()));
    found.ok_or_else(|| Error::Internal(format!("{} has no descriptor", T::full_name()).into()))
}

fn dynamic<T: Message + Name>(message: &T) -> Result<DynamicMessage> {
    let bytes = message.encode_to_vec();
    DynamicMessage::decode(descriptor::<T>()?, bytes.as_slice())
        .map_err(|e| Error::Internal(format!("{} as a dynamic message: {e}", T::full_name()).into()))
}

/// The message that paths may lead into; times, lengths of time and lists are one value each.
fn inside(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message)
            if !field.is_list() && !field.is_map() && message.package_name() != "google.protobuf" =>
        {
            Some(message)
        }
        _ => None,
    }
}

fn written(step: &[FieldDescriptor]) -> String {
    step.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
}

/// Collects the paths of everything populated at the end of `step`; an empty message populates nothing.
fn populated(
    message: &DynamicMessage,
    step: &mut Vec<FieldDescriptor>,
    found: &mut Vec<Vec<FieldDescriptor>>,
) {
    let Some(field) = step.last().cloned() else { return };
    if !message.has_field(&field) {
        return;
    }
    let Some(descriptor) = inside(&field) else {
        found.push(step.clone());
        return;
    };
    let value = message.get_field(&field);
    let Some(inner) = value.as_message() else { return };
    for field in descriptor.fields() {
        step.push(field);
        populated(inner, step, found);
        step.pop();
    }
}

/// The fields along a path, or what is wrong with it.
fn walk(message: &MessageDescriptor, path: &str) -> Result<Vec<FieldDescriptor>, String> {
    let mut here = Some(message.clone());
    let mut step: Vec<FieldDescriptor> = Vec::new();
    for name in path.split('.') {
        let Some(message) = here else {
            return Err(format!(
                "{path:?} leads into {}, which is changed as a whole; name {:?}",
                step.last().map_or("it", |f| f.name()),
                written(&step)
            ));
        };
        let Some(field) = message.get_field_by_name(name) else {
            let known: Vec<String> = message.fields().map(|f| f.name().to_owned()).collect();
            let place = if step.is_empty() { message.name().to_owned() } else { written(&step) };
            return Err(format!("{path:?} is no field; {place} has {}", known.join(", ")));
        };
        here = inside(&field);
        step.push(field);
    }
    Ok(step)
}

fn copy(old: &mut DynamicMessage, new: Option<&DynamicMessage>, step: &[FieldDescriptor]) {
    let [field, rest @ ..] = step else { return };
    let value = new.filter(|m| m.has_field(field)).map(|m| m.get_field(field));
    if !rest.is_empty() {
        // A default below a message that is not there is there already.
        if (value.is_some() || old.has_field(field))
            && let Some(inner) = old.get_field_mut(field).as_message_mut()
        {
            copy(inner, value.as_ref().and_then(|v| v.as_message()), rest);
        }
        return;
    }
    match value {
        Some(value) => old.set_field(field, value.into_owned()),
        None => old.clear_field(field),
    }
}

impl Updatable for pb::Bank {
    const GIVEN: &'static [&'static str] = &[
        "name",
        "question_count",
        "published_count",
        "create_time",
        "update_time",
        "etag",
        "created_by",
        "archive_time",
        "delete_time",
        "purge_time",
    ];
}

impl Updatable for pb::Question {
    const GIVEN: &'static [&'static str] = &[
        "name",
        "state",
        "version",
        "unpublished_changes",
        "source",
        "create_time",
        "update_time",
        "etag",
        "created_by",
        "archive_time",
        "delete_time",
        "purge_time",
    ];
    const FIXED: &'static [&'static str] = &["kind"];
}

impl Updatable for pb::Blueprint {
    const GIVEN: &'static [&'static str] = &[
        "name",
        "question_count",
        "create_time",
        "update_time",
        "etag",
        "created_by",
        "archive_time",
        "delete_time",
        "purge_time",
    ];
    const FIXED: &'static [&'static str] = &["bank"];
}

impl Updatable for pb::Exam {
    const GIVEN: &'static [&'static str] = &[
        "name",
        "create_time",
        "update_time",
        "etag",
        "release_time",
        "created_by",
        "archive_time",
        "delete_time",
        "purge_time",
    ];
    const FIXED: &'static [&'static str] = &["forms", "rounding", "mark_floor"];
}

impl Updatable for pb::GradingScheme {
    const GIVEN: &'static [&'static str] = &["name", "etag"];
}

#[cfg(test)]
mod tests {
    use prost_types::Duration;

    use super::*;

    fn exam() -> pb::Exam {
        pb::Exam {
            name: "exams/e".into(),
            display_name: "期末".into(),
            pass_mark: "60".into(),
            max_attempts: 3,
            forms: vec!["blueprints/b/forms/a".into()],
            late_policy: Some(pb::LatePolicy {
                mode: pb::LateMode::AcceptAndMark as i32,
                grace: Some(Duration { seconds: 30, nanos: 0 }),
            }),
            ..Default::default()
        }
    }

    fn merged<T: Updatable>(old: &T, new: &T, paths: &[&str]) -> Result<T> {
        let mut fields = Fields::default();
        let mask = FieldMask { paths: paths.iter().map(|p| (*p).to_owned()).collect() };
        let mask = Mask::parse(Some(&mask), new, &mut fields)?;
        fields.done()?;
        mask.apply(old, new)
    }

    #[test]
    fn without_a_mask_only_what_is_populated_changes() {
        let grace = Some(Duration { seconds: 5, nanos: 0 });
        let new = pb::Exam {
            display_name: "补考".into(),
            late_policy: Some(pb::LatePolicy { grace, ..Default::default() }),
            release: Some(pb::ReleasePolicy::default()),
            ..Default::default()
        };
        let mut wanted = exam();
        wanted.display_name = "补考".into();
        wanted.late_policy.as_mut().unwrap().grace = grace;
        assert_eq!(merged(&exam(), &new, &[]).unwrap(), wanted);
        assert_eq!(merged(&exam(), &pb::Exam::default(), &[]).unwrap(), exam());
    }

    #[test]
    fn a_mask_names_what_changes() {
        let new = pb::Exam { display_name: "x".into(), ..Default::default() };
        let cleared = merged(&exam(), &new, &["pass_mark", "late_policy.grace"]).unwrap();
        let mut wanted = exam();
        wanted.pass_mark.clear();
        wanted.late_policy.as_mut().unwrap().grace = None;
        assert_eq!(cleared, wanted);
        // Everything that can be changed; what is fixed or given stays.
        let whole = merged(&exam(), &new, &["*"]).unwrap();
        let wanted = pb::Exam {
            name: exam().name,
            forms: exam().forms,
            display_name: "x".into(),
            ..Default::default()
        };
        assert_eq!(whole, wanted);
        // A message that is not there comes into being, and one branch of a oneof pushes the other out.
        let old = pb::Question {
            key: Some(pb::AnswerKey {
                number: Some(pb::NumericKey {
                    value: "5".into(),
                    tolerance: Some(pb::numeric_key::Tolerance::Absolute("1".into())),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut new = old.clone();
        let number = new.key.as_mut().unwrap().number.as_mut().unwrap();
        number.value = "7".into();
        number.tolerance = Some(pb::numeric_key::Tolerance::Relative("0.1".into()));
        let got = merged(&old, &new, &["key.number.relative"]).unwrap().key.unwrap().number.unwrap();
        let relative = pb::numeric_key::Tolerance::Relative("0.1".into());
        assert_eq!((got.value.as_str(), got.tolerance), ("5", Some(relative)));
        assert_eq!(merged(&pb::Question::default(), &new, &["key.number"]).unwrap(), new);
        assert_eq!(
            merged(&pb::Question::default(), &old, &["key.choices"]).unwrap().key.unwrap().number,
            None
        );
    }

    #[test]
    fn paths_that_cannot_be_changed_are_named() {
        let refused = |paths: &[&str], new: &pb::Exam| match merged(&exam(), new, paths) {
            Err(Error::Invalid(bad)) => bad.into_iter().map(|v| v.description).collect::<Vec<_>>().join("\n"),
            other => panic!("{other:?}"),
        };
        let nothing = pb::Exam::default();
        let named = refused(&["colour", "late_policy.colour", "pass_mark"], &nothing);
        assert!(named.contains("\"colour\" is no field; Exam has name, display_name"), "{named}");
        assert!(named.contains("\"late_policy.colour\" is no field; late_policy has mode, grace"), "{named}");
        assert_eq!(named.lines().count(), 2);
        assert!(refused(&["create_time"], &nothing).contains("given by the service"));
        assert!(refused(&["forms"], &nothing).contains("fixed"));
        assert!(refused(&["rounding.step"], &nothing).contains("fixed"));
        assert!(refused(&["open_time.seconds"], &nothing).contains("changed as a whole; name \"open_time\""));
        assert!(refused(&["grade_bands.label"], &nothing).contains("changed as a whole"));
        assert!(refused(&["", "."], &nothing).contains("no field"));
        // Sent and named: whoever updates compares.
        let mask = FieldMask { paths: vec!["forms".into()] };
        let mut fields = Fields::default();
        let mask = Mask::parse(Some(&mask), &exam(), &mut fields).unwrap();
        assert!(fields.is_clean() && mask.asks_fixed("forms") && !mask.asks_fixed("rounding"));
    }
}
