//! What the edge knows of each method before it reads a byte of the request: the one table, by path, made from the
//! descriptors of everything that is served.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use prost::Message;
use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

use crate::pb;

/// The largest message of the methods that are open to everybody: health and reflection ask for a name.
pub const OPEN: usize = 16 * 1024;
/// The largest message of a method that takes single values: names, filters, words.
pub const PLAIN: usize = 64 * 1024;
/// The largest message of a method that takes lists or content.
pub const CONTENT: usize = 4 * 1024 * 1024;
/// The largest message of the methods by which files and whole answer sheets come in.
pub const LARGEST: usize = 20 * 1024 * 1024;

/// The methods with messages of up to [`LARGEST`].
const LARGE: [&str; 5] = [
    "QuestionBankService/ImportQuestions",
    "DeliveryService/SaveResponses",
    "DeliveryService/SubmitAttempt",
    "DeliveryService/ScoreSubmission",
    "DeliveryService/BatchScoreSubmissions",
];

/// The client streams of which each message is done with for itself, so that such a stream may be of any length. The
/// messages of every other one are held until the call ends.
const PASSING: [&str; 3] = [
    "DeliveryService/BatchScoreSubmissions",
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The packages whose methods are for proved callers only.
const GUARDED: [&str; 2] = ["assessment.v1.", "google.longrunning."];

/// What a call brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    /// One message.
    One,
    /// A stream that is gathered until the call ends.
    Gathered,
    /// A stream of which each message is done with for itself.
    Passing,
}

/// See the module.
#[derive(Debug)]
pub struct Method {
    /// `Service/Method`; with its package where everybody may call it.
    pub name: String,
    /// Everybody may call it.
    pub open: bool,
    /// The bytes of one message at most.
    pub largest: usize,
    /// What a call brings.
    pub brings: Brings,
    /// It answers by a stream that has no end of its own.
    pub endless: bool,
}

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(table);

/// The method of a path; `None` where nothing like that is served.
pub fn of(path: &str) -> Option<&'static Method> {
    METHODS.get(path)
}

/// Whether a path leads behind the door, though there may be nothing at its end.
pub fn is_guarded(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|name| GUARDED.iter().any(|package| name.starts_with(package)))
}

/// Every method.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Method)> {
    METHODS.iter().map(|(path, method)| (path.as_str(), method))
}

fn table() -> HashMap<String, Method> {
    let sets = [
        pb::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let files: Vec<FileDescriptorProto> =
        sets.iter().flat_map(|set| FileDescriptorSet::decode(*set).unwrap_or_default().file).collect();
    let listing = messages_with_lists(&files);
    let mut table = HashMap::new();
    for file in &files {
        for service in &file.service {
            for method in &service.method {
                let full = format!("{}.{}/{}", file.package(), service.name(), method.name());
                let path = format!("/{full}");
                let open = !is_guarded(&path);
                let name = if open { full } else { format!("{}/{}", service.name(), method.name()) };
                let large = LARGE.contains(&name.as_str());
                let largest = match method.input_type().trim_start_matches('.') {
                    _ if open => OPEN,
                    _ if large => LARGEST,
                    input if listing.contains(input) => CONTENT,
                    _ => PLAIN,
                };
                let brings = match method.client_streaming() {
                    false => Brings::One,
                    true if PASSING.contains(&name.as_str()) => Brings::Passing,
                    true => Brings::Gathered,
                };
                let endless = open && method.server_streaming() && !method.client_streaming();
                table.insert(path, Method { name, open, largest, brings, endless });
            }
        }
    }
    table
}

/// The messages that hold a list or another message of ours: what comes in them may be long.
fn messages_with_lists(files: &[FileDescriptorProto]) -> HashSet<String> {
    fn walk(within: &str, message: &DescriptorProto, found: &mut HashSet<String>) {
        let name = format!("{within}.{}", message.name());
        let long = message.field.iter().any(|field| {
            let known = field.type_name().starts_with(".google.protobuf.");
            field.label() == Label::Repeated || (field.r#type() == Type::Message && !known)
        });
        for nested in &message.nested_type {
            walk(&name, nested, found);
        }
        if long {
            found.insert(name);
        }
    }
    let mut found = HashSet::new();
    for file in files {
        for message in &file.message_type {
            walk(file.package(), message, &mut found);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_limit_and_only_few_a_high_one() {
        let mut counts = HashMap::new();
        for (path, method) in all() {
            let wanted = match method.name.as_str() {
                _ if !is_guarded(path) => OPEN,
                name if LARGE.contains(&name) => LARGEST,
                _ => method.largest.clamp(PLAIN, CONTENT),
            };
            assert_eq!(method.largest, wanted, "{path}");
            assert_eq!(method.open, !is_guarded(path), "{path}");
            *counts.entry(method.largest).or_insert(0) += 1;
        }
        assert_eq!(counts[&LARGEST], LARGE.len());
        assert_eq!(counts[&OPEN], 4, "Check, Watch, and reflection twice: {counts:?}");
        assert!(counts[&PLAIN] > 25 && counts[&CONTENT] > 10, "{counts:?}");
    }

    #[test]
    fn the_words_of_the_table_name_methods() {
        let named = |name: &str| all().find(|(_, method)| method.name == name).map(|(_, method)| method);
        for name in LARGE {
            assert!(named(name).is_some(), "{name}");
        }
        for name in PASSING {
            assert_eq!(named(name).map(|method| method.brings), Some(Brings::Passing), "{name}");
        }
        let limit = |name: &str| named(name).map(|method| method.largest);
        assert_eq!(limit("QuestionBankService/GetQuestion"), Some(PLAIN));
        assert_eq!(limit("QuestionBankService/ListQuestions"), Some(PLAIN));
        assert_eq!(limit("QuestionBankService/BatchGetQuestions"), Some(CONTENT));
        assert_eq!(limit("QuestionBankService/CreateQuestion"), Some(CONTENT));
        assert_eq!(limit("grpc.health.v1.Health/Check"), Some(OPEN));
        let endless: Vec<&str> =
            all().filter(|(_, method)| method.endless).map(|(_, method)| method.name.as_str()).collect();
        assert_eq!(endless, ["grpc.health.v1.Health/Watch"]);
    }

    #[test]
    fn what_is_not_served_is_known_to_be_behind_the_door_or_not() {
        assert!(of("/assessment.v1.QuestionBankService/NoSuchMethod").is_none());
        assert!(is_guarded("/assessment.v1.QuestionBankService/NoSuchMethod"));
        assert!(is_guarded("/google.longrunning.Nothing/At"));
        assert!(!is_guarded("/grpc.health.v1.Health/Check"));
        assert!(!is_guarded("assessment"));
    }
}
